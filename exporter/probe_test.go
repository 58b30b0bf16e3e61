package exporter_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bongsu/bongsu/exporter"
)

const oneMetric = `
    metrics:
      - {name: shop_orders, type: gauge, rows: ".orders[]", labels: {state: .state}, value: .count}
`

func httpModule(settings string) string { return "modules:\n  m:\n    http: " + settings + oneMetric }

// TestFailures breaks a probe in every way that has a reason, and looks for
// the reason in the answer, which must be 200 and parse.
func TestFailures(t *testing.T) {
	t.Parallel()
	body := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) }
	}
	for name, c := range map[string]struct {
		settings string
		far      http.HandlerFunc
		stage    string
		reason   string
		success  float64
		samples  float64
	}{
		"not json":         {"{}", body("<html>"), "decode", "not_json", 0, 0},
		"empty":            {"{}", body(""), "decode", "not_json", 0, 0},
		"trailing garbage": {"{}", body(`{"orders":[]} x`), "decode", "not_json", 0, 0},
		"too deep":         {"{}", body(strings.Repeat("[", 100_000)), "decode", "too_deep", 0, 0},
		"no array":         {"{}", body(`{"orders":7}`), "decode", "rows", 0, 0},
		"nothing there":    {"{}", body(`{}`), "decode", "rows", 0, 0},
		"broken halfway":   {"{}", body(`{"orders":[{"state":"a","count":1}],"x":[}`), "decode", "not_json", 0, 0},
		"no value at all":  {"{}", body(`{"orders":[{"state":"a"},{"state":"b","count":null}]}`), "decode", "missing", 0, 0},
		"no number":        {"{}", body(`{"orders":[{"state":"a","count":"12 %"},{"state":"b","count":1}]}`), "decode", "not_a_number", 1, 1},
		"only no numbers":  {"{}", body(`{"orders":[{"state":"a","count":"n/a"}]}`), "decode", "not_a_number", 0, 0},
		"nan":              {"{}", body(`{"orders":[{"state":"a","count":"NaN"},{"state":"b","count":1}]}`), "decode", "nan", 1, 1},
		"row of no fields": {"{}", body(`{"orders":[3,{"state":"b","count":1}]}`), "decode", "expression", 1, 1},
		"status":           {"{}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "fetch", "status", 0, 0},
		"not the status":   {"{valid_status_codes: [201]}", body(`{"orders":[]}`), "fetch", "status", 0, 0},
		"too large":        {"{max_body_bytes: 10}", body(`{"orders":[]}`), "fetch", "too_large", 0, 0},
		"zip bomb":         {"{max_body_bytes: 100000}", zipBomb, "fetch", "too_large", 0, 0},
		"too slow":         {"{timeout: 50ms}", silent, "fetch", "timeout", 0, 0},
		"endless":          {"{timeout: 50ms}", trickle, "fetch", "timeout", 0, 0},
		"cut off":          {"{}", cutOff, "fetch", "interrupted", 0, 0},
		"no gzip":          {"{}", falseGzip, "fetch", "interrupted", 0, 0},
		"redirect refused": {"{follow_redirects: false}", redirectTo("/b"), "fetch", "status", 0, 0},
		"redirect loop":    {"{}", redirectTo("/"), "fetch", "redirect", 0, 0},
		"redirect to file": {"{}", redirectTo("file:///etc/passwd"), "fetch", "redirect", 0, 0},
		"to metadata":      {"{}", redirectTo("http://169.254.169.254/latest"), "fetch", "forbidden", 0, 0},
		"no token file":    {"{authorization: {credentials_file: /nonexistent/token}}", body("{}"), "fetch", "credentials", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			far := serving(t, c.far)
			e := newExporter(t, strings.Replace(httpModule(c.settings), "    http:", "    targets: {hosts: [127.0.0.1, 169.254.169.254]}\n    http:", 1))
			got := probe(t, e, url.Values{"module": {"m"}, "target": {far.URL}})
			if got.status != http.StatusOK {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			samples := parsesBack(t, got.body)
			wantSample(t, samples, `{__name__="probe_success", module="m"}`, c.success)
			wantSample(t, samples, `{__name__="probe_samples", module="m"}`, c.samples)
			wantSample(t, samples, fmt.Sprintf(`{__name__="probe_failure_info", module="m", reason=%q, stage=%q}`, c.reason, c.stage), 1)
		})
	}
}

func wantSample(t *testing.T, samples map[string]float64, series string, want float64) {
	t.Helper()
	if got, ok := samples[series]; !ok || got != want {
		t.Errorf("%s: got %v (there: %v), want %v; all: %v", series, got, ok, want, samples)
	}
}

