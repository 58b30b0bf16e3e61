package exporter

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// family is all samples of one name, from whatever batches, sorted and without
// duplicates.
type family struct {
	metric *Metric
	parts  []part
	lines  []line
}

// part is one metric's samples of one batch.
type part struct {
	batch  *batch
	column *column
	owner  *Result
}

// line is one sample: the row of a part.
type line struct{ part, row uint32 }

func (f *family) text(l line) []byte { return f.parts[l.part].batch.text(l.row) }

func (f *family) value(l line) float64 { return f.parts[l.part].column.values[l.row] }

// samples is how many samples a line stands for.
func (f *family) samples(l line) int {
	if blocks := f.parts[l.part].column.blocks; blocks != nil {
		return blocks[l.row].samples
	}
	return 1
}

// resolve sorts the family's samples by their labels and drops all but the
// first of equal ones, in the order of modules, metrics and rows. It tells
// each module how many samples it gives and lost.
func (f *family) resolve(orders map[*batch][]uint32) {
	if len(f.parts) == 1 {
		f.takeOrder(orders)
	} else {
		f.sortParts()
	}
	f.dropDuplicates()
}

// takeOrder uses the order of the only part's batch, which all metrics of a
// group share.
func (f *family) takeOrder(orders map[*batch][]uint32) {
	p := f.parts[0]
	order, ok := orders[p.batch]
	if !ok {
		order = p.batch.order()
		orders[p.batch] = order
	}
	f.lines = make([]line, 0, len(order))
	for _, row := range order {
		if isKept(p.column.values[row]) {
			f.lines = append(f.lines, line{0, row})
		}
	}
}

func (f *family) sortParts() {
	for i, p := range f.parts {
		for row, v := range p.column.values {
			if isKept(v) {
				f.lines = append(f.lines, line{uint32(i), uint32(row)})
			}
		}
	}
	slices.SortStableFunc(f.lines, func(a, b line) int { return bytes.Compare(f.text(a), f.text(b)) })
}

func (f *family) dropDuplicates() {
	kept := f.lines[:0]
	for _, l := range f.lines {
		owner, n := f.parts[l.part].owner, f.samples(l)
		if len(kept) > 0 && bytes.Equal(f.text(kept[len(kept)-1]), f.text(l)) {
			owner.drop(ReasonDuplicate, n)
			continue
		}
		owner.samples += n
		kept = append(kept, l)
	}
	f.lines = kept
}

// order returns the batch's rows sorted by label text, equal ones in the order
// that they came in.
func (b *batch) order() []uint32 {
	rows := make([]uint32, len(b.ends))
	for i := range rows {
		rows[i] = uint32(i)
	}
	if slices.IsSortedFunc(rows, func(x, y uint32) int { return bytes.Compare(b.text(x), b.text(y)) }) {
		return rows
	}
	// Most texts differ soon behind what all of them start with, so eight bytes
	// from there decide most comparisons without touching the text.
	type keyed struct {
		key uint64
		row uint32
	}
	skip := b.commonPrefix()
	keys := make([]keyed, len(rows))
	for i := range keys {
		var eight [8]byte
		copy(eight[:], b.text(uint32(i))[skip:])
		keys[i] = keyed{binary.BigEndian.Uint64(eight[:]), uint32(i)}
	}
	slices.SortFunc(keys, func(x, y keyed) int {
		if x.key != y.key {
			return cmp.Compare(x.key, y.key)
		}
		return cmp.Or(bytes.Compare(b.text(x.row), b.text(y.row)), cmp.Compare(x.row, y.row))
	})
	for i, k := range keys {
		rows[i] = k.row
	}
	return rows
}

// commonPrefix returns how many bytes all label texts start with.
func (b *batch) commonPrefix() int {
	first := b.text(0)
	n := len(first)
	for row := 1; row < len(b.ends) && n > 0; row++ {
		text := b.text(uint32(row))
		n = min(n, len(text))
		for n > 0 && !bytes.Equal(first[:n], text[:n]) {
			n = differAt(first[:n], text[:n])
		}
	}
	return n
}

func differAt(a, b []byte) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return len(a)
}
