package exporter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
)

// batch is what one group of metrics read from one answer: a label text for
// each row, and one column of values for each metric.
type batch struct {
	// labels holds the label texts one behind the other, as the exposition
	// wants them; ends[i] is where that of row i ends.
	labels  []byte
	ends    []uint32
	columns []column
}

// column is one metric's values, one for each row. NaN stands for a dropped
// sample: a value that is NaN is never kept.
type column struct {
	metric *metric
	values []float64
	// missing counts the rows that had no value at all.
	missing int
	// times are the samples' timestamps in milliseconds of Unix time, or
	// noTime. Rows behind its end have none.
	times []int64
	// blocks are, of a metric with several series for a row, their lines; there
	// values only tell whether the row is kept.
	blocks []block
}

// block is the lines of the samples that a row gives, ready written.
type block struct {
	text    []byte
	samples int
}

func (b *batch) text(row uint32) []byte {
	from := uint32(0)
	if row > 0 {
		from = b.ends[row-1]
	}
	return b.labels[from:b.ends[row]]
}

// decoder reads the rows of one answer, in one goroutine.
type decoder struct {
	module string
	ev     evaluator
	out    *outcome
	limits limits
	seen   int
}

// outcome is what decoding gives beside the samples.
type outcome struct {
	batches  []*batch
	failures []*Failure
	dropped  map[Reason]int
	// given counts the samples of all questions of the probe.
	given *atomic.Int64
	story *Story // nil: nobody asked for it
	// failed says that more is missing than single samples.
	failed bool
}

func (o *outcome) knows(s Stage, r Reason) bool {
	return slices.ContainsFunc(o.failures, func(f *Failure) bool { return f.Stage == s && f.Reason == r })
}

// fail keeps the first failure of each stage and reason.
func (o *outcome) fail(f *Failure) {
	if !o.knows(f.Stage, f.Reason) {
		o.failures = append(o.failures, f)
	}
}

// drop counts dropped samples.
func (o *outcome) drop(r Reason, n int) {
	if o.dropped == nil {
		o.dropped = map[Reason]int{}
	}
	o.dropped[r] += n
}

// decode reads all groups of a question from its answer.
func (q *question) decode(ctx context.Context, module string, a *Answer, out *outcome) {
	rows, err := a.rows()
	if err != nil {
		out.failed = true
		out.fail(decodeFailure(readReason(err), fmt.Errorf("module %q: %w", module, err)))
		return
	}
	out.story.rows(a.doc, rows)
	if out.given == nil {
		out.given = &atomic.Int64{}
	}
	d := decoder{module: module, ev: evaluator{ctx: ctx, d: a.doc}, out: out, limits: q.limits}
	for i := range q.groups {
		d.group(&q.groups[i], rows)
	}
	if q.je != nil {
		d.je(q.je, rows[0].at)
	}
	if q.pass == nil {
		return
	}
	if err := d.pass(q.pass, rows); err != nil {
		out.failed = true
		out.fail(decodeFailure(stopReason(err), fmt.Errorf("module %q: %w", module, err)))
	}
}

func (d *decoder) group(g *group, rows []Row) {
	b := &batch{columns: make([]column, len(g.metrics))}
	for i, m := range g.metrics {
		b.columns[i].metric = m
	}
	d.out.batches = append(d.out.batches, b)
	tried := 0
	read := func(at uint32) error {
		tried++
		if err := d.limits.checkRows(tried); err != nil {
			return err
		}
		return d.row(g, b, at)
	}
	for _, row := range rows {
		err := error(nil)
		if g.rows == nil {
			err = read(row.at)
		} else {
			err = d.ev.each(g.rows, row.at, read)
		}
		if err != nil {
			d.rowsFailed(g, err)
			break
		}
	}
	d.judge(b, tried)
}

// rowsFailed tells that a group's rows ended early. What was read until then
// stays.
func (d *decoder) rowsFailed(g *group, err error) {
	d.out.failed = true
	if reason := stopReason(err); reason != ReasonRows {
		d.out.fail(decodeFailure(reason, fmt.Errorf("module %q: metric %q: %w", d.module, g.metrics[0].Name, err)))
		return
	}
	d.out.fail(decodeFailure(ReasonRows, fmt.Errorf("module %q: metric %q: rows %s: %w", d.module, g.metrics[0].Name, g.rows.text, err)))
}

// judge fails each metric that had rows and lost the value of every one: an
// empty success would hide it.
func (d *decoder) judge(b *batch, tried int) {
	for i := range b.columns {
		c := &b.columns[i]
		if tried == 0 || slices.ContainsFunc(c.values, isKept) {
			continue
		}
		d.out.failed = true
		if c.missing > 0 {
			d.out.fail(decodeFailure(ReasonMissing, fmt.Errorf("module %q: metric %q: %s: no row has one", d.module, c.metric.Name, c.metric.source())))
		}
	}
}

