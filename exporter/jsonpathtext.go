package exporter

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// root returns the value that a template starts at.
func (w *jpWalker) root(at uint32) jpValue {
	if w.d.nodes[at].kind == kindNull {
		return jpValue{lit: &jpNode{kind: jpNothing}}
	}
	return jpValue{at: at}
}

// appendText appends the text that a template gives for the value at at.
func (w *jpWalker) appendText(dst []byte, p *jsonPath, at uint32) ([]byte, error) {
	if !p.plain {
		all, err := w.results(p, w.root(at))
		if err != nil {
			return dst, err
		}
		for _, values := range all {
			if dst, err = w.appendValues(dst, values); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
	for i := range p.blocks {
		b := &p.blocks[i]
		switch {
		case b.kind == jpText:
			dst = append(dst, b.text...)
		case b.straight && len(b.nodes) > 0:
			at, found, err := w.follow(at, b.nodes)
			if err != nil {
				return dst, err
			}
			if !found {
				continue
			}
			if dst, err = w.appendNode(dst, at); err != nil {
				return dst, err
			}
		default:
			values, err := w.list([]jpValue{w.root(at)}, b.nodes)
			if err != nil {
				return dst, err
			}
			if dst, err = w.appendValues(dst, values); err != nil {
				return dst, err
			}
		}
	}
	return dst, nil
}

func (w *jpWalker) appendValues(dst []byte, values []jpValue) ([]byte, error) {
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ' ')
		}
		if v.lit != nil {
			dst = v.lit.appendLiteral(dst)
			continue
		}
		var err error
		if dst, err = w.appendNode(dst, v.at); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (n *jpNode) appendLiteral(dst []byte) []byte {
	switch n.kind {
	case jpText:
		return append(dst, n.text...)
	case jpInt:
		return strconv.AppendInt(dst, int64(n.integer), 10)
	case jpFloat:
		return strconv.AppendFloat(dst, n.float, 'g', -1, 64)
	case jpBool:
		return strconv.AppendBool(dst, n.truth)
	}
	return append(dst, "<no value>"...)
}

// appendNode appends a value as the templates of Kubernetes print it: numbers
// as Go prints a float64, which from a million on is 1e+06; the text of
// containers is compact JSON with sorted keys.
func (w *jpWalker) appendNode(dst []byte, at uint32) ([]byte, error) {
	switch w.d.nodes[at].kind {
	case kindNull:
		return append(dst, "null"...), nil
	case kindTrue:
		return append(dst, "true"...), nil
	case kindFalse:
		return append(dst, "false"...), nil
	case kindNumber:
		return appendGoFloat(dst, w.d.text(at)), nil
	case kindString:
		return append(dst, w.d.text(at)...), nil
	}
	text, err := json.Marshal(w.d.goValue(at))
	if err != nil {
		return dst, fmt.Errorf("cannot be written as JSON: %w", err)
	}
	return append(dst, text...), nil
}

// appendGoFloat appends a JSON number as %v of its float64.
func appendGoFloat(dst, text []byte) []byte {
	if len(text) <= 6 && isDigits(text) {
		return append(dst, text...)
	}
	return strconv.AppendFloat(dst, float(text), 'g', -1, 64)
}

func isDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// float returns a JSON number's value; beyond its range a float64 is infinite.
func float(text []byte) float64 {
	if v, ok := parseInt(text); ok {
		return v
	}
	v, _ := strconv.ParseFloat(string(text), 64)
	return v
}

// goValue returns the value at at as encoding/json reads it.
func (d *document) goValue(at uint32) any {
	switch n := d.nodes[at]; n.kind {
	case kindNumber:
		return float(d.text(at))
	case kindArray:
		list := make([]any, 0, n.from)
		for i := at + 1; i < n.to; i = d.next(i) {
			list = append(list, d.goValue(i))
		}
		return list
	case kindObject:
		object := make(map[string]any, n.from)
		for i := at + 1; i < n.to; i = d.next(i + 1) {
			object[string(d.text(i))] = d.goValue(i + 1)
		}
		return object
	}
	return d.value(at)
}

var errIncomparable = errors.New("the two sides of a comparison are of different kinds (JSON numbers are compared with literals that have a point: 2.0)")

// operand is a value that can be compared: a text, a truth value, a whole
// number (literals alone), or a number.
type operand struct {
	kind  jpKind
	text  string
	truth bool
	num   float64
}

func (w *jpWalker) operand(v jpValue) (operand, error) {
	if n := v.lit; n != nil {
		num := n.float
		if n.kind == jpInt {
			num = float64(n.integer)
		}
		if n.kind == jpNothing {
			return operand{}, errors.New("nothing cannot be compared")
		}
		return operand{n.kind, n.text, n.truth, num}, nil
	}
	switch k := w.d.nodes[v.at].kind; k {
	case kindString:
		return operand{kind: jpText, text: string(w.d.text(v.at))}, nil
	case kindNumber:
		return operand{kind: jpFloat, num: float(w.d.text(v.at))}, nil
	case kindTrue, kindFalse:
		return operand{kind: jpBool, truth: k == kindTrue}, nil
	default:
		return operand{}, fmt.Errorf("%s cannot be compared", k)
	}
}

func (w *jpWalker) compare(left, right jpValue, op string) (bool, error) {
	switch op {
	case "==", "!=", "<", "<=", ">", ">=":
	default:
		return false, fmt.Errorf("unknown comparison %s", op)
	}
	l, err := w.operand(left)
	if err != nil {
		return false, err
	}
	r, err := w.operand(right)
	if err != nil {
		return false, err
	}
	if l.kind != r.kind {
		return false, errIncomparable
	}
	return l.compare(r, op)
}

func (l operand) compare(r operand, op string) (bool, error) {
	if l.kind == jpBool {
		switch op {
		case "==":
			return l.truth == r.truth, nil
		case "!=":
			return l.truth != r.truth, nil
		}
		return false, errors.New("truth values have no order")
	}
	order := cmp.Compare(l.num, r.num)
	if l.kind == jpText {
		order = strings.Compare(l.text, r.text)
	}
	switch op {
	case "==":
		return order == 0, nil
	case "!=":
		return order != 0, nil
	case "<":
		return order < 0, nil
	case "<=":
		return order <= 0, nil
	case ">":
		return order > 0, nil
	}
	return order >= 0, nil
}
