package exporter

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// jeDecoder reads one answer by the groups of a module of json_exporter.
type jeDecoder struct {
	*decoder
	reader jeReader
}

func (d *decoder) je(groups []jeGroup, root uint32) {
	jd := jeDecoder{decoder: d, reader: jeReader{jpWalker: jpWalker{d: d.ev.d}}}
	for i := range groups {
		jd.group(&groups[i], root)
	}
}

func (d *jeDecoder) group(g *jeGroup, root uint32) {
	b := &batch{columns: make([]column, len(g.columns))}
	for i := range g.columns {
		b.columns[i].metric = g.columns[i].metric
	}
	d.out.batches = append(d.out.batches, b)
	if g.rows == nil {
		d.over(g, b, d.row(g, b, root))
	} else if rows, err := d.reader.rows(g.rows, root, g.allow); err != nil {
		d.out.failed = true
		d.out.fail(decodeFailure(ReasonRows, fmt.Errorf("module %q: metric %q: path %s: %w", d.module, b.columns[0].metric.Name, g.rows.text, err)))
	} else {
		d.rows(g, b, rows)
	}
	d.judge(b)
}

func (d *jeDecoder) rows(g *jeGroup, b *batch, rows []jpValue) {
	for i := range b.columns {
		b.columns[i].values = make([]float64, 0, len(rows))
	}
	for _, v := range rows {
		if err := d.row(g, b, d.reader.row(v)); err != nil {
			d.over(g, b, err)
			return
		}
	}
}

// over tells that reading ended early. What was read until then stays.
func (d *jeDecoder) over(g *jeGroup, b *batch, err error) {
	if err != nil {
		d.out.failed = true
		d.out.fail(decodeFailure(stopReason(err), fmt.Errorf("module %q: metric %q: %w", d.module, b.columns[0].metric.Name, err)))
	}
}

// row reads the labels of one row, its timestamp, and the value of each metric.
// It returns an error only when the time is over, or there are too many samples.
func (d *jeDecoder) row(g *jeGroup, b *batch, at uint32) error {
	if err := d.tick(len(g.columns)); err != nil {
		return err
	}
	d.labels(g, b, at)
	b.ends = append(b.ends, uint32(len(b.labels)))
	stamp := d.stamp(g, b, at)
	for i := range g.columns {
		c := &b.columns[i]
		c.values = append(c.values, d.value(&g.columns[i], c, at))
		if g.stamp != nil {
			c.times = append(c.times, stamp)
		}
	}
	return nil
}

// labels appends the row's label text. A label that cannot be read is empty, and
// an empty label is written: that is what stored series of json_exporter look
// like.
func (d *jeDecoder) labels(g *jeGroup, b *batch, at uint32) {
	d.reader.allow = false
	open := byte('{')
	for i := range g.labels {
		lb := &g.labels[i]
		text := d.label(lb, b, at)
		if len(text) == 0 && g.sparse {
			continue
		}
		b.labels = append(b.labels, open)
		b.labels = append(b.labels, lb.name...)
		b.labels = append(b.labels, '=', '"')
		b.labels = appendEscaped(b.labels, text)
		b.labels = append(b.labels, '"')
		open = ','
	}
	if open == ',' {
		b.labels = append(b.labels, '}')
	}
}

func (d *jeDecoder) label(lb *jeLabel, b *batch, at uint32) []byte {
	if lb.value == nil {
		return nil
	}
	text, err := d.reader.text(lb.value, at)
	if err != nil {
		d.note(&b.columns[0], "label "+lb.name, lb.value, err)
		return nil
	}
	return text
}

func (d *jeDecoder) stamp(g *jeGroup, b *batch, at uint32) int64 {
	if g.stamp == nil {
		return noTime
	}
	t, err := d.reader.millis(g.stamp, at, g.allow)
	if err != nil {
		d.note(&b.columns[0], "epochtimestamp", g.stamp, err)
		return noTime
	}
	return t
}

// value reads one sample; NaN stands for a dropped one.
func (d *jeDecoder) value(jc *jeColumn, c *column, at uint32) float64 {
	v, err := d.reader.number(jc.value, at, jc.allow)
	if err == nil {
		return v
	}
	if errors.Is(err, errSkipped) {
		c.missing++
		return math.NaN()
	}
	d.out.drop(jeReason(err), 1)
	d.note(c, "path", jc.value, err)
	return math.NaN()
}

// note keeps the first failure of each reason. It allocates only for that one.
func (d *jeDecoder) note(c *column, what string, p *jsonPath, err error) {
	if reason := jeReason(err); !d.out.knows(StageDecode, reason) {
		d.out.fail(decodeFailure(reason, fmt.Errorf("module %q: metric %q: %s %s: %w", d.module, c.metric.Name, what, p.text, err)))
	}
}

func jeReason(err error) Reason {
	var missing *missingKeyError
	switch {
	case errors.As(err, &missing):
		return ReasonMissing
	case errors.Is(err, errNotNumber):
		return ReasonNotNumber
	}
	return dropReason(err)
}

// judge fails each metric that had rows and lost the value of every one, unless
// they may be missing.
func (d *jeDecoder) judge(b *batch) {
	for i := range b.columns {
		c := &b.columns[i]
		lost := len(c.values) > c.missing && !slices.ContainsFunc(c.values, isKept)
		d.out.failed = d.out.failed || lost
	}
}
