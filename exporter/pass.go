package exporter

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// passSettings say which samples of a format: prometheus go through as they
// are.
type passSettings struct {
	// Keep and Drop are regular expressions for whole names of families: kept is
	// what Keep fits (all, if empty) and Drop does not.
	Keep string `yaml:"keep"`
	Drop string `yaml:"drop"`
	// AddLabels are set on every sample, DropLabels are taken away.
	AddLabels  map[string]string `yaml:"add_labels"`
	DropLabels []string          `yaml:"drop_labels"`
}

// pass lets samples of another exposition through.
type pass struct {
	keep, drop *regexp.Regexp
	add        map[string]string
	dropLabels []string
}

var errName = errors.New("the name cannot be given on")

// pass checks what a format: prometheus lets through: what its section says,
// or all if there are no metrics.
func (l *loader) pass(path strictyaml.Path, s *moduleSettings) *pass {
	if s.HTTP == nil || s.HTTP.Answer.Format != FormatPrometheus {
		return nil
	}
	ps := s.HTTP.Answer.Prometheus
	if ps == nil && len(s.Metrics) > 0 {
		return nil
	}
	if ps == nil {
		ps = &passSettings{}
	}
	p := &pass{add: ps.AddLabels, dropLabels: ps.DropLabels}
	p.keep = l.regexp(with(path, "keep"), "keep", ps.Keep)
	p.drop = l.regexp(with(path, "drop"), "drop", ps.Drop)
	for _, name := range slices.Sorted(maps.Keys(p.add)) {
		if !usableLabel(name) || slices.Contains(bucketLabels[:], name) {
			l.errorf(with(path, "add_labels", name), "label name %q: expected letters, digits and underscores, not starting with a digit or two underscores, and not le or quantile", name)
		}
	}
	for i, name := range p.dropLabels {
		if slices.Contains(bucketLabels[:], name) {
			l.errorf(with(path, "drop_labels", i), "label %q makes the samples of a histogram or summary what they are", name)
		}
	}
	return p
}

// bucketLabels tell the samples of one histogram or summary apart.
var bucketLabels = [...]string{"le", "quantile"}

func usableLabel(name string) bool {
	return labelName.MatchString(name) && !strings.HasPrefix(name, "__")
}

func (l *loader) regexp(path strictyaml.Path, key, text string) *regexp.Regexp {
	if text == "" {
		return nil
	}
	re, err := regexp.Compile("^(?:" + text + ")$")
	if err != nil {
		_, err = regexp.Compile(text) // its error shows what was written
		l.errorf(path, "%s: %v", key, err)
	}
	return re
}

func (p *pass) wants(family []byte) bool {
	return (p.keep == nil || p.keep.Match(family)) && (p.drop == nil || !p.drop.Match(family))
}

// passing is a pass at work on one answer.
type passing struct {
	*pass
	d *decoder
	// batches are by the name of the series, of families with several series by
	// the family's.
	batches map[string]*batch
	// blocks are the rows of such families by their labels.
	blocks map[string]int
	labels []labelPair
}

type labelPair struct{ name, value []byte }

// pass reads the samples that go through. It returns early only when the time
// or a limit is over.
func (d *decoder) pass(p *pass, rows []Row) error {
	x := passing{pass: p, d: d, batches: map[string]*batch{}, blocks: map[string]int{}}
	for _, row := range rows {
		if err := d.tick(1); err != nil {
			return err
		}
		if err := x.sample(row.at); err != nil {
			d.out.drop(dropReason(err), 1)
			d.out.story.drop(dropReason(err), "passed on", "sample", "", err)
			if !d.out.knows(StageDecode, dropReason(err)) {
				d.out.fail(decodeFailure(dropReason(err), fmt.Errorf("module %q: %w", d.module, err)))
			}
		}
	}
	return nil
}

func (x *passing) field(at uint32, key string) []byte {
	doc := x.d.ev.d
	if f := doc.field(at, key); doc.nodes[f].kind != kindNull {
		return doc.text(f)
	}
	return nil
}

func (x *passing) sample(at uint32) error {
	family, name := x.field(at, "family"), x.field(at, "name")
	if !x.wants(family) || bytes.HasSuffix(name, []byte("_created")) && len(name) == len(family)+len("_created") {
		return nil
	}
	if err := x.readLabels(at); err != nil {
		return err
	}
	v, err := parseNumber(x.field(at, "value"))
	typ := string(x.field(at, "type"))
	if typ == TypeHistogram || typ == TypeSummary {
		if err != nil && !errors.Is(err, errNaN) {
			return err
		}
		return x.inBlock(at, string(family), typ, name)
	}
	if err != nil {
		return fmt.Errorf("metric %q: %w", name, err)
	}
	return x.plain(at, string(name), typ, v)
}

