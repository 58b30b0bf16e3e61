package exporter

import (
	"errors"
	"math"
	"strconv"
)

// errSkipped is a value that is not there and need not be.
var errSkipped = errors.New("left out")

// keptNaN returns the NaN that stands for a sample whose value is NaN.
// json_exporter serves them; elsewhere NaN marks a dropped sample.
func keptNaN() float64 { return math.Float64frombits(keptNaNBits) }

const keptNaNBits = 0x7ff8_0000_0000_00aa

// isKept reports whether a column's value is a sample.
func isKept(v float64) bool { return !math.IsNaN(v) || math.Float64bits(v) == keptNaNBits }

// jeNumber reads a text as json_exporter does: what Go takes for a float, then
// what it takes for a truth value.
func jeNumber(text []byte) (float64, error) {
	if v, ok := parseInt(text); ok {
		return v, nil
	}
	v, err := strconv.ParseFloat(string(text), 64)
	switch {
	case err == nil && math.IsNaN(v):
		return keptNaN(), nil
	case err == nil:
		return v, nil
	}
	if truth, err := strconv.ParseBool(string(text)); err == nil {
		return number01(truth), nil
	}
	return 0, errNotNumber
}

// jeUnquoted resolves the quotes around a text, if it has any.
func jeUnquoted(text []byte) []byte {
	if n := len(text); n < 2 || text[0] != text[n-1] || text[0] != '"' && text[0] != '\'' {
		return text
	}
	if inner, ok := jpUnquote(string(text)); ok {
		return []byte(inner)
	}
	return text
}

// jeReader reads rows by templates, in one goroutine.
type jeReader struct {
	jpWalker
	scratch []byte
}

// number evaluates a template that must give a number. errSkipped says that it
// gives nothing, and may.
func (r *jeReader) number(p *jsonPath, at uint32, allow bool) (float64, error) {
	r.allow = allow
	if p.plain && len(p.blocks) == 1 && p.blocks[0].kind == jpBlock && p.blocks[0].straight {
		found, ok, err := r.follow(at, p.blocks[0].nodes)
		if err != nil {
			return 0, err
		}
		if ok {
			return r.nodeNumber(found, allow)
		}
	}
	text, err := r.text(p, at)
	switch {
	case err != nil:
		return 0, err
	case len(text) == 0 && allow:
		return 0, errSkipped
	}
	return numberOf(text)
}

// nodeNumber reads one value as a number. With allow, null is as good as not
// there.
func (r *jeReader) nodeNumber(at uint32, allow bool) (float64, error) {
	switch r.d.nodes[at].kind {
	case kindNumber:
		return float(r.d.text(at)), nil
	case kindFalse:
		return 0, nil
	case kindTrue:
		return 1, nil
	case kindNull:
		if allow {
			return 0, errSkipped
		}
		return 0, errMissing
	case kindString:
		text := r.d.text(at)
		if len(text) == 0 && allow {
			return 0, errSkipped
		}
		return numberOf(jeUnquoted(text))
	}
	return 0, errNotNumber
}

func numberOf(text []byte) (float64, error) {
	v, err := jeNumber(text)
	if err != nil {
		err = &notNumberError{cell{kindString, text}}
	}
	return v, err
}

// text evaluates a template. The result is valid until the next call.
func (r *jeReader) text(p *jsonPath, at uint32) ([]byte, error) {
	text, err := r.appendText(r.scratch[:0], p, at)
	r.scratch = text[:0]
	if err != nil {
		return nil, err
	}
	return jeUnquoted(text), nil
}

var errManyLists = errors.New("the path gives several lists, or none, in place of one: it must be one {…} with nothing around it")

// rows evaluates the path of an object: each value that it finds is a row.
func (r *jeReader) rows(p *jsonPath, at uint32, allow bool) ([]jpValue, error) {
	r.allow = allow
	all, err := r.results(p, r.root(at))
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0 && allow:
		return nil, nil
	case len(all) != 1:
		return nil, errManyLists
	}
	return all[0], nil
}

// node returns a row as a node of the document; what the template itself says is
// added to it.
func (r *jeReader) row(v jpValue) uint32 {
	if v.lit == nil {
		return v.at
	}
	switch v.lit.kind {
	case jpText:
		return r.d.add(v.lit.text)
	case jpInt:
		return r.d.add(v.lit.integer)
	case jpFloat:
		return r.d.add(v.lit.float)
	case jpBool:
		return r.d.add(v.lit.truth)
	}
	return nullNode
}

// Timestamps before 1973 are taken for something else than milliseconds, if
// they come as a number.
const leastMillis = 100_000_000_000

var errNotTime = errors.New("not a timestamp in milliseconds")

// millis evaluates the template of a timestamp: a text is what it says, a
// number must be large enough for milliseconds.
func (r *jeReader) millis(p *jsonPath, at uint32, allow bool) (int64, error) {
	r.allow = allow
	text, err := r.text(p, at)
	if err != nil || len(text) == 0 && allow {
		return noTime, err
	}
	if t, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return t, nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || f < leastMillis || f > 1<<53 || f != math.Trunc(f) {
		return noTime, errNotTime
	}
	return int64(f), nil
}
