package am

import (
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/common/route"

	"github.com/bongsu/bongsu/internal/web"
)

var errNotRunning = errors.New("the embedded Alertmanager is not running")

// mux is what the outside sees: our own pages and the API. Upstream's httpserver is left out: its /metrics shows the default registry, its
// /debug/ the default mux, and it reloads without asking who calls.
func (s *Server) mux() http.Handler {
	m := web.NewRouter(web.Options{
		Title:       "Alertmanager, embedded in Bongsu",
		Description: "Groups, silences and routes alerts. It serves the HTTP API of an Alertmanager: point amtool and Grafana at it. The web pages of Alertmanager are not built in.",
		Links: []web.Link{
			{Path: "/api/v2/alerts", Text: "/api/v2/alerts", Description: "alerts that it knows"},
			{Path: "/api/v2/alerts/groups", Text: "/api/v2/alerts/groups", Description: "how they are grouped and who gets them"},
			{Path: "/api/v2/silences", Text: "/api/v2/silences", Description: "silences"},
			{Path: "/api/v2/status", Text: "/api/v2/status", Description: "its configuration"},
		},
		Registry: s.registry,
		Ready:    s.ready,
		Reload:   s.Reload,
		Logger:   s.log("http"),
	})
	m.PathPrefix("/api/").Handler(s.api.Register(route.New(), "/"))
	return m.SkipClean(true)
}

func (s *Server) ready() error {
	if s.state.Load() != running {
		return errNotRunning
	}
	return nil
}

// metrics are those that Alertmanager registers outside its packages, and stock dashboards show.
type metrics struct {
	requests                              *prometheus.HistogramVec
	receivers, integrations, inhibitRules prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) metrics {
	f := promauto.With(r)
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	gauge("alertmanager_cluster_enabled", "Indicates whether the clustering is enabled or not.")
	return metrics{
		requests: f.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "alertmanager_http_request_duration_seconds",
			Help:    "Histogram of latencies for HTTP requests.",
			Buckets: prometheus.DefBuckets,
		}, []string{"handler", "method", "code"}),
		receivers:    gauge("alertmanager_receivers", "Number of configured receivers."),
		integrations: gauge("alertmanager_integrations", "Number of configured integrations."),
		inhibitRules: gauge("alertmanager_inhibition_rules", "Number of configured inhibition rules."),
	}
}

func (m metrics) describe(p plan) {
	n := 0
	for _, integrations := range p.receivers {
		n += len(integrations)
	}
	m.receivers.Set(float64(len(p.receivers)))
	m.integrations.Set(float64(n))
	m.inhibitRules.Set(float64(len(p.config.InhibitRules)))
}
