package exporter

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// limitReasons are those of the limits that keep a probe small.
var limitReasons = [...]Reason{ReasonBusy, ReasonLongLabel, ReasonTooLarge, ReasonTooManySamples}

// ownMetrics are what the exporter says about itself, as one collector.
type ownMetrics struct {
	probes        *prometheus.CounterVec
	duration      *prometheus.HistogramVec
	limited       *prometheus.CounterVec
	inFlight      prometheus.Gauge
	reloadSuccess prometheus.Gauge
	reloadTime    prometheus.Gauge
}

func newOwnMetrics() *ownMetrics {
	return &ownMetrics{
		probes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bongsu_exporter_probes_total",
			Help: "Probes by module and result: success, partial (single samples are missing) or failed.",
		}, []string{"module", "result"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "bongsu_exporter_probe_duration_seconds",
			Help:    "How long probes took from the question to the decoded answer.",
			Buckets: []float64{0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30},
		}, []string{"module"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bongsu_exporter_probes_limited_total",
			Help: "Probes that ran into a limit, by module and reason.",
		}, []string{"module", "reason"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "bongsu_exporter_probes_in_flight",
			Help: "Probes of single modules that are running.",
		}),
		reloadSuccess: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "bongsu_exporter_config_last_reload_successful",
			Help: "1 if the last attempt to load the config succeeded. If not, the one before it is in use.",
		}),
		reloadTime: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "bongsu_exporter_config_last_reload_success_timestamp_seconds",
			Help: "When the config in use was loaded, as Unix time.",
		}),
	}
}

func (m *ownMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.probes, m.duration, m.limited, m.inFlight, m.reloadSuccess, m.reloadTime}
}

// Describe implements prometheus.Collector.
func (m *ownMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.all() {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (m *ownMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.all() {
		c.Collect(ch)
	}
}

func (m *ownMetrics) reloaded(ok bool, at time.Time) {
	m.reloadSuccess.Set(number01(ok))
	if ok {
		m.reloadTime.Set(float64(at.UnixMilli()) / 1000)
	}
}

// modules makes the series of these modules exist from the start.
func (m *ownMetrics) modules(names []string) {
	for _, name := range names {
		for _, result := range []string{"success", "partial", "failed"} {
			m.probes.WithLabelValues(name, result)
		}
		m.duration.WithLabelValues(name)
		for _, reason := range limitReasons {
			m.limited.WithLabelValues(name, string(reason))
		}
	}
}

func (m *ownMetrics) probed(r *Result, took time.Duration) {
	m.probes.WithLabelValues(r.Module, r.verdict()).Inc()
	m.duration.WithLabelValues(r.Module).Observe(took.Seconds())
	for _, reason := range limitReasons {
		if slices.ContainsFunc(r.failures, func(f *Failure) bool { return f.Reason == reason }) {
			m.limited.WithLabelValues(r.Module, string(reason)).Inc()
		}
	}
}
