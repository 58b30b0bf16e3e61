package exporter

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

var (
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

// prometheusOwn are series that Prometheus writes itself for every target.
var prometheusOwn = []string{
	"up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling",
	"scrape_series_added", "scrape_timeout_seconds", "scrape_sample_limit", "scrape_body_size_bytes",
}

// metric checks and compiles one metric and puts it beside those that it shares
// its query, rows and labels with.
func (l *loader) metric(path strictyaml.Path, m *Module, s *metricSettings) {
	if s.Type == "" {
		s.Type = TypeUntyped
	}
	mt := &metric{Metric: Metric{Name: s.Name, Type: s.Type, Help: s.Help, Unit: s.Unit}}
	l.metricName(with(path, "name"), s.Name)
	if !slices.Contains(metricTypes[:], s.Type) {
		l.errorf(with(path, "type"), "metric %q: unknown type %q, %s", s.Name, s.Type, expected(s.Type, metricTypes[:]))
	}
	if s.Unit != "" && !strings.HasSuffix(strings.TrimSuffix(s.Name, "_total"), "_"+s.Unit) {
		l.errorf(with(path, "unit"), "metric %q: unit %q, but the name does not end in _%s (or _%s_total)", s.Name, s.Unit, s.Unit, s.Unit)
	}
	l.query(path, m, s)
	l.value(path, mt, s)
	g := group{metrics: []*metric{mt}, labels: l.labels(path, s)}
	if s.Rows != "" {
		g.rows = l.expr(with(path, "rows"), s.Name, s.Rows)
	}
	for _, lb := range g.labels {
		mt.Labels = append(mt.Labels, lb.name)
	}
	l.quarrel(path, m.name, mt.Metric)
	m.metrics = append(m.metrics, mt)
	m.place(s.Query, g)
}

// value compiles what a metric's numbers are.
func (l *loader) value(path strictyaml.Path, mt *metric, s *metricSettings) {
	if mt.histogram = l.histogram(path, s); s.Type == TypeHistogram {
		return
	}
	if s.Type == TypeInfo {
		if !strings.HasSuffix(s.Name, "_info") {
			l.errorf(with(path, "name"), "metric %q: the name of an info ends in _info", s.Name)
		}
		if s.Value == "" {
			s.Value = "1"
		}
	}
	if strings.TrimSpace(s.Value) == "" {
		l.errorf(path, "metric %q has no value, expected a jq expression such as value: .count", s.Name)
	} else {
		mt.value = l.single(with(path, "value"), s.Name, s.Value)
	}
	mt.convert = l.conversion(path, s.Name, &s.Convert)
	if s.Convert.Timestamp != "" {
		mt.timestamp = l.single(with(path, "timestamp"), s.Name, s.Convert.Timestamp)
	}
}

func (l *loader) metricName(path strictyaml.Path, name string) {
	switch {
	case name == "":
		l.errorf(path, "a metric needs a name")
	case !metricName.MatchString(name):
		l.errorf(path, "metric name %q: expected letters, digits and underscores, not starting with a digit", name)
	case strings.HasPrefix(name, "probe_") && isProbeMetric(name):
		l.errorf(path, "metric name %q is one that every probe gives about itself", name)
	case slices.Contains(prometheusOwn, name):
		l.errorf(path, "metric name %q is one that Prometheus writes itself for every target", name)
	}
}

func (l *loader) query(path strictyaml.Path, m *Module, s *metricSettings) {
	switch {
	case m.sql != nil && strings.TrimSpace(s.Query) == "":
		l.errorf(path, "metric %q has no query, expected a SQL statement", s.Name)
	case m.http != nil && m.sql == nil && s.Query != "":
		l.errorf(with(path, "query"), "metric %q: query is for sql modules, this one is http", s.Name)
	}
}

func (l *loader) labels(path strictyaml.Path, s *metricSettings) []label {
	var labels []label
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		at := with(path, "labels", name)
		if !labelName.MatchString(name) || strings.HasPrefix(name, "__") {
			l.errorf(at, "label name %q: expected letters, digits and underscores, not starting with a digit or two underscores", name)
		}
		labels = append(labels, label{name, l.single(at, s.Name, s.Labels[name])})
	}
	return labels
}

func (l *loader) expr(path strictyaml.Path, metric, text string) *expr {
	e, err := compileExpr(text)
	if err != nil {
		l.errorf(path, "metric %q: %v", metric, err)
		return nil
	}
	return e
}

// single compiles an expression that must give one value for a row.
func (l *loader) single(path strictyaml.Path, metric, text string) *expr {
	e := l.expr(path, metric, text)
	if e != nil && e.many() {
		l.errorf(path, "metric %q: %s gives many values for one row; put the [] into rows", metric, text)
	}
	return e
}

// quarrel refuses two metrics of one name that could not stand in one
// exposition.
func (l *loader) quarrel(path strictyaml.Path, module string, m Metric) {
	first, ok := l.seen[m.Name]
	if !ok {
		l.seen[m.Name] = seenMetric{m, module}
		for _, name := range m.claims() {
			if other := l.families[name]; other != "" {
				l.errorf(path, "metrics %q and %q cannot stand together: OpenMetrics calls both of them %q", other, m.Name, name)
				break
			}
		}
		for _, name := range m.claims() {
			l.families[name] = m.Name
		}
		return
	}
	differ := func(what, a, b string) {
		if a != b {
			l.errorf(path, "metric %q has %s %q here and %q in module %q", m.Name, what, b, a, first.module)
		}
	}
	differ("type", first.metric.Type, m.Type)
	differ("help", first.metric.Help, m.Help)
	differ("unit", first.metric.Unit, m.Unit)
}

// place adds the group of one metric to the question that it belongs to, or
// the metric to a group that has the same rows and labels.
func (m *Module) place(query string, g group) {
	for i := range m.questions {
		q := &m.questions[i]
		if q.text != query {
			continue
		}
		for j := range q.groups {
			if q.groups[j].like(g) {
				q.groups[j].metrics = append(q.groups[j].metrics, g.metrics...)
				return
			}
		}
		q.groups = append(q.groups, g)
		return
	}
	m.questions = append(m.questions, question{text: query, groups: []group{g}})
}

// like reports whether two groups have the same rows and labels.
func (g *group) like(o group) bool {
	return sameExpr(g.rows, o.rows) && slices.EqualFunc(g.labels, o.labels, func(a, b label) bool {
		return a.name == b.name && sameExpr(a.value, b.value)
	})
}

func sameExpr(a, b *expr) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.text == b.text
}
