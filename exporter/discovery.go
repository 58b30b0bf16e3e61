package exporter

import (
	"encoding/json"
	"net/http"
)

// targetGroup is one entry of Prometheus's HTTP service discovery:
// https://prometheus.io/docs/prometheus/latest/http_sd/
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// Discovery returns the handler of /sd: the modules that name their own target,
// for http_sd_configs. Each becomes a scrape of its own, from the address that
// Prometheus reached the handler at, with the module's name as instance; no
// relabelling is needed.
func (e *Exporter) Discovery() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		scheme := "http"
		if req.TLS != nil {
			scheme = "https"
		}
		groups := []targetGroup{}
		for _, m := range e.Modules() {
			if !m.NeedsTarget() {
				groups = append(groups, m.discovered(scheme, req.Host))
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(groups) // the far side is gone: nobody to tell
	})
}

func (m *Module) discovered(scheme, address string) targetGroup {
	return targetGroup{[]string{address}, map[string]string{
		"__scheme__":         scheme,
		"__metrics_path__":   "/probe",
		"__param_module":     m.name,
		"instance":           m.name,
		"__meta_bongsu_kind": m.Kind(),
		"__meta_bongsu_asks": m.Asks(),
	}}
}
