package exporter_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v3"

	"github.com/bongsu/bongsu/exporter"
)

const secretsConfig = `modules:
  web:
    http:
      url: "http://user:geheim1@127.0.0.1:1/geheim2?token=geheim3"
      headers: {X-Key: geheim4}
      body: geheim5
      basic_auth: {username: u, password: geheim6}
      http_headers: {X-Other: {secrets: [geheim7], values: [geheim8]}}
      proxy_url: "http://p:geheim9@127.0.0.1:2"
    metrics: [{name: a, value: .}]
  token:
    http: {url: "http://127.0.0.1:1/", authorization: {credentials: geheim10}}
    metrics: [{name: a, value: .}]
  oauth:
    http: {url: "http://127.0.0.1:1/", oauth2: {client_id: c, client_secret: geheim11, token_url: "http://127.0.0.1:1/"}}
    metrics: [{name: a, value: .}]
  db:
    sql: {driver: sqlite, dsn: "file:/nonexistent/geheim12.db?mode=ro"}
    metrics: [{name: b, query: "SELECT 1 AS n", value: .n}]
`

// TestConfigPrintsNoSecrets prints the whole config in every way.
func TestConfigPrintsNoSecrets(t *testing.T) {
	t.Parallel()
	c, err := exporter.ParseConfig("c.yml", []byte(secretsConfig))
	if err != nil {
		t.Fatal(err)
	}
	values := []any{c, *c, c.Modules}
	for _, m := range c.Modules {
		values = append(values, m, *m, m.Asks())
	}
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, nil))
	logJSON := slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range values {
		fmt.Fprintf(&out, "%v %+v %#v %s %q\n", v, v, v, v, v)
		log.Info("config", "value", v)
		logJSON.Info("config", "value", v)
		j, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		y, err := yaml.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		out.Write(j)
		out.Write(y)
	}
	noSecrets(t, out.String())
}

func noSecrets(t *testing.T, text string) {
	t.Helper()
	if i := strings.Index(text, "geheim"); i >= 0 {
		t.Errorf("shows a secret: …%s…", text[max(0, i-80):min(len(text), i+20)])
	}
}

// TestFailuresShowNoSecrets lets every module fail and reads the answer, the
// log and the errors.
func TestFailuresShowNoSecrets(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	text := strings.ReplaceAll(secretsConfig, "geheim12.db", "geheim12.db")
	e := newExporter(t, text, func(o *exporter.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&lockedWriter{w: &log}, nil))
	})
	got := probe(t, e, nil)
	noSecrets(t, got.body)
	for _, m := range e.Modules() {
		r, err := e.Run(t.Context(), m.Name(), exporter.Target{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Success() {
			t.Errorf("%s succeeds", m.Name())
		}
		for _, f := range r.Failures() {
			noSecrets(t, f.Error())
		}
	}
	noSecrets(t, log.String())
	if !strings.Contains(log.String(), "module=web") {
		t.Errorf("nothing logged about web: %s", log.String())
	}
}

func TestLoadErrorsShowNoSecrets(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`modules: {m: {http: {url: "ht tp://u:geheim@h"}, metrics: [{name: a, value: .}]}}`,
		`modules: {m: {http: {url: "ftp://u:geheim@h"}, metrics: [{name: a, value: .}]}}`,
		`modules: {m: {http: {url: "http://u:geheim@%zz/"}, metrics: [{name: a, value: .}]}}`,
		`modules: {m: {http: {proxy_url: "http://u:geheim@%zz/"}, metrics: [{name: a, value: .}]}}`,
		`modules: {m: {http: {url: [geheim]}, metrics: [{name: a, value: .}]}}`,
		`modules: {m: {http: {headers: {"X Y": geheim}}, metrics: [{name: a, value: .}]}}`,
		`modules: {m: {http: {headers: {"X-Y": "geheim\n"}}, metrics: [{name: a, value: .}]}}`,
	} {
		_, err := exporter.ParseConfig("c.yml", []byte(text))
		if err == nil {
			t.Errorf("%s: no error", text)
			continue
		}
		noSecrets(t, err.Error())
	}
}

// TestSecretsStayHome sends a module over a redirect to another host, and back.
func TestSecretsStayHome(t *testing.T) {
	t.Parallel()
	headers := make(chan http.Header, 3)
	var home string
	foreign := serving(t, func(w http.ResponseWriter, r *http.Request) {
		headers <- r.Header.Clone()
		http.Redirect(w, r, home+"/back", http.StatusFound)
	})
	first := serving(t, func(w http.ResponseWriter, r *http.Request) {
		headers <- r.Header.Clone()
		if r.URL.Path == "/back" {
			_, _ = io.WriteString(w, "1")
			return
		}
		http.Redirect(w, r, strings.Replace(foreign.URL, "127.0.0.1", "localhost", 1), http.StatusFound)
	})
	home = first.URL
	e := newExporter(t, fmt.Sprintf(`modules:
  m:
    http:
      url: %q
      headers: {X-Key: geheim}
      basic_auth: {username: u, password: geheim}
      http_headers: {X-Other: {secrets: [geheim]}}
    metrics: [{name: a, value: .}]
`, home))
	r, err := e.Run(t.Context(), "m", exporter.Target{})
	if err != nil || !r.Success() {
		t.Fatal(err, r.Failures())
	}
	if h := <-headers; h.Get("X-Key") != "geheim" || h.Get("X-Other") != "geheim" || h.Get("Authorization") == "" {
		t.Errorf("the first host got %v", h)
	}
	for _, where := range []string{"the other host", "the first host, by way of the other"} {
		h := <-headers
		if h.Get("X-Key") != "" || h.Get("X-Other") != "" || h.Get("Authorization") != "" {
			t.Errorf("%s got %v", where, h)
		}
	}
}

// TestBodyStaysHome: 307 would repeat the body elsewhere.
func TestBodyStaysHome(t *testing.T) {
	t.Parallel()
	foreign := serving(t, func(_ http.ResponseWriter, _ *http.Request) { t.Error("the other host was asked") })
	first := serving(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(foreign.URL, "127.0.0.1", "localhost", 1), http.StatusTemporaryRedirect)
	})
	e := newExporter(t, fmt.Sprintf("modules: {m: {http: {url: %q, body: geheim}, metrics: [{name: a, value: .}]}}", first.URL))
	samples := parsesBack(t, probe(t, e, nil).body)
	wantSample(t, samples, `{__name__="probe_failure_info", module="m", reason="redirect", stage="fetch"}`, 1)
}

// TestRedirectWithinHome keeps the credentials.
func TestRedirectWithinHome(t *testing.T) {
	t.Parallel()
	far := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/a" {
			http.Redirect(w, r, "/b", http.StatusFound)
			return
		}
		if r.Header.Get("Authorization") != "Bearer tok" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = io.WriteString(w, "1")
	})
	e := newExporter(t, "modules: {m: {targets: {hosts: [127.0.0.1]}, http: {authorization: {credentials: tok}}, metrics: [{name: a, value: .}]}}")
	samples := parsesBack(t, probe(t, e, url.Values{"module": {"m"}, "target": {far.URL + "/a"}}).body)
	wantSample(t, samples, `{__name__="a"}`, 1)
}
