package exporter

import (
	"errors"
	"fmt"
)

// jpValue is one value that a template finds: a node of the document, or
// something that the template itself says.
type jpValue struct {
	at  uint32
	lit *jpNode // nil: the node at at
}

// jpWalker evaluates templates over one document, in one goroutine.
type jpWalker struct {
	d *document
	// allow makes a missing key nothing instead of an error.
	allow bool
	wide  wideObject
}

// wideObject is an index of the object with many keys that was asked last: a
// module may read a thousand scalars of one.
type wideObject struct {
	at      uint32
	asked   bool // once before; the second time makes the index
	members map[string]uint32
}

// wideFrom is the number of keys from which looking through all of them costs
// more than an index.
const wideFrom = 64

// field is document.field, by the index if there is one.
func (w *jpWalker) field(object uint32, key string) uint32 {
	if w.d.nodes[object].from < wideFrom {
		return w.d.field(object, key)
	}
	if !w.wide.asked || w.wide.at != object {
		w.wide = wideObject{at: object, asked: true}
		return w.d.field(object, key)
	}
	if w.wide.members == nil {
		w.wide.members = w.d.index(object)
	}
	return w.wide.members[key] // nullNode for what is not there
}

// index returns an object's values by key.
func (d *document) index(object uint32) map[string]uint32 {
	n := d.nodes[object]
	members := make(map[string]uint32, n.from)
	for at := object + 1; at < n.to; at = d.next(at + 1) {
		members[string(d.text(at))] = at + 1
	}
	return members
}

// missingKeyError is a key that no value has.
type missingKeyError struct{ key string }

func (e *missingKeyError) Error() string { return fmt.Sprintf("key %q is not there", e.key) }

// list evaluates nodes, each from what the one before found. With an error
// come the values that the failing node leaves, which filters for existence
// look at.
func (w *jpWalker) list(values []jpValue, nodes []jpNode) ([]jpValue, error) {
	var err error
	for i := range nodes {
		if values, err = w.node(values, &nodes[i]); err != nil {
			return values, err
		}
	}
	return values, nil
}

func (w *jpWalker) node(values []jpValue, n *jpNode) ([]jpValue, error) {
	switch n.kind {
	case jpText:
		return []jpValue{{lit: n}}, nil
	case jpInt, jpFloat, jpBool:
		literals := make([]jpValue, len(values))
		for i := range literals {
			literals[i].lit = n
		}
		return literals, nil
	case jpField:
		return w.fields(values, n.text)
	case jpArray:
		return w.arrays(values, n)
	case jpUnion:
		return w.union(values, n)
	case jpFilter:
		return w.filter(values, n)
	case jpWildcard:
		var all []jpValue
		for _, v := range values {
			all = w.children(all, v)
		}
		return all, nil
	case jpRecursive:
		return w.recursive(nil, values), nil
	}
	return values, fmt.Errorf("%q means nothing here", n.text)
}

// follow takes the steps of a straight path. What leads over null to an index
// finds nothing, without an error.
func (w *jpWalker) follow(at uint32, steps []jpNode) (_ uint32, found bool, err error) {
	for i := range steps {
		s, k := &steps[i], w.d.nodes[at].kind
		switch {
		case s.kind == jpField:
			next := uint32(nullNode)
			if k == kindObject {
				next = w.field(at, s.text)
			}
			if next == nullNode && w.allow {
				return 0, false, nil
			}
			if next == nullNode {
				return 0, false, &missingKeyError{s.text}
			}
			at = next
		case k == kindNull:
			return 0, false, nil
		case k != kindArray:
			return 0, false, notArray(k)
		default:
			index, count := s.bounds[0].value, int(w.d.nodes[at].from)
			if index < 0 {
				index += count
			}
			if index < 0 || index >= count {
				return 0, false, outOfBounds(s.bounds[0].value, count)
			}
			at = w.d.element(at, index)
		}
	}
	return at, true, nil
}

func notArray(k kind) error { return fmt.Errorf("expected an array but got: %s", k) }

func outOfBounds(index, count int) error {
	return fmt.Errorf("index %d is outside of an array of %d", index, count)
}

func (w *jpWalker) kind(v jpValue) (kind, bool) {
	if v.lit != nil {
		return 0, false
	}
	return w.d.nodes[v.at].kind, true
}

func (w *jpWalker) fields(values []jpValue, name string) ([]jpValue, error) {
	var found []jpValue
	for _, v := range values {
		if k, ok := w.kind(v); !ok || k != kindObject {
			continue
		}
		if at := w.field(v.at, name); at != nullNode {
			found = append(found, jpValue{at: at})
		}
	}
	if len(values) > 0 && len(found) == 0 && !w.allow {
		return nil, &missingKeyError{name}
	}
	return found, nil
}

