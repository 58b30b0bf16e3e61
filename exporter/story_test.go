package exporter_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bongsu/bongsu/exporter"
)

// TestStory reads the story of a probe with secrets everywhere.
func TestStory(t *testing.T) {
	t.Parallel()
	far := serving(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "a=geheim")
		// It gives back what it got, as services do in errors.
		_, _ = io.WriteString(w, `{"you": "`+r.Header.Get("X-Plain")+r.Header.Get("Authorization")+`", "api_key": "geheim", "아이디": 7, "rows": [{"n": "결제", "v": 1}, {"n": "b", "v": "n/a"}, {"n": "c"}]}`+strings.Repeat(" ", 2000))
	})
	e := newExporter(t, `modules:
  m:
    http:
      url: "`+far.URL+`/geheim?token=geheim"
      headers: {X-Plain: geheimgeheim}
      basic_auth: {username: u, password: geheim-password}
    metrics: [{name: shop_orders, rows: ".rows[]", labels: {n: .n}, value: .v}]
`)
	got := probe(t, e, url.Values{"debug": {"true"}})
	noSecrets(t, got.body)
	for _, want := range []string{
		`probe of module "m"`, "request   GET " + far.URL, "X-Plain: <secret>", "Authorization: <secret>", "Accept: application/json", "answer    HTTP/1.1 200 OK",
		"first     byte", `"api_key": <secret>`, `"아이디": 7`, " …", "rows      1",
		`dropped   shop_orders: not_a_number: value .v: not a number: "n/a"`, "dropped   shop_orders: missing: value .v: no value",
		"failure   decode: not_a_number", "end       partial", `shop_orders{n="결제"} 1`,
	} {
		if !strings.Contains(got.body, want) {
			t.Errorf("not told: %s", want)
		}
	}
	if t.Failed() {
		t.Log(got.body)
	}
	if ct := got.header.Get("Content-Type"); ct != "text/plain; charset=utf-8" {
		t.Errorf("content type %q", ct)
	}
	if !regexp.MustCompile(`(?m)^ +\d+\.\d ms  sent `).MatchString(got.body) {
		t.Error("no times")
	}
}

// TestStoryOfStrangers shows no body of a target that anybody may choose.
func TestStoryOfStrangers(t *testing.T) {
	t.Parallel()
	far := answering(t, `{"inner": "geheim", "v": "geheim"}`)
	for targets, shown := range map[string]bool{"": false, "targets: {hosts: [127.0.0.1]}, ": true} {
		e := newExporter(t, "modules: {m: {"+targets+"http: {}, metrics: [{name: a, value: .v}]}}")
		got := probe(t, e, url.Values{"debug": {"true"}, "module": {"m"}, "target": {far.URL}})
		if strings.Contains(got.body, "geheim") != shown {
			t.Errorf("%q: shown must be %v:\n%s", targets, shown, got.body)
		}
	}
}

// TestStoryOfFailures tells why nothing came.
func TestStoryOfFailures(t *testing.T) {
	t.Parallel()
	far := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "권한 없음")
	})
	e := newExporter(t, `modules: {m: {http: {url: "`+far.URL+`"}, metrics: [{name: a, value: .}]}, n: {http: {url: "http://127.0.0.1:1"}, metrics: [{name: a, value: .}]}}`)
	got := probe(t, e, url.Values{"debug": {"true"}})
	for _, want := range []string{"403 Forbidden", "| 권한 없음", "failure   fetch: status", `probe of module "n"`, "failure   fetch: refused", "end       failed"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("not told: %s\n%s", want, got.body)
		}
	}
}

// TestSaved reads the golden answers without asking anybody.
func TestSaved(t *testing.T) {
	t.Parallel()
	still := time.Unix(1_700_000_000, 0)
	for stem := range strings.FieldsSeq("orders jq values convert ndjson csv csvplain xml text prometheus openmetrics") {
		stem = filepath.Join("testdata/golden", stem)
		e := newExporter(t, readFile(t, stem+".yml"), func(o *exporter.Options) { o.Now = func() time.Time { return still } })
		r, err := e.Do(t.Context(), exporter.Ask{Module: "golden", Saved: []byte(savedAnswer(t, stem)), Tell: true})
		if err != nil {
			t.Fatal(err)
		}
		var text, story strings.Builder
		if err := errors.Join(r.WriteText(&text), r.WriteStory(&story)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(readFile(t, stem+".prom"), text.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", stem, diff)
		}
		if !strings.HasSuffix(story.String(), text.String()) || !strings.Contains(story.String(), "saved     answer") {
			t.Errorf("%s: story\n%s", stem, story.String())
		}
	}
}

func TestSavedRows(t *testing.T) {
	t.Parallel()
	e := newExporter(t, `modules:
  db: {sql: {driver: sqlite, dsn: ":memory:"}, metrics: [{name: b, query: "SELECT n FROM t", labels: {n: .n}, value: .v}]}
  two: {sql: {driver: sqlite, dsn: ":memory:"}, metrics: [{name: b, query: "SELECT n, v FROM t", value: .n}, {name: c, query: "SELECT 2", value: .n}]}
`)
	r, err := e.Do(t.Context(), exporter.Ask{Module: "db", Saved: []byte(`[{"n": "사과", "v": 3}, {"n": "배", "v": null}]`)})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	wantSample(t, parsesBack(t, text.String()), `{__name__="b", n="사과"}`, 3)
	if r, err := e.Do(t.Context(), exporter.Ask{Module: "db", Saved: []byte(`{}`)}); err != nil || r.Success() {
		t.Errorf("an object was read as rows: %v", err)
	}
	if _, err := e.Do(t.Context(), exporter.Ask{Module: "two", Saved: []byte(`[]`)}); !errors.As(err, new(*exporter.RequestError)) {
		t.Errorf("got %v", err)
	}
}
