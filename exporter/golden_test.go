package exporter_test

import (
	"database/sql"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"github.com/bongsu/bongsu/exporter"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestGolden probes the module "golden" of each NAME.yml with the answer
// NAME.json (or .ndjson, .csv, .xml, .txt, .metrics), or the database that
// NAME.sql makes, and compares the exposition with NAME.prom.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/golden/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		stem := strings.TrimSuffix(file, ".yml")
		t.Run(filepath.Base(stem), func(t *testing.T) {
			t.Parallel()
			got := goldenProbe(t, stem)
			parsesBack(t, got)
			if *update {
				writeFile(t, stem+".prom", got)
			}
			if diff := cmp.Diff(readFile(t, stem+".prom"), got); diff != "" {
				t.Errorf("exposition (-want +got):\n%s", diff)
			}
		})
	}
}

func goldenProbe(t *testing.T, stem string) string {
	t.Helper()
	text := readFile(t, stem+".yml")
	params := url.Values{"module": {"golden"}}
	if strings.Contains(text, "sql:") {
		text = strings.ReplaceAll(text, "golden.db", sqliteFrom(t, readFile(t, stem+".sql")))
	} else {
		params.Set("target", answering(t, savedAnswer(t, stem)).URL)
	}
	still := time.Unix(1_700_000_000, 0)
	e := newExporter(t, text, func(o *exporter.Options) { o.Now = func() time.Time { return still } })
	return probe(t, e, params).body
}

// savedAnswer returns the answer of a golden triple.
func savedAnswer(t *testing.T, stem string) string {
	t.Helper()
	for _, ext := range []string{".json", ".ndjson", ".csv", ".xml", ".txt", ".metrics"} {
		if _, err := os.Stat(stem + ext); err == nil {
			return readFile(t, stem+ext)
		}
	}
	t.Fatalf("%s has no answer", stem)
	return ""
}

// sqliteFrom makes a database by a script and returns its path.
func sqliteFrom(t testing.TB, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(script); err != nil {
		t.Fatal(err)
	}
	return path
}

// answering returns a server that answers everything with body.
func answering(t testing.TB, body string) *httptest.Server {
	t.Helper()
	return serving(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
}

func serving(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// newExporter returns an exporter for a config's text.
func newExporter(t testing.TB, text string, opts ...func(*exporter.Options)) *exporter.Exporter {
	t.Helper()
	o := exporter.Options{Load: func() (*exporter.Config, error) {
		return exporter.ParseConfig("test.yml", []byte(text))
	}}
	for _, opt := range opts {
		opt(&o)
	}
	e, err := exporter.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}

type answer struct {
	status int
	header http.Header
	body   string
}

// probe sends a request to /probe; header holds names and values in turn.
func probe(t testing.TB, e *exporter.Exporter, params url.Values, header ...string) answer {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?"+params.Encode(), nil)
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	e.Probe().ServeHTTP(rec, req)
	return answer{rec.Code, rec.Header(), rec.Body.String()}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
