package exporter

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// histogramSettings say where a classic histogram's numbers are.
type histogramSettings struct {
	// Buckets is an expression for an object of upper bounds and counts, such as
	// {"0.1": .fast, "1": .slow, "+Inf": .all}.
	Buckets string `yaml:"buckets"`
	// Cumulative says whether each count holds those of the buckets below, as
	// Prometheus has it.
	Cumulative *bool  `yaml:"cumulative"`
	Sum        string `yaml:"sum"`
	Count      string `yaml:"count"`
}

// histogram reads a row as a classic histogram.
type histogram struct {
	buckets, sum, count *expr
	cumulative          bool
}

var errBuckets = errors.New("no buckets of a histogram")

// histogram checks the keys of a histogram, which other types must not have.
func (l *loader) histogram(path strictyaml.Path, s *metricSettings) *histogram {
	h := s.Histogram
	if s.Type != TypeHistogram {
		if h != (histogramSettings{}) {
			l.errorf(path, "metric %q: buckets, cumulative, sum and count are for type: histogram", s.Name)
		}
		return nil
	}
	if h.Buckets == "" || s.Value != "" || s.Convert.set() {
		l.errorf(path, `metric %q: a histogram has buckets such as '{"0.1": .fast, "+Inf": .all}', sum and count, and no value, map, parse, scale, default or timestamp`, s.Name)
		return nil
	}
	if _, ok := s.Labels["le"]; ok {
		l.errorf(with(path, "labels", "le"), "metric %q: the label le is that of the buckets", s.Name)
	}
	out := &histogram{cumulative: h.Cumulative == nil || *h.Cumulative}
	out.buckets = l.single(with(path, "buckets"), s.Name, h.Buckets)
	if h.Sum != "" {
		out.sum = l.single(with(path, "sum"), s.Name, h.Sum)
	}
	if h.Count != "" {
		out.count = l.single(with(path, "count"), s.Name, h.Count)
	}
	return out
}

func (s *convertSettings) set() bool {
	return s.Map != nil || s.Parse != "" || s.Scale != nil || s.Default != nil || s.Timestamp != ""
}

// source is what a metric's numbers come from, for a person.
func (m *metric) source() string {
	if m.histogram != nil {
		return "buckets " + m.histogram.buckets.text
	}
	return "value " + m.value.text
}

type bucket struct{ le, count float64 }

// histogram appends a row's histogram to its column.
func (d *decoder) histogram(b *batch, c *column, at uint32) error {
	h := c.metric.histogram
	lines, e, err := d.histogramBlock(h, b, c, at)
	if err == nil {
		c.values, c.blocks = append(c.values, 0), append(c.blocks, lines)
		return nil
	}
	if errors.Is(err, errOver) {
		return err
	}
	c.values, c.blocks = append(c.values, math.NaN()), append(c.blocks, block{})
	d.drop(c, at, "histogram", e, err)
	return nil
}

// histogramBlock writes a histogram; an error comes with the expression that it
// is about.
func (d *decoder) histogramBlock(h *histogram, b *batch, c *column, at uint32) (block, *expr, error) {
	buckets, err := d.buckets(h, at)
	if err != nil {
		return block{}, h.buckets, err
	}
	last := buckets[len(buckets)-1]
	count := last.count
	if h.count != nil {
		if count, err = d.evalNumber(h.count, at); err != nil {
			return block{}, h.count, err
		}
	}
	switch {
	case math.IsInf(last.le, 1) && count != last.count:
		return block{}, h.count, fmt.Errorf("%w: the count is %v, the bucket +Inf has %v", errBuckets, count, last.count)
	case !math.IsInf(last.le, 1) && count < last.count:
		return block{}, h.count, fmt.Errorf("%w: the count is %v, the bucket %v has %v", errBuckets, count, last.le, last.count)
	case !math.IsInf(last.le, 1):
		buckets = append(buckets, bucket{math.Inf(1), count})
	}
	name, labels := c.metric.Name, b.text(uint32(len(b.ends)-1))
	out := block{}
	for _, bk := range buckets {
		out.text = append(appendLE(append(append(out.text, name...), "_bucket"...), labels, bk.le), ' ')
		out.text = append(appendFloat(out.text, bk.count), '\n')
	}
	out.samples = len(buckets) + 1
	if h.sum != nil {
		sum, err := d.evalNumber(h.sum, at)
		if err != nil {
			return block{}, h.sum, err
		}
		out.text = appendSeries(out.text, name+"_sum", labels, sum)
		out.samples++
	}
	out.text = appendSeries(out.text, name+"_count", labels, count)
	return out, nil, nil
}

func (d *decoder) evalNumber(e *expr, at uint32) (float64, error) {
	found, err := d.ev.one(e, at)
	if err != nil {
		return 0, err
	}
	v, err := number(found)
	if errors.Is(err, errNotNumber) {
		err = &notNumberError{found}
	}
	return v, err
}

// buckets evaluates the buckets of a row: by their bounds, counts cumulated.
func (d *decoder) buckets(h *histogram, at uint32) ([]bucket, error) {
	found, err := d.ev.one(h.buckets, at)
	switch {
	case err != nil:
		return nil, err
	case found.kind == kindNull:
		return nil, errMissing
	case found.kind != kindObject:
		return nil, fmt.Errorf("%w: expected an object of bounds and counts, found %s", errBuckets, found.kind)
	}
	buckets, err := readBuckets(found.text)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(buckets, func(a, b bucket) int { return cmp.Compare(a.le, b.le) })
	for i := range buckets {
		switch {
		case i == 0:
		case buckets[i].le == buckets[i-1].le:
			return nil, fmt.Errorf("%w: two have the bound %v", errBuckets, buckets[i].le)
		case !h.cumulative:
			buckets[i].count += buckets[i-1].count
		case buckets[i].count < buckets[i-1].count:
			return nil, fmt.Errorf("%w: %v has %v, the one below it %v; with cumulative: false they are added up", errBuckets, buckets[i].le, buckets[i].count, buckets[i-1].count)
		}
	}
	return buckets, nil
}

// readBuckets reads an object of bounds and counts.
func readBuckets(text []byte) ([]bucket, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var object map[string]any
	if err := dec.Decode(&object); err != nil {
		return nil, fmt.Errorf("%w: %w", errBuckets, err)
	}
	var buckets []bucket
	for key, v := range object {
		le, err := parseNumber([]byte(key))
		if err != nil {
			return nil, fmt.Errorf("%w: the bound %q is no number", errBuckets, key)
		}
		count, err := number(valueCell(v))
		if err != nil || count < 0 {
			return nil, fmt.Errorf("%w: the count of %q is no number from 0", errBuckets, key)
		}
		buckets = append(buckets, bucket{le, count})
	}
	if len(buckets) == 0 {
		return nil, errMissing
	}
	return buckets, nil
}

// appendLE writes labels with a bucket's bound, spelled as OpenMetrics wants
// floats.
func appendLE(dst, labels []byte, le float64) []byte {
	if len(labels) == 0 {
		dst = append(dst, '{')
	} else {
		dst = append(append(dst, labels[:len(labels)-1]...), ',')
	}
	dst = append(dst, `le="`...)
	from := len(dst)
	dst = appendFloat(dst, le)
	if !strings.ContainsAny(string(dst[from:]), ".eI") {
		dst = append(dst, ".0"...)
	}
	return append(dst, `"}`...)
}

func appendSeries(dst []byte, name string, labels []byte, v float64) []byte {
	dst = append(append(append(dst, name...), labels...), ' ')
	return append(appendFloat(dst, v), '\n')
}
