package exporter

import (
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// Result is what one probe of one module gave.
type Result struct {
	// Module is the module's name.
	Module string
	// Fetch and Decode are how long these stages took.
	Fetch, Decode time.Duration

	outcome
	samples int
}

// Success reports whether the answer came and every metric could be read from
// it. Single samples may have been dropped nevertheless; [Result.Failures]
// tells.
func (r *Result) Success() bool { return !r.failed }

// Failures returns what went wrong, one for each stage and reason. With
// [Result.Success] they are about single samples.
func (r *Result) Failures() []*Failure { return slices.Clone(r.failures) }

// Dropped returns how many samples were dropped for a reason. Duplicates are
// known after [Result.WriteText].
func (r *Result) Dropped(reason Reason) int { return r.dropped[reason] }

// verdict is the result in a word, as own metrics count it.
func (r *Result) verdict() string {
	switch {
	case r.failed:
		return "failed"
	case len(r.failures) > 0:
		return "partial"
	}
	return "success"
}

// WriteText writes the probe's samples in Prometheus's text format.
func (r *Result) WriteText(w io.Writer) error {
	return newExposition([]*Result{r}).writeTo(w, formatText)
}

// exposition is the samples of all probed modules as sorted families.
type exposition struct{ families []*family }

// newExposition merges the results, which come in the order of precedence for
// duplicates, and adds what each probe says about itself.
func newExposition(results []*Result) *exposition {
	x := newBareExposition(results)
	x.families = slices.DeleteFunc(x.families, func(f *family) bool { return isProbeMetric(f.metric.Name) })
	x.families = append(x.families, selfFamilies(results)...)
	x.sort()
	return x
}

func (x *exposition) sort() {
	slices.SortFunc(x.families, func(a, b *family) int { return strings.Compare(a.metric.Name, b.metric.Name) })
}

// newBareExposition is newExposition without what the probes say about
// themselves.
func newBareExposition(results []*Result) *exposition {
	byName := newFamilies()
	for _, r := range results {
		r.samples = 0
		delete(r.dropped, ReasonDuplicate)
		for _, b := range r.batches {
			for i := range b.columns {
				c := &b.columns[i]
				byName.add(&c.metric.Metric, part{b, c, r})
			}
		}
	}
	orders := map[*batch][]uint32{}
	for _, r := range results { // not over the map: counts go by precedence
		for _, b := range r.batches {
			for i := range b.columns {
				if f := byName.all[b.columns[i].metric.Name]; f != nil && f.lines == nil {
					f.resolve(orders)
				}
			}
		}
	}
	x := &exposition{}
	for _, f := range byName.all {
		x.families = append(x.families, f)
	}
	x.sort()
	return x
}

// families are those of an exposition, by name.
type families struct {
	all map[string]*family
	// claimed are the names that they take.
	claimed map[string]*family
}

func newFamilies() *families {
	return &families{all: map[string]*family{}, claimed: map[string]*family{}}
}

// add puts a part with the others of its name. The config lets no two metrics
// in that could not stand together; what is passed on from elsewhere gives way
// to what was there first.
func (fs *families) add(m *Metric, p part) {
	f := fs.all[m.Name]
	if f == nil {
		f = &family{metric: m}
		for _, name := range m.claims() {
			if fs.claimed[name] != nil {
				p.lose()
				return
			}
		}
		for _, name := range m.claims() {
			fs.claimed[name] = f
		}
		fs.all[m.Name] = f
	}
	if f.metric.Type != m.Type {
		p.lose()
		return
	}
	f.parts = append(f.parts, p)
}

// lose counts all samples of a part as dropped.
func (p part) lose() {
	for row, v := range p.column.values {
		switch {
		case p.column.blocks != nil:
			p.owner.drop(ReasonName, p.column.blocks[row].samples)
		case !math.IsNaN(v):
			p.owner.drop(ReasonName, 1)
		}
	}
}

// selfFamilies returns what the probes say about themselves.
func selfFamilies(results []*Result) []*family {
	var families []*family
	for _, m := range probeMetrics() {
		b := &batch{}
		c := &column{metric: &metric{Metric: m}}
		for _, r := range results {
			r.aboutSelf(m.Name, func(v float64, labels ...string) {
				b.labels = appendLabels(b.labels, labels)
				b.ends = append(b.ends, uint32(len(b.labels)))
				c.values = append(c.values, v)
			})
		}
		f := &family{metric: &c.metric.Metric, parts: []part{{b, c, &Result{}}}}
		f.resolve(map[*batch][]uint32{})
		families = append(families, f)
	}
	return families
}

// aboutSelf gives the samples of one of [probeMetrics]. Labels are names and
// values in turn, sorted by name.
func (r *Result) aboutSelf(metric string, give func(v float64, labels ...string)) {
	switch metric {
	case metricSuccess:
		give(number01(!r.failed), "module", r.Module)
	case metricDuration:
		give(r.Fetch.Seconds(), "module", r.Module, "stage", string(StageFetch))
		give(r.Decode.Seconds(), "module", r.Module, "stage", string(StageDecode))
	case metricSamples:
		give(float64(r.samples), "module", r.Module)
	case metricFailure:
		for _, f := range r.failures {
			give(1, "module", r.Module, "reason", string(f.Reason), "stage", string(f.Stage))
		}
	case metricDropped:
		for _, reason := range dropReasons {
			give(float64(r.dropped[reason]), "module", r.Module, "reason", string(reason))
		}
	}
}

func number01(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func appendLabels(dst []byte, labels []string) []byte {
	for i := 0; i < len(labels); i += 2 {
		open := byte(',')
		if i == 0 {
			open = '{'
		}
		dst = append(dst, open)
		dst = append(dst, labels[i]...)
		dst = append(dst, `="`...)
		dst = appendEscaped(dst, []byte(labels[i+1]))
		dst = append(dst, '"')
	}
	return append(dst, '}')
}
