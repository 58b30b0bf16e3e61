package exporter_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bongsu/bongsu/exporter"
)

// An expression that never ends is cut off by its module's timeout, in whatever
// column it stands, and costs nobody else a sample.
func TestExpressionWithoutEnd(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"x": [{"n": "가", "v": 1}, {"n": "나", "v": 2}]}`)
	}))
	t.Cleanup(srv.Close)
	const endless = `'if .n == "나" then (def f: f; f) else .v end'`
	for name, metrics := range map[string]string{
		"first":  `[{name: a, rows: ".x[]", labels: {n: .n}, value: ` + endless + `}, {name: b, rows: ".x[]", labels: {n: .n}, value: .v}]`,
		"second": `[{name: a, rows: ".x[]", labels: {n: .n}, value: .v}, {name: b, rows: ".x[]", labels: {n: .n}, value: ` + endless + `}]`,
		"label":  `[{name: a, rows: ".x[]", labels: {n: .n, m: ` + endless + `}, value: .v}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := "modules:\n  good: {http: {url: " + srv.URL + "}, metrics: [{name: good, value: '.x | length'}]}\n" +
				"  endless: {http: {url: " + srv.URL + ", timeout: 200ms}, metrics: " + metrics + "}\n"
			exp, err := exporter.New(exporter.Options{Load: func() (*exporter.Config, error) { return exporter.ParseConfig("c.yml", []byte(config)) }})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = exp.Close() }()
			w := httptest.NewRecorder()
			exp.Probe().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/probe", nil))
			for _, want := range []string{"good 2\n", `probe_success{module="good"} 1`, `probe_success{module="endless"} 0`, `module="endless",reason="timeout",stage="decode"`} {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("no %s in\n%s", want, w.Body.String())
				}
			}
		})
	}
}
