package exporter

import "errors"

// jpResults evaluates the blocks of a template one behind the other: the values
// of each, ranges unrolled.
type jpResults struct {
	*jpWalker
	// How many ranges begin here, are open, and end here.
	begin, open, end int
	// lastEnd is where the range that ended last did so.
	lastEnd int
	blocks  []jpNode
}

// results returns the values of each block.
func (w *jpWalker) results(p *jsonPath, root jpValue) ([][]jpValue, error) {
	r := jpResults{jpWalker: w, blocks: p.blocks, lastEnd: -1}
	return r.from(0, root)
}

func (r *jpResults) from(first int, root jpValue) ([][]jpValue, error) {
	var all [][]jpValue
	for i := first; i < len(r.blocks); i++ {
		values, err := r.step([]jpValue{root}, &r.blocks[i])
		if err != nil {
			return nil, err
		}
		if r.end > 0 && r.end <= r.open {
			r.end--
			r.lastEnd = i
			break
		}
		if r.begin == 0 {
			all = append(all, values)
			continue
		}
		if all, err = r.loop(all, i+1, values); err != nil {
			return nil, err
		}
		// On behind the end of the range, if it has one.
		if r.lastEnd > i {
			i = r.lastEnd
		}
	}
	return all, nil
}

// loop evaluates the inside of a range for each value. Without values it is
// walked once, over nothing, to find its end.
func (r *jpResults) loop(all [][]jpValue, first int, values []jpValue) ([][]jpValue, error) {
	r.begin--
	r.open++
	defer func() { r.open-- }()
	if len(values) == 0 {
		_, err := r.from(first, jpValue{lit: &jpNode{kind: jpNothing}})
		return all, err
	}
	for _, v := range values {
		if k, ok := r.kind(v); ok && k == kindNull {
			v = jpValue{lit: &jpNode{kind: jpNothing}}
		}
		inner, err := r.from(first, v)
		if err != nil {
			return nil, err
		}
		all = append(all, inner...)
	}
	return all, nil
}

// step evaluates one block, whose words range and end are for the loop.
func (r *jpResults) step(values []jpValue, b *jpNode) ([]jpValue, error) {
	if b.kind != jpBlock {
		return r.node(values, b)
	}
	for i := range b.nodes {
		n := &b.nodes[i]
		var err error
		switch {
		case n.kind == jpIdentifier && n.text == "range":
			r.begin++
		case n.kind == jpIdentifier && n.text == "end" && r.open == 0:
			return nil, errors.New("{end} without {range}")
		case n.kind == jpIdentifier && n.text == "end":
			r.end++
			values = nil
		default:
			values, err = r.node(values, n)
		}
		if err != nil {
			return nil, err
		}
	}
	return values, nil
}
