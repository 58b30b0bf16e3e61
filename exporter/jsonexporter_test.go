package exporter_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bongsu/bongsu/exporter"
)

// TestJSONExporterGolden probes the module "default" of each NAME.yml, a file of
// json_exporter, with the answer NAME.json. NAME.prom is the exposition, NAME.quirks
// what check says of the file.
func TestJSONExporterGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/jsonexporter/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		stem := strings.TrimSuffix(file, ".yml")
		t.Run(filepath.Base(stem), func(t *testing.T) {
			t.Parallel()
			e := newExporter(t, readFile(t, file))
			got := probe(t, e, url.Values{"target": {answering(t, readFile(t, stem+".json")).URL}})
			if got.status != http.StatusOK {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			parsesBack(t, regexp.MustCompile(`,?[a-z]+=""`).ReplaceAllString(got.body, ""))
			golden(t, stem+".prom", got.body)
			golden(t, stem+".quirks", quirksOf(e.Config()))
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		writeFile(t, path, got)
	}
	if diff := cmp.Diff(readFile(t, path), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func quirksOf(c *exporter.Config) string {
	var text strings.Builder
	for _, q := range c.Quirks() {
		text.WriteString(q.String() + "\n")
	}
	return text.String()
}

// jeConfig is a file of json_exporter with more of its YAML behind its only
// module.
func jeConfig(module string) string {
	return "modules:\n  default:\n    metrics: [{name: m, path: '{.v}'}]\n" + module
}

// TestJSONExporterRequests checks parameters, status codes and texts.
func TestJSONExporterRequests(t *testing.T) {
	t.Parallel()
	far := serving(t, func(w http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/201":
			w.WriteHeader(http.StatusCreated)
		case "/500":
			w.WriteHeader(http.StatusInternalServerError)
		case "/302":
			http.Redirect(w, req, "/ok", http.StatusFound)
			return
		case "/html":
			_, _ = w.Write([]byte("<html>"))
			return
		}
		_, _ = w.Write([]byte(`{"v": 1}`))
	})
	e := newExporter(t, jeConfig(`
  other:
    metrics: [{name: o, path: '{.v}'}]
    valid_status_codes: [200]
  follows:
    metrics: [{name: f, path: '{.v}'}]
    http_client_config: {}
  empty:
    metrics: [{name: n, path: '{.v}'}]
    http_client_config:
`))
	host := strings.TrimPrefix(far.URL, "http://")
	for _, c := range []struct {
		query  string
		status int
		want   string // a part of the answer
	}{
		{"target=" + far.URL, 200, "# HELP m m\n# TYPE m untyped\nm 1\n"},
		{"module=&target=" + far.URL, 200, "m 1\n"},
		{"module=other&target=" + far.URL, 200, "o 1\n"},
		{"module=nosuch", 400, `Unknown module "nosuch"` + "\n"},
		{"module=default", 400, "Target parameter is missing\n"},
		{"", 400, "Target parameter is missing\n"},
		{"target=" + far.URL + "/201", 200, "m 1\n"},
		{"module=other&target=" + far.URL + "/201", 503, "status 201"},
		{"target=" + far.URL + "/500", 503, "Failed to fetch JSON response. TARGET: " + far.URL + "/500, ERROR: "},
		{"target=" + far.URL + "/302", 503, "status 302"},
		{"module=empty&target=" + far.URL + "/302", 503, "status 302"},
		{"module=follows&target=" + far.URL + "/302", 200, "f 1\n"},
		{"target=" + host + "/x", 503, "Failed to fetch JSON response. TARGET: "},
		{"target=localhost:80/x", 503, `the scheme is "localhost"`},
		{"target=" + far.URL + "/html", 503, "not JSON"},
		{"target=http://169.254.169.254/", 503, "never asked"},
		{"target=" + strings.Replace(far.URL, "http://", "http://user:secret@", 1), 200, "m 1\n"},
	} {
		q, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		got := probe(t, e, q, "Accept", prometheusAccept)
		if got.status != c.status || !strings.Contains(got.body, c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.query, got.status, got.body, c.status, c.want)
		}
		if strings.Contains(got.body, "secret") {
			t.Errorf("%s: a secret in %s", c.query, got.body)
		}
		if c.status == 200 && (got.header.Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" || strings.Contains(got.body, "probe_")) {
			t.Errorf("%s: %s\n%s", c.query, got.header.Get("Content-Type"), got.body)
		}
	}
	if got := probe(t, e, url.Values{"target": {far.URL}}, "Accept-Encoding", "gzip"); got.header.Get("Content-Encoding") != "gzip" {
		t.Error("not compressed, though asked for")
	}
}

// TestJSONExporterAsks checks what reaches the far side.
func TestJSONExporterAsks(t *testing.T) {
	t.Parallel()
	far := serving(t, func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		user, password, _ := req.BasicAuth()
		_ = json.NewEncoder(w).Encode(map[string]any{"v": 1, "said": []string{
			req.Method, req.Header.Get("Accept"), req.Header.Get("X-Dummy"), req.Header.Get("Content-Type"), user + password, string(body),
		}})
	})
	metrics := "    metrics: [{name: m, path: '{.v}', labels: {said: '{.said}'}}]\n"
	e := newExporter(t, "modules:\n"+
		"  default:\n"+metrics+"    headers: {X-Dummy: my-header, Host: elsewhere}\n"+
		"  accepts:\n"+metrics+"    headers: {accept: text/json}\n"+
		"  posts:\n"+metrics+"    body: {content: '{\"id\": \"{{ .id | first }}\"}'}\n"+
		"  templates:\n"+metrics+"    body: {content: 'id={{ .id | first }} {{ .nosuch }}', templatize: true}\n"+
		"  broken:\n"+metrics+"    body: {content: 'id={{ .id', templatize: true}\n"+
		"  auth:\n"+metrics+"    http_client_config: {basic_auth: {username: u, password: p}}\n")
	for module, want := range map[string]string{
		"default":   `["GET","application/json","my-header","","",""]`,
		"accepts":   `["GET","text/json","","","",""]`,
		"posts":     `["POST","application/json","","","","{\"id\": \"{{ .id | first }}\"}"]`,
		"templates": `["POST","application/json","","","","id=봉수 []"]`,
		"broken":    `["POST","application/json","","","","id={{ .id"]`,
		"auth":      `["GET","application/json","","","up",""]`,
	} {
		got := probe(t, e, url.Values{"module": {module}, "target": {far.URL}, "id": {"봉수"}})
		for labels := range parsesBack(t, got.body) {
			if !strings.Contains(labels, strconv.Quote(want)) {
				t.Errorf("%s: %s, want %s", module, labels, want)
			}
		}
	}
	if got := quirksOf(e.Config()); strings.Count(got, "\n") != 3 || !strings.Contains(got, "credentials (basic_auth)") || !strings.Contains(got, "Host") || !strings.Contains(got, "not a template") {
		t.Errorf("quirks:\n%s", got)
	}
}

