package exporter_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// parsesBack reads an exposition with Prometheus's text parser and with expfmt,
// and checks that both see the same samples. It returns them.
func parsesBack(t testing.TB, text string) map[string]float64 {
	t.Helper()
	prom := promSamples(t, text, "text/plain; version=0.0.4")
	if diff := cmp.Diff(expfmtSamples(t, text), prom, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("expfmt and Prometheus differ (-expfmt +prometheus):\n%s", diff)
	}
	return prom
}

// promSamples reads an exposition as Prometheus does when it scrapes.
func promSamples(t testing.TB, text, contentType string) map[string]float64 {
	t.Helper()
	p, err := textparse.New([]byte(text), contentType, labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		t.Fatal(err)
	}
	samples := map[string]float64{}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return samples
		}
		if err != nil {
			t.Fatalf("Prometheus cannot parse it: %v\n%s", err, text)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		_, _, v := p.Series()
		var ls labels.Labels
		p.Labels(&ls)
		key := ls.String()
		if _, twice := samples[key]; twice {
			t.Errorf("%s is there twice", key)
		}
		samples[key] = v
	}
}

func expfmtSamples(t testing.TB, text string) map[string]float64 {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("expfmt cannot parse it: %v", err)
	}
	samples := map[string]float64{}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			series := func(suffix string, v float64, extra ...string) {
				samples[seriesOf(m, name+suffix, extra...)] = v
			}
			switch h, s := m.GetHistogram(), m.GetSummary(); {
			case h != nil:
				for _, b := range h.GetBucket() {
					series("_bucket", float64(b.GetCumulativeCount()), "le", labels.FormatOpenMetricsFloat(b.GetUpperBound()))
				}
				series("_sum", h.GetSampleSum())
				series("_count", float64(h.GetSampleCount()))
			case s != nil:
				for _, q := range s.GetQuantile() {
					series("", q.GetValue(), "quantile", labels.FormatOpenMetricsFloat(q.GetQuantile()))
				}
				series("_sum", s.GetSampleSum())
				series("_count", float64(s.GetSampleCount()))
			default:
				// Of a metric of another type the getters give 0.
				series("", m.GetGauge().GetValue()+m.GetCounter().GetValue()+m.GetUntyped().GetValue())
			}
		}
	}
	return samples
}

// seriesOf spells a series with its labels, extra ones as names and values in
// turn.
func seriesOf(m *dto.Metric, name string, extra ...string) string {
	b := labels.NewScratchBuilder(4)
	b.Add(model.MetricNameLabel, name)
	for _, lp := range m.GetLabel() {
		if lp.GetValue() != "" {
			b.Add(lp.GetName(), lp.GetValue())
		}
	}
	for i := 0; i < len(extra); i += 2 {
		b.Add(extra[i], extra[i+1])
	}
	b.Sort()
	return b.Labels().String()
}
