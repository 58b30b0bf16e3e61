package exporter

import (
	"cmp"
	"slices"
	"strings"
)

// The types of metrics.
const (
	TypeGauge   = "gauge"
	TypeCounter = "counter"
	TypeUntyped = "untyped"
	// TypeInfo is a gauge of 1 whose labels tell something; its name ends in
	// _info.
	TypeInfo = "info"
	// TypeHistogram is a classic histogram: several series, whose names end in
	// _bucket, _sum and _count.
	TypeHistogram = "histogram"
	// TypeSummary is only passed on, from another exposition.
	TypeSummary = "summary"
)

// metricTypes are those that a metric of a module may have.
var metricTypes = [...]string{TypeCounter, TypeGauge, TypeHistogram, TypeInfo, TypeUntyped}

// Metric describes one metric that a config can emit.
type Metric struct {
	// Name is that of its series, the same in every exposition format.
	Name string
	Type string
	Help string
	Unit string
	// Labels are the names of its labels, sorted.
	Labels []string
}

// openMetricsFamily returns the name of the metric's family in OpenMetrics,
// which puts counters' suffix apart.
func (m *Metric) openMetricsFamily() string {
	switch m.Type {
	case TypeCounter:
		return strings.TrimSuffix(m.Name, "_total")
	case TypeInfo:
		return strings.TrimSuffix(m.Name, "_info")
	}
	return m.Name
}

// claims are the names that the metric takes, of series and of the family in
// OpenMetrics.
func (m *Metric) claims() []string {
	names := []string{m.Name}
	if f := m.openMetricsFamily(); f != m.Name {
		names = append(names, f)
	}
	switch m.Type {
	case TypeHistogram:
		return append(names, m.Name+"_bucket", m.Name+"_sum", m.Name+"_count")
	case TypeSummary:
		return append(names, m.Name+"_sum", m.Name+"_count")
	}
	return names
}

// What every probe says about itself.
const (
	metricSuccess  = "probe_success"
	metricDuration = "probe_duration_seconds"
	metricFailure  = "probe_failure_info"
	metricSamples  = "probe_samples"
	metricDropped  = "probe_samples_dropped"
)

// probeMetrics describes what every probe says about itself, by name.
func probeMetrics() []Metric {
	return []Metric{
		{
			Name: metricDuration, Type: TypeGauge, Unit: "seconds", Labels: []string{"module", "stage"},
			Help: "How long each stage of the probe took.",
		},
		{
			Name: metricFailure, Type: TypeGauge, Labels: []string{"module", "reason", "stage"},
			Help: "1 for each stage and reason that the probe failed for, wholly or in part.",
		},
		{
			Name: metricSamples, Type: TypeGauge, Labels: []string{"module"},
			Help: "Samples that the probe gave.",
		},
		{
			Name: metricDropped, Type: TypeGauge, Labels: []string{"module", "reason"},
			Help: "Samples that the probe could not give, by reason.",
		},
		{
			Name: metricSuccess, Type: TypeGauge, Labels: []string{"module"},
			Help: "1 if the answer came and every metric could be read from it.",
		},
	}
}

func isProbeMetric(name string) bool {
	return slices.ContainsFunc(probeMetrics(), func(m Metric) bool { return m.Name == name })
}

// Catalogue lists every metric that the config can emit, those that each probe
// gives about itself among them, sorted by name. Metrics of one name with
// different labels are listed once each.
func (c *Config) Catalogue() []Metric {
	all := probeMetrics()
	for _, name := range c.names() {
		for _, m := range c.Modules[name].metrics {
			all = append(all, m.Metric)
		}
	}
	slices.SortStableFunc(all, func(a, b Metric) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), slices.Compare(a.Labels, b.Labels))
	})
	return slices.CompactFunc(all, func(a, b Metric) bool {
		return a.Name == b.Name && slices.Equal(a.Labels, b.Labels)
	})
}