// TestDialects checks whom a file is taken to be made for.
func TestDialects(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		jeConfig(""): "json_exporter",
		"modules: {m: {http: {}, metrics: [{name: a, value: .}]}}":                                                  "",
		"modules: {m: {metrics: [{name: a, value: .}]}}":                                                            "error: has no source",
		"modules: {m: {http: {}, metrics: [{name: a, path: .}]}}":                                                   `error: unknown key "path"`,
		"target: {data_source_name: 'sqlite://x', collectors: [a]}\ncollectors: []":                                 "error: a file of sql_exporter",
		"metrics: [{name: a, path: '{.a}'}]":                                                                        `error: unknown key "metrics"`,
		jeConfig("    http_client_config: {bearer_token: a, bearer_token_file: b}"):                                 "error: at most one",
		jeConfig("    body: {content: '{{ genPrivateKey `rsa` }}', templatize: true}"):                              `error: test.yml:4: the template function "genPrivateKey" is not known here`,
		"modules: {m: {metrics: [{name: a, path: '{.a}', labels: [x]}]}}":                                           "error: test.yml:1",
		"modules: {m: {metrics: [{name: a, path: '{.a}', allow_missing_key: yes}], http_client_config: {typo: 1}}}": "json_exporter",
	} {
		c, err := exporter.ParseConfig("test.yml", []byte(text))
		if got, ok := strings.CutPrefix(want, "error: "); ok {
			if err == nil || !strings.Contains(err.Error(), got) {
				t.Errorf("%s: got %v, want %s", text, err, got)
			}
			continue
		}
		if err != nil || c.Dialect() != want {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestJSONExporterReload keeps the connections of a module that asks as before.
func TestJSONExporterReload(t *testing.T) {
	t.Parallel()
	far := answering(t, `{"v": 1}`)
	config := jeConfig("    body: {content: 'x {{ .id }}', templatize: true}\n")
	e := newExporter(t, "", func(o *exporter.Options) {
		o.Load = func() (*exporter.Config, error) { return exporter.ParseConfig("test.yml", []byte(config)) }
	})
	asks := func() string { return probe(t, e, url.Values{"module": {"default"}, "target": {far.URL}}).body }
	if got := asks(); got != "# HELP m m\n# TYPE m untyped\nm 1\n" {
		t.Errorf("got %s", got)
	}
	config = "modules: {default: {http: {}, metrics: [{name: native, value: .v}]}}"
	if err := e.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := asks(); !strings.Contains(got, "native 1\n") || !strings.Contains(got, "probe_success") {
		t.Errorf("got %s", got)
	}
	config = jeConfig("")
	if err := e.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := asks(); got != "# HELP m m\n# TYPE m untyped\nm 1\n" {
		t.Errorf("got %s", got)
	}
}

// TestJSONExporterJudges checks what own metrics count as success: the answer
// for Prometheus has no place for it.
func TestJSONExporterJudges(t *testing.T) {
	t.Parallel()
	far := answering(t, `{"v": 1, "rows": [{"v": 1}, {"v": "x"}, {}], "null": null}`)
	for path, want := range map[string]string{
		"path: '{.v}'":      "true",
		"path: '{.nosuch}'": "false missing",
		"path: '{.nosuch}', allow_missing_key: true": "true",
		"path: '{.null}'":                          "false missing",
		"path: '{.null}', allow_missing_key: true": "true",
		"path: '{.rows}'":                          "false not_a_number",
		"path: '{.v[0]}'":                          "false expression",
		"type: object, path: '{.rows[*]}', values: {v: '{.v}'}":     "true not_a_number missing",
		"type: object, path: '{.nosuch}', values: {v: '{.v}'}":      "false rows",
		"type: object, path: '{.rows}{.rows}', values: {v: '{.v}'}": "false rows",
		"path: '{.v}', labels: {a: '{.nosuch}'}":                    "true missing",
		"path: '{.v}', epochtimestamp: '{.rows}'":                   "true expression",
	} {
		e := newExporter(t, "modules: {default: {metrics: [{name: m, "+path+"}]}}")
		r, err := e.Run(t.Context(), "default", exporter.Target{URL: far.URL})
		if err != nil {
			t.Fatal(err)
		}
		got := strconv.FormatBool(r.Success())
		for _, f := range r.Failures() {
			got += " " + string(f.Reason)
		}
		if got != want {
			t.Errorf("%s: %s %v, want %s", path, got, r.Failures(), want)
		}
	}
}

const jeBench = `modules:
  bench:
    metrics:
      - name: bench
        type: object
        path: '{.items[*]}'
        labels: {id: '{.id}', zone: '{.zone}', state: '{.state}'}
        values: {a: '{.a}', b: '{.b}', c: '{.c}'}
`

// BenchmarkJSONExporter10kx3 is BenchmarkJSON10kx3 with a file of json_exporter.
func BenchmarkJSONExporter10kx3(b *testing.B) {
	doc := benchJSON(10_000)
	srv := serving(b, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(doc) })
	e := newExporter(b, jeBench)
	b.ReportAllocs()
	for b.Loop() {
		run(b, e, exporter.Target{URL: srv.URL})
	}
}

// BenchmarkJSONExporterScalars reads 1,000 scalars of one document.
func BenchmarkJSONExporterScalars(b *testing.B) {
	var doc, config strings.Builder
	config.WriteString("modules:\n  bench:\n    metrics:\n")
	for i := range 1000 {
		doc.WriteString(string("{,"[min(i, 1)]) + fmt.Sprintf(`"key%d":%d`, i, i))
		fmt.Fprintf(&config, "      - {name: bench_%d, path: '{.key%d}'}\n", i, i)
	}
	srv := answering(b, doc.String()+"}")
	e := newExporter(b, config.String())
	b.ReportAllocs()
	for b.Loop() {
		run(b, e, exporter.Target{URL: srv.URL})
	}
}
