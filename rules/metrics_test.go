package rules_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/bongsu/bongsu/exporter"
)

// receiverGolden is the exposition of a receiver, whole. The room writes it: it
// must not be imported from here.
const receiverGolden = "../receiver/testdata/metrics.prom"

// series are the names of metrics, as PromQL selects them, with their labels.
type series map[string]map[string]bool

func (s series) add(name string, labels ...string) {
	if s[name] == nil {
		s[name] = map[string]bool{"job": true, "instance": true, "__name__": true}
	}
	for _, l := range labels {
		s[name][l] = true
	}
}

func (s series) addFamilies(families []*dto.MetricFamily) {
	for _, f := range families {
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetName())
			}
			s.add(f.GetName(), labels...)
			if f.GetType() == dto.MetricType_HISTOGRAM {
				s.add(f.GetName()+"_bucket", append(labels, "le")...)
				s.add(f.GetName()+"_sum", labels...)
				s.add(f.GetName()+"_count", labels...)
			}
		}
	}
}

func (s series) addFile(t *testing.T, path string) {
	t.Helper()
	p := expfmt.NewTextParser(model.UTF8Validation)
	families, err := p.TextToMetricFamilies(strings.NewReader(string(read(t, path))))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	s.addFamilies(slices.Collect(maps.Values(families)))
}

// emitted is all that this project, its demo and Prometheus itself emit.
func emitted(t *testing.T) series {
	t.Helper()
	s := series{}
	s.addExporter(t)
	s.addFile(t, "testdata/prometheus.prom")
	s.addFile(t, "testdata/shop.prom")
	s.addFile(t, receiverGolden)
	return s
}

func (s series) addExporter(t *testing.T) {
	t.Helper()
	config, err := exporter.ParseConfig("any.yml", []byte(`modules: {any: {http: {url: "http://127.0.0.1:1/"}, metrics: [{name: any, value: .n}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range config.Catalogue() {
		s.add(m.Name, m.Labels...)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	e, err := exporter.New(exporter.Options{
		Load:       func() (*exporter.Config, error) { return config, nil },
		Registerer: registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	s.addFamilies(families)
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// TestEveryMetricIsEmitted: an alert or a panel on a metric that nothing emits
// looks healthy for ever.
func TestEveryMetricIsEmitted(t *testing.T) {
	t.Parallel()
	known := emitted(t)
	for _, r := range shipped(t) {
		known.check(t, r.File+": "+r.Alert, r.Expr)
	}
	for _, path := range glob(t, "../dashboards/*.json") {
		var d any
		if err := json.Unmarshal(read(t, path), &d); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, expr := range expressions(d) {
			known.check(t, path, expr)
		}
	}
}

// check looks up each selector of an expression, its matchers too: a label that
// the metric does not have selects nothing.
func (s series) check(t *testing.T, where, text string) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		t.Errorf("%s: %s: %v", where, text, err)
		return
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		v, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		labels, ok := s[v.Name]
		if !ok {
			t.Errorf("%s: nothing emits %q", where, v.Name)
			return nil
		}
		for _, m := range v.LabelMatchers {
			if !labels[m.Name] {
				t.Errorf("%s: %s has no label %q", where, v.Name, m.Name)
			}
		}
		return nil
	})
}

var (
	grafanaRange    = regexp.MustCompile(`\$__\w+`)
	grafanaVariable = regexp.MustCompile(`\$\w+`)
	labelValues     = regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
)

// expressions finds the PromQL in a dashboard's JSON: its keys are expr, and
// definition for the values of a variable.
func expressions(v any) []string {
	var found []string
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			found = append(found, expressions(item)...)
		}
	case map[string]any:
		for key, item := range v {
			if text, ok := item.(string); ok && (key == "expr" || key == "definition") {
				found = append(found, withoutVariables(text))
			}
			found = append(found, expressions(item)...)
		}
	}
	return found
}

func withoutVariables(text string) string {
	if m := labelValues.FindStringSubmatch(text); m != nil {
		text = fmt.Sprintf("count by (%s) (%s)", m[2], m[1])
	}
	text = grafanaRange.ReplaceAllString(text, "5m")
	return grafanaVariable.ReplaceAllString(text, ".*")
}
