package serve

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// NewRegistry returns a registry with the Go runtime's and the process's metrics, for one server alone. Upstream's packages panic when
// they register twice in one registry, so every New of a server makes a fresh one.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Reloads are the two gauges by which stock rules watch a configuration: PREFIX_config_last_reload_successful and
// PREFIX_config_last_reload_success_timestamp_seconds.
type Reloads struct{ success, at prometheus.Gauge }

// NewReloads registers the gauges; prefix is "prometheus" or "alertmanager".
func NewReloads(r prometheus.Registerer, prefix string) Reloads {
	return Reloads{
		success: promauto.With(r).NewGauge(prometheus.GaugeOpts{
			Name: prefix + "_config_last_reload_successful",
			Help: "Whether the last configuration reload attempt was successful.",
		}),
		at: promauto.With(r).NewGauge(prometheus.GaugeOpts{
			Name: prefix + "_config_last_reload_success_timestamp_seconds",
			Help: "Timestamp of the last successful configuration reload.",
		}),
	}
}

// Note records how a reload went and returns err.
func (r Reloads) Note(err error) error {
	if err != nil {
		r.success.Set(0)
		return err
	}
	r.success.Set(1)
	r.at.SetToCurrentTime()
	return nil
}
