package exporter_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiscovery(t *testing.T) {
	t.Parallel()
	e := newExporter(t, `modules:
  open: {http: {}, metrics: [{name: a, value: .}]}
  결제: {http: {url: "https://u:geheim@127.0.0.1:1/geheim"}, metrics: [{name: a, value: .}]}
  db: {sql: {driver: sqlite, dsn: "file:geheim.db"}, metrics: [{name: b, query: "SELECT 1 AS n", value: .n}]}
`)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://exporter.example.org:9743/sd", nil)
	rec := httptest.NewRecorder()
	e.Discovery().ServeHTTP(rec, req)
	noSecrets(t, rec.Body.String())
	var got []struct {
		Targets []string
		Labels  map[string]string
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || rec.Header().Get("Content-Type") != "application/json" {
		t.Fatal(err, rec.Header())
	}
	if len(got) != 2 {
		t.Fatalf("got %+v", got)
	}
	want := map[string]string{
		"__scheme__": "http", "__metrics_path__": "/probe", "__param_module": "결제", "instance": "결제",
		"__meta_bongsu_kind": "http", "__meta_bongsu_asks": got[1].Labels["__meta_bongsu_asks"],
	}
	if diff := cmp.Diff(want, got[1].Labels); diff != "" || got[1].Targets[0] != "exporter.example.org:9743" {
		t.Errorf("%v (-want +got):\n%s", got[1].Targets, diff)
	}
}