// plain appends a sample that stands for itself.
func (x *passing) plain(at uint32, name, typ string, v float64) error {
	if typ != TypeCounter && typ != TypeGauge && (typ != TypeInfo || !strings.HasSuffix(name, "_info")) {
		typ = TypeUntyped
	}
	b, err := x.batch(at, name, typ)
	if err != nil {
		return err
	}
	c := &b.columns[0]
	b.labels = appendPairs(b.labels, x.labels)
	b.ends = append(b.ends, uint32(len(b.labels)))
	c.values = append(c.values, v)
	if t := x.field(at, "timestamp"); t != nil {
		if seconds, err := parseNumber(t); err == nil {
			c.setTime(len(c.values)-1, seconds)
		}
	}
	return nil
}

// inBlock appends a sample to the others of its histogram or summary.
func (x *passing) inBlock(at uint32, family, typ string, name []byte) error {
	b, err := x.batch(at, family, typ)
	if err != nil {
		return err
	}
	c := &b.columns[0]
	var le []labelPair
	shared := slices.DeleteFunc(slices.Clone(x.labels), func(p labelPair) bool {
		inside := slices.Contains(bucketLabels[:], string(p.name))
		if inside {
			le = append(le, p)
		}
		return inside
	})
	from := len(b.labels)
	b.labels = appendPairs(b.labels, shared)
	key := family + string(b.labels[from:])
	row, ok := x.blocks[key]
	if ok {
		b.labels = b.labels[:from]
	} else {
		row = len(b.ends)
		x.blocks[key] = row
		b.ends = append(b.ends, uint32(len(b.labels)))
		c.values = append(c.values, 0)
		c.blocks = append(c.blocks, block{})
	}
	line := &c.blocks[row]
	line.text = appendPairs(append(line.text, name...), append(shared, le...))
	line.text = append(append(append(line.text, ' '), x.field(at, "value")...), '\n')
	line.samples++
	return nil
}

// batch returns the batch for a name, a new one for a new name.
func (x *passing) batch(at uint32, name, typ string) (*batch, error) {
	if b := x.batches[name]; b != nil {
		if t := b.columns[0].metric.Type; t != typ {
			return nil, fmt.Errorf("metric %q: %w: it is of type %s and of type %s", name, errName, t, typ)
		}
		return b, nil
	}
	if !metricName.MatchString(name) || isProbeMetric(name) || slices.Contains(prometheusOwn, name) {
		return nil, fmt.Errorf("metric %q: %w: it is reserved, or not of letters, digits and underscores", name, errName)
	}
	m := &metric{Metric: Metric{Name: name, Type: typ, Help: string(x.field(at, "help"))}}
	b := &batch{columns: []column{{metric: m}}}
	x.batches[name] = b
	x.d.out.batches = append(x.d.out.batches, b)
	return b, nil
}

// readLabels gathers the labels of a sample, sorted by name.
func (x *passing) readLabels(at uint32) error {
	doc := x.d.ev.d
	object := doc.field(at, "labels")
	x.labels = x.labels[:0]
	for i := object + 1; i < doc.nodes[object].to; i = doc.next(i + 1) {
		name, value := doc.text(i), doc.text(i+1)
		_, added := x.add[string(name)]
		if added || len(value) == 0 || slices.Contains(x.dropLabels, string(name)) {
			continue
		}
		if err := x.d.limits.checkLabel(value); err != nil {
			return fmt.Errorf("label %q: %w", name, err)
		}
		if !usableLabel(string(name)) {
			return fmt.Errorf("label %q: %w", name, errName)
		}
		x.labels = append(x.labels, labelPair{name, value})
	}
	for name, value := range x.add {
		if value != "" {
			x.labels = append(x.labels, labelPair{[]byte(name), []byte(value)})
		}
	}
	slices.SortFunc(x.labels, func(a, b labelPair) int { return bytes.Compare(a.name, b.name) })
	for i := 1; i < len(x.labels); i++ {
		if bytes.Equal(x.labels[i-1].name, x.labels[i].name) {
			return fmt.Errorf("label %q: %w: it is there twice", x.labels[i].name, errName)
		}
	}
	return nil
}

// appendPairs writes labels as the exposition wants them.
func appendPairs(dst []byte, labels []labelPair) []byte {
	if len(labels) == 0 {
		return dst
	}
	dst = append(dst, '{')
	for i, p := range labels {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, p.name...), '=', '"')
		dst = append(appendEscaped(dst, p.value), '"')
	}
	return append(dst, '}')
}

// noTime stands for a sample without a timestamp.
const noTime = math.MinInt64

// setTime gives the sample of a row a timestamp, in seconds of Unix time.
func (c *column) setTime(row int, seconds float64) {
	for len(c.times) <= row {
		c.times = append(c.times, noTime)
	}
	c.times[row] = int64(math.Round(seconds * 1000))
}