// row reads one record: its labels once, its value for each metric. It returns
// an error only when the time or a limit is over.
func (d *decoder) row(g *group, b *batch, at uint32) error {
	if err := d.tick(len(b.columns)); err != nil {
		return err
	}
	start := len(b.labels)
	if lb, err := d.labels(g, b, at); err != nil {
		b.labels = b.labels[:start]
		return d.dropRow(b, at, lb, err)
	}
	b.ends = append(b.ends, uint32(len(b.labels)))
	for i := range b.columns {
		err := error(nil)
		if c := &b.columns[i]; c.metric.histogram != nil {
			err = d.histogram(b, c, at)
		} else {
			err = d.sample(c, at)
		}
		if err != nil {
			b.fill()
			return err
		}
	}
	return nil
}

// fill gives the last row, which was broken off, a dropped sample for each metric
// that it did not come to: columns are as long as there are rows.
func (b *batch) fill() {
	for i := range b.columns {
		c := &b.columns[i]
		for len(c.values) < len(b.ends) {
			c.values = append(c.values, math.NaN())
			if c.metric.histogram != nil {
				c.blocks = append(c.blocks, block{})
			}
		}
	}
}

// sample appends one metric's value of a row to its column.
func (d *decoder) sample(c *column, at uint32) error {
	result, err := d.ev.one(c.metric.value, at)
	v := 0.0
	if err == nil {
		v, err = c.metric.convert.number(result)
	}
	if err == nil && c.metric.timestamp != nil {
		err = d.time(c, at)
	}
	if err == nil {
		c.values = append(c.values, v)
		return nil
	}
	if errors.Is(err, errOver) {
		return err
	}
	if errors.Is(err, errNotNumber) {
		err = &notNumberError{result}
	}
	c.values = append(c.values, math.NaN())
	d.drop(c, at, "value", c.metric.value, err)
	return nil
}

// labels appends the row's label text. A label with an empty value is left out:
// to Prometheus that is the same, and so equal series have equal texts. An
// error comes with the label that it is about.
func (d *decoder) labels(g *group, b *batch, at uint32) (*label, error) {
	open := byte('{')
	for i := range g.labels {
		lb := &g.labels[i]
		c, err := d.ev.one(lb.value, at)
		if err != nil {
			return lb, err
		}
		if c.kind == kindNull || c.kind == kindString && len(c.text) == 0 {
			continue
		}
		if err := d.limits.checkLabel(c.text); err != nil {
			return lb, err
		}
		b.labels = append(b.labels, open)
		b.labels = append(b.labels, lb.name...)
		b.labels = append(b.labels, '=', '"')
		b.labels = appendLabelValue(b.labels, c)
		b.labels = append(b.labels, '"')
		open = ','
	}
	if open == ',' {
		b.labels = append(b.labels, '}')
	}
	return nil, nil
}

// appendLabelValue writes a cell as a label's value: strings as they are,
// numbers as they are spelled, booleans as true and false, arrays and objects
// as compact JSON.
func appendLabelValue(dst []byte, c cell) []byte {
	switch c.kind {
	case kindTrue:
		return append(dst, "true"...)
	case kindFalse:
		return append(dst, "false"...)
	case kindNumber:
		return append(dst, c.text...)
	}
	return appendEscaped(dst, c.text)
}

// dropRow drops every sample of a row that has no labels.
func (d *decoder) dropRow(b *batch, at uint32, lb *label, err error) error {
	if errors.Is(err, errOver) {
		return err
	}
	for i := range b.columns {
		d.drop(&b.columns[i], at, "label "+lb.name, lb.value, err)
	}
	return nil
}

// drop counts one sample that could not be read, and keeps the first error of
// its kind for whoever asks why.
func (d *decoder) drop(c *column, at uint32, what string, e *expr, err error) {
	reason := dropReason(err)
	d.out.drop(reason, 1)
	d.out.story.drop(reason, c.metric.Name, what, e.text, err)
	if reason == ReasonMissing {
		c.missing++
		return
	}
	if d.out.knows(StageDecode, reason) {
		return
	}
	hint := ""
	if reason == ReasonExpression && d.ev.d.nodes[at].kind == kindArray {
		hint = " (the row is an array; with .[] behind the rows expression its members are rows)"
	}
	d.out.fail(decodeFailure(reason, fmt.Errorf("module %q: metric %q: %s: %s: %w%s", d.module, c.metric.Name, what, e.text, err, hint)))
}

func dropReason(err error) Reason {
	var nn *notNumberError
	switch {
	case errors.Is(err, errMissing):
		return ReasonMissing
	case errors.As(err, &nn):
		return ReasonNotNumber
	case errors.Is(err, errLongLabel):
		return ReasonLongLabel
	case errors.Is(err, errName):
		return ReasonName
	case errors.Is(err, errNaN):
		return ReasonNaN
	case errors.Is(err, errSeveral):
		return ReasonSeveral
	}
	return ReasonExpression
}

// notNumberError shows what was found in place of a number, cut short.
type notNumberError struct{ found cell }

func (e *notNumberError) Error() string {
	const most = 40
	text := string(e.found.text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	if e.found.kind == kindString {
		return fmt.Sprintf("not a number: %q", text)
	}
	return fmt.Sprintf("not a number: %s %s", e.found.kind, text)
}