func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func trickle(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, " "); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"orders":[`)
}

func falseGzip(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = io.WriteString(w, `{"orders":[]}`)
}

func zipBomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	_, _ = z.Write(make([]byte, 10<<20))
	_ = z.Close()
}

func redirectTo(where string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, where, http.StatusFound) }
}

func TestConnectionFailures(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	plain := serving(t, func(http.ResponseWriter, *http.Request) {})
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	for target, reason := range map[string]string{
		closed.URL:             "refused",
		"http://host.invalid/": "dns",
		strings.Replace(plain.URL, "http", "https", 1): "tls",
		secure.URL: "tls",
	} {
		e := newExporter(t, httpModule("{timeout: 5s}"))
		r, err := e.Run(t.Context(), "m", exporter.Target{URL: target})
		if err != nil {
			t.Fatal(err)
		}
		if r.Success() || len(r.Failures()) != 1 || string(r.Failures()[0].Reason) != reason {
			t.Errorf("%s: got %v, want %s", target, r.Failures(), reason)
		}
	}
}

// TestPartialRows keeps what came before the rows expression failed.
func TestPartialRows(t *testing.T) {
	t.Parallel()
	far := answering(t, `{"groups":[{"x":[{"n":"a","v":1}]},{"x":3}]}`)
	e := newExporter(t, `modules:
  m:
    http: {}
    metrics:
      - {name: v, rows: ".groups[].x[]", labels: {n: .n}, value: .v}
      - {name: groups, value: ".groups | length"}
`)
	samples := parsesBack(t, probe(t, e, url.Values{"module": {"m"}, "target": {far.URL}}).body)
	wantSample(t, samples, `{__name__="v", n="a"}`, 1)
	wantSample(t, samples, `{__name__="groups"}`, 2)
	wantSample(t, samples, `{__name__="probe_success", module="m"}`, 0)
	wantSample(t, samples, `{__name__="probe_failure_info", module="m", reason="rows", stage="decode"}`, 1)
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	e := newExporter(t, `modules:
  open: {http: {}, metrics: [{name: a, value: .}]}
  own: {http: {url: "http://127.0.0.1:1/"}, metrics: [{name: a, value: .}]}
  db: {sql: {driver: sqlite, dsn: ":memory:"}, metrics: [{name: b, query: "SELECT 1 AS n", value: .n}]}
`)
	for params, want := range map[string]string{
		"module=opem":                                   `unknown module "opem"; did you mean "open"? known modules: db, open, own`,
		"module=zzz&target=http://127.0.0.1":            `unknown module "zzz"; known modules: db, open, own`,
		"module=open":                                   `the parameter target is missing`,
		"target=http://127.0.0.1":                       `target without module`,
		"module=own&target=http://127.0.0.1":            `module "own" names its own target`,
		"module=db&target=http://127.0.0.1":             `module "db" names its own target`,
		"module=open&target=127.0.0.1:80/x":             `target: not a URL`,
		"module=open&target=localhost:80/x":             `target: the scheme is "localhost", expected http or https`,
		"module=open&target=file:///etc/passwd":         `target: the scheme is "file", expected http or https`,
		"module=open&target=http:///x":                  `target: no host in the URL`,
		"module=open&target=http://u:geheim@h/":         `target: credentials belong into the config`,
		"module=open&target=http://169.254.169.254/":    `target: 169.254.169.254 is never asked`,
		"module=open&target=http://[fe80::1%2525eth0]/": `target: fe80::1 is never asked`,
		"module=open&target=http://[::ffff:a9fe:a9fe]/": `target: 169.254.169.254 is never asked`,
	} {
		q, err := url.ParseQuery(params)
		if err != nil {
			t.Fatal(err)
		}
		got := probe(t, e, q)
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, want) {
			t.Errorf("%s: got %d %q, want 400 %q", params, got.status, got.body, want)
		}
		if strings.Contains(got.body, "geheim") {
			t.Errorf("%s: shows the password", params)
		}
	}
}

func TestAllModulesAtOnce(t *testing.T) {
	t.Parallel()
	fast := answering(t, `7`)
	slow := serving(t, silent)
	db := sqliteFrom(t, "CREATE TABLE s (n); INSERT INTO s VALUES (3)")
	e := newExporter(t, fmt.Sprintf(`modules:
  fast: {http: {url: %q}, metrics: [{name: a, value: .}]}
  slow: {http: {url: %q}, metrics: [{name: b, value: .}]}
  open: {http: {}, metrics: [{name: c, value: .}]}
  db: {sql: {driver: sqlite, dsn: "file:%s?mode=ro"}, metrics: [{name: d, query: "SELECT n FROM s", value: .n}]}
`, fast.URL, slow.URL, db))
	start := time.Now()
	got := probe(t, e, nil, "X-Prometheus-Scrape-Timeout-Seconds", "0.3")
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v with a scrape timeout of 0.3 s", took)
	}
	samples := parsesBack(t, got.body)
	wantSample(t, samples, `{__name__="a"}`, 7)
	wantSample(t, samples, `{__name__="d"}`, 3)
	wantSample(t, samples, `{__name__="probe_success", module="fast"}`, 1)
	wantSample(t, samples, `{__name__="probe_success", module="db"}`, 1)
	wantSample(t, samples, `{__name__="probe_success", module="slow"}`, 0)
	wantSample(t, samples, `{__name__="probe_failure_info", module="slow", reason="timeout", stage="fetch"}`, 1)
	if strings.Contains(got.body, `module="open"`) {
		t.Error("a module without target was probed")
	}
}

func TestRequestIsWhatTheModuleSays(t *testing.T) {
	t.Parallel()
	type seen struct{ method, token, custom, body, host string }
	got := make(chan seen, 1)
	far := serving(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- seen{r.Method, r.Header.Get("Authorization"), r.Header.Get("X-Key"), string(body), r.Host}
		_, _ = io.WriteString(w, "1")
	})
	e := newExporter(t, fmt.Sprintf(`modules:
  m:
    http:
      url: %q
      body: '{"질의": 1}'
      headers: {x-key: k, host: example.org}
      authorization: {credentials: tok}
    metrics: [{name: a, value: .}]
`, far.URL))
	probe(t, e, nil)
	want := seen{"POST", "Bearer tok", "k", `{"질의": 1}`, "example.org"}
	if got := <-got; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestGzipFromTheFarSide(t *testing.T) {
	t.Parallel()
	far := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Error("gzip is not asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `{"orders":[{"state":"환불","count":5}]}`)
		_ = z.Close()
	})
	e := newExporter(t, httpModule("{}"))
	samples := parsesBack(t, probe(t, e, url.Values{"module": {"m"}, "target": {far.URL}}).body)
	wantSample(t, samples, `{__name__="shop_orders", state="환불"}`, 5)
}

func TestSQLFailures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := sqliteFrom(t, `CREATE TABLE s (n, name); INSERT INTO s VALUES (1, 'a'), ('n/a', 'b'), (NULL, 'c'), (2, 'd')`)
	for name, c := range map[string]struct {
		settings, query, value string
		stage, reason          string
		success                float64
	}{
		"no such table": {`dsn: "file:` + db + `?mode=ro"`, "SELECT n FROM nosuch", ".n", "fetch", "query", 0},
		"syntax":        {`dsn: "file:` + db + `?mode=ro"`, "SELEKT", ".n", "fetch", "query", 0},
		"no number":     {`dsn: "file:` + db + `?mode=ro"`, "SELECT n, name FROM s", ".n", "decode", "not_a_number", 1},
		"only text":     {`dsn: "file:` + db + `?mode=ro"`, "SELECT n, name FROM s", ".name", "decode", "not_a_number", 0},
		"wrong column":  {`dsn: "file:` + db + `?mode=ro"`, "SELECT n, name FROM s", ".m", "decode", "missing", 0},
		"too many rows": {`max_rows: 3, dsn: "file:` + db + `?mode=ro"`, "SELECT n, name FROM s", ".n", "fetch", "too_large", 0},
		"no file":       {`dsn: "file:` + filepath.Join(dir, "no.db") + `?mode=ro"`, "SELECT 1 AS n", ".n", "fetch", "connect", 0},
		"no dsn file":   {`dsn_file: "` + filepath.Join(dir, "no.dsn") + `"`, "SELECT 1 AS n", ".n", "fetch", "credentials", 0},
		"endless":       {`timeout: 100ms, dsn: ":memory:"`, "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) AS n FROM c", ".n", "fetch", "timeout", 0},
		"read only":     {`dsn: "file:` + db + `?mode=ro"`, "DELETE FROM s RETURNING n", ".n", "fetch", "query", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newExporter(t, "modules: {m: {sql: {driver: sqlite, "+c.settings+"}, metrics: [{name: v, query: "+strconv.Quote(c.query)+", labels: {name: .name}, value: "+strconv.Quote(c.value)+"}]}}")
			got := probe(t, e, nil)
			samples := parsesBack(t, got.body)
			wantSample(t, samples, `{__name__="probe_success", module="m"}`, c.success)
			wantSample(t, samples, fmt.Sprintf(`{__name__="probe_failure_info", module="m", reason=%q, stage=%q}`, c.reason, c.stage), 1)
		})
	}
}

// TestOneBadQuery leaves the others of its module alone.
func TestOneBadQuery(t *testing.T) {
	t.Parallel()
	db := sqliteFrom(t, `CREATE TABLE s (n); INSERT INTO s VALUES (1)`)
	e := newExporter(t, fmt.Sprintf(`modules:
  m:
    sql: {driver: sqlite, dsn: "file:%s?mode=ro"}
    metrics:
      - {name: good, query: "SELECT n FROM s", value: .n}
      - {name: bad, query: "SELECT n FROM t", value: .n}
`, db))
	samples := parsesBack(t, probe(t, e, nil).body)
	wantSample(t, samples, `{__name__="good"}`, 1)
	wantSample(t, samples, `{__name__="probe_success", module="m"}`, 0)
}

func TestConnectsWhereTheNameLeads(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "1") }), ReadHeaderTimeout: time.Second}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	e := newExporter(t, "modules: {m: {http: {}, metrics: [{name: a, value: .}]}}")
	_, port, _ := net.SplitHostPort(l.Addr().String())
	samples := parsesBack(t, probe(t, e, url.Values{"module": {"m"}, "target": {"http://localhost:" + port}}).body)
	wantSample(t, samples, `{__name__="a"}`, 1)
}
