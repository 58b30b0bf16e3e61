package exporter_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/bongsu/bongsu/exporter"
)

// The floors are what any program must do at least: decode the answer once (by
// encoding/json, into a struct made for it) or scan the rows, and write the
// samples as text in the order in which they come, without names to look up,
// sorting, or care for duplicates. Both sides fetch from the same server.

const jsonMetrics = `modules:
  bench:
    http: {max_body_bytes: 100000000}
    metrics:
      - {name: bench_a, type: gauge, help: A., rows: ".items[]", labels: {id: .id, zone: .zone, state: .state}, value: .a}
      - {name: bench_b, type: gauge, help: B., rows: ".items[]", labels: {id: .id, zone: .zone, state: .state}, value: .b}
      - {name: bench_c, type: gauge, help: C., rows: ".items[]", labels: {id: .id, zone: .zone, state: .state}, value: .c}
`

func benchJSON(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"items":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"item-%d","zone":"zone-%d","state":"%s","a":%d,"b":%g,"c":%d}`,
			i*7919%n, i%7, []string{"open", "closed", "대기"}[i%3], i, float64(i)*1.25, i*1000)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func BenchmarkJSON10kx3(b *testing.B) { benchmarkJSON(b, 10_000) }

// BenchmarkLinear shows that the time grows with the answer and not faster.
func BenchmarkLinear(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) { benchmarkJSON(b, n) })
	}
}

func benchmarkJSON(b *testing.B, n int) {
	doc := benchJSON(n)
	srv := serving(b, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(doc) })
	var floor float64
	b.Run("floor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			jsonFloor(b, srv.URL)
		}
		floor = float64(b.Elapsed().Nanoseconds()) / float64(b.N)
	})
	e := newExporter(b, jsonMetrics)
	b.Run("probe", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			run(b, e, exporter.Target{URL: srv.URL})
		}
		reportFloor(b, floor)
	})
}

func run(b *testing.B, e *exporter.Exporter, t exporter.Target) {
	r, err := e.Run(context.Background(), "bench", t)
	if err != nil || !r.Success() {
		b.Fatal(err, r.Failures())
	}
	if err := r.WriteText(io.Discard); err != nil {
		b.Fatal(err)
	}
}

func reportFloor(b *testing.B, floor float64) {
	if floor > 0 {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/floor, "x_floor")
	}
}

type benchItem struct {
	ID    string `json:"id"`
	Zone  string `json:"zone"`
	State string `json:"state"`
	A     int64  `json:"a"`
	B     float64
	C     int64
}

func jsonFloor(b *testing.B, url string) {
	resp, err := http.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	var doc struct{ Items []benchItem }
	if err := json.Unmarshal(body, &doc); err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 64<<10)
	for i := range doc.Items {
		it := &doc.Items[i]
		for k, v := range [3]float64{float64(it.A), it.B, float64(it.C)} {
			buf = writeFloor(buf, k, it.ID, it.Zone, it.State, v)
		}
	}
	_, _ = io.Discard.Write(buf)
}

func writeFloor(buf []byte, k int, id, zone, state string, v float64) []byte {
	buf = append(append(buf, "bench_"...), "abc"[k])
	buf = append(append(buf, `{id="`...), id...)
	buf = append(append(buf, `",state="`...), state...)
	buf = append(append(buf, `",zone="`...), zone...)
	buf = append(buf, `"} `...)
	return append(strconv.AppendFloat(buf, v, 'g', -1, 64), '\n')
}

const sqlMetrics = `modules:
  bench:
    sql: {driver: sqlite, dsn: "file:%s?mode=ro"}
    metrics:
      - {name: bench_a, type: gauge, help: A., query: "SELECT * FROM items", labels: {id: .id, zone: .zone, state: .state}, value: .a}
      - {name: bench_b, type: gauge, help: B., query: "SELECT * FROM items", labels: {id: .id, zone: .zone, state: .state}, value: .b}
      - {name: bench_c, type: gauge, help: C., query: "SELECT * FROM items", labels: {id: .id, zone: .zone, state: .state}, value: .c}
`

const sqlScript = `CREATE TABLE items (id TEXT, zone TEXT, state TEXT, a INTEGER, b REAL, c INTEGER);
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
INSERT INTO items SELECT 'item-' || (i * 7919 % 10000), 'zone-' || (i % 7), 'open', i, i * 1.25, i * 1000 FROM n;`

func BenchmarkSQL10kx3(b *testing.B) {
	path := sqliteFrom(b, sqlScript)
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var floor float64
	b.Run("floor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sqlFloor(b, db)
		}
		floor = float64(b.Elapsed().Nanoseconds()) / float64(b.N)
	})
	e := newExporter(b, fmt.Sprintf(sqlMetrics, path))
	b.Run("probe", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			run(b, e, exporter.Target{})
		}
		reportFloor(b, floor)
	})
}

func sqlFloor(b *testing.B, db *sql.DB) {
	rows, err := db.QueryContext(context.Background(), "SELECT * FROM items")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	buf := make([]byte, 0, 64<<10)
	var it [6]sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&it[0], &it[1], &it[2], &it[3], &it[4], &it[5]); err != nil {
			b.Fatal(err)
		}
		for k := range 3 {
			buf = append(append(buf, "bench_"...), "abc"[k])
			buf = append(append(buf, `{id="`...), it[0]...)
			buf = append(append(buf, `",state="`...), it[2]...)
			buf = append(append(buf, `",zone="`...), it[1]...)
			buf = append(append(append(buf, `"} `...), it[3+k]...), '\n')
		}
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	_, _ = io.Discard.Write(buf)
}