func (w *jpWalker) arrays(values []jpValue, n *jpNode) ([]jpValue, error) {
	var found []jpValue
	for _, v := range values {
		k, ok := w.kind(v)
		switch {
		case ok && k == kindNull:
			continue
		case !ok:
			return values, errors.New("expected an array but got a literal")
		case k != kindArray:
			return values, notArray(k)
		}
		count := int(w.d.nodes[v.at].from)
		from, to, step, err := n.span(count)
		if err != nil {
			return values, err
		}
		if from == to {
			// Nothing asked for: the values behind this one are not looked at.
			return found, nil
		}
		found = w.slice(found, v.at, from, to, step)
	}
	return found, nil
}

// span resolves the bounds for an array of count elements.
func (n *jpNode) span(count int) (from, to, step int, err error) {
	step = 1
	if n.bounds[0].known {
		from = n.bounds[0].value
	}
	if from < 0 {
		from += count
	}
	to = n.bounds[1].value
	if !n.bounds[1].known {
		to = count
	}
	if to < 0 || to == 0 && n.bounds[1].derived {
		to += count
	}
	if n.bounds[2].known {
		step = n.bounds[2].value
	}
	switch {
	case from == to:
	case from < 0 || from >= count:
		err = outOfBounds(from, count)
	case to < 0 || to > count:
		err = outOfBounds(to-1, count)
	case from > to:
		err = fmt.Errorf("the first index, %d, is behind the last, %d", from, to)
	case step <= 0:
		err = errors.New("the step is not above 0")
	}
	return from, to, step, err
}

func (w *jpWalker) slice(dst []jpValue, array uint32, from, to, step int) []jpValue {
	at, end := array+1, w.d.nodes[array].to
	for i := 0; i < to && at < end; i++ {
		if i >= from && (i-from)%step == 0 {
			dst = append(dst, jpValue{at: at})
		}
		at = w.d.next(at)
	}
	return dst
}

func (w *jpWalker) union(values []jpValue, n *jpNode) ([]jpValue, error) {
	var all []jpValue
	for _, branch := range n.union {
		found, err := w.list(values, branch)
		if err != nil {
			return values, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// children appends the members of an array, or of an object in the order of
// keys (Kubernetes: in any order). A text has its bytes, as numbers.
func (w *jpWalker) children(dst []jpValue, v jpValue) []jpValue {
	k, ok := w.kind(v)
	switch {
	case !ok && v.lit.kind == jpText:
		return textBytes(dst, v.lit.text)
	case !ok:
		return dst
	case k == kindString:
		return textBytes(dst, string(w.d.text(v.at)))
	case k == kindArray:
		return w.slice(dst, v.at, 0, int(w.d.nodes[v.at].from), 1)
	case k == kindObject:
		for _, at := range w.d.members(v.at) {
			dst = append(dst, jpValue{at: at})
		}
	}
	return dst
}

func textBytes(dst []jpValue, text string) []jpValue {
	for i := range len(text) {
		dst = append(dst, jpValue{lit: &jpNode{kind: jpInt, integer: int(text[i])}})
	}
	return dst
}

// recursive appends all values that have members, texts among them, from the
// outside in.
func (w *jpWalker) recursive(dst, values []jpValue) []jpValue {
	for _, v := range values {
		if k, ok := w.kind(v); ok && k == kindString {
			if len(w.d.text(v.at)) > 0 {
				dst = append(dst, v)
			}
		} else if inner := w.children(nil, v); len(inner) > 0 {
			dst = w.recursive(append(dst, v), inner)
		}
	}
	return dst
}

func (w *jpWalker) filter(values []jpValue, n *jpNode) ([]jpValue, error) {
	var passed []jpValue
	for _, v := range values {
		k, ok := w.kind(v)
		if !ok || k != kindArray {
			return values, fmt.Errorf("only arrays can be filtered, not %s", k)
		}
		for at := v.at + 1; at < w.d.nodes[v.at].to; at = w.d.next(at) {
			pass, err := w.passes(jpValue{at: at}, n)
			if err != nil {
				return values, err
			}
			if pass {
				passed = append(passed, jpValue{at: at})
			}
		}
	}
	return passed, nil
}

// passes judges one element. With several faults the first in the order of
// Kubernetes counts.
func (w *jpWalker) passes(v jpValue, n *jpNode) (bool, error) {
	if n.text == "" {
		found, _ := w.list([]jpValue{v}, n.nodes)
		return len(found) > 0, nil
	}
	left, ok, err := w.side(v, n.nodes, n.straight)
	if err != nil || !ok {
		return false, err
	}
	right, ok, err := w.side(v, n.right, false)
	if err != nil || !ok {
		return false, err
	}
	return w.compare(left, right, n.text)
}

// side evaluates one side of a comparison.
func (w *jpWalker) side(v jpValue, nodes []jpNode, straight bool) (_ jpValue, ok bool, err error) {
	if straight {
		at, found, err := w.follow(v.at, nodes)
		return jpValue{at: at}, found, err
	}
	if len(nodes) == 1 && nodes[0].kind <= jpBool {
		return jpValue{lit: &nodes[0]}, true, nil
	}
	found, err := w.list([]jpValue{v}, nodes)
	switch {
	case err != nil || len(found) == 0:
		return jpValue{}, false, err
	case len(found) > 1:
		return jpValue{}, false, errors.New("several values on one side of a comparison")
	}
	return found[0], true, nil
}
