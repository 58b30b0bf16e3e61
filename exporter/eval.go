package exporter

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/itchyny/gojq"
)

// cell is one result of an expression.
type cell struct {
	kind kind
	// text is a number or string as it stands, or an array or object as
	// compact JSON.
	text []byte
}

var (
	errSeveral = errors.New("gives several values, expected one")
	errOver    = errors.New("the time is over")
)

// evaluator runs expressions over one document, in one goroutine.
type evaluator struct {
	ctx context.Context
	d   *document
	// The value last converted for the interpreter: the expressions of a row
	// share it.
	last  uint32
	value any
}

// one runs an expression that gives at most one value; none is a null. The
// cell's text is valid until the document changes.
func (ev *evaluator) one(e *expr, at uint32) (cell, error) {
	switch {
	case e.literal != nil:
		return *e.literal, nil
	case e.code != nil:
		return ev.interpretOne(e, at)
	}
	for i := range e.steps {
		var err error
		if at, err = ev.d.follow(at, &e.steps[i]); err != nil {
			return cell{}, err
		}
	}
	return ev.cell(at)
}

func (ev *evaluator) cell(at uint32) (cell, error) {
	k := ev.d.nodes[at].kind
	switch k {
	case kindNumber, kindString:
		return cell{k, ev.d.text(at)}, nil
	case kindArray, kindObject:
		text, err := ev.d.marshal(at)
		return cell{k, text}, err
	}
	return cell{kind: k}, nil
}

func (ev *evaluator) interpretOne(e *expr, at uint32) (cell, error) {
	results := e.code.RunWithContext(ev.ctx, ev.convert(at))
	v, ok := results.Next()
	if !ok {
		return cell{}, nil
	}
	if err, ok := v.(error); ok {
		return cell{}, ev.interpreterError(err)
	}
	if next, ok := results.Next(); ok {
		if err, ok := next.(error); ok {
			return cell{}, ev.interpreterError(err)
		}
		return cell{}, errSeveral
	}
	return valueCell(v), nil
}

// interpreterError tells the end of time from a fault of the expression.
func (ev *evaluator) interpreterError(err error) error {
	if ev.ctx.Err() != nil {
		return errOver
	}
	return err
}

func valueCell(v any) cell {
	switch v.(type) {
	case []any:
		text, _ := gojq.Marshal(v)
		return cell{kindArray, text}
	case map[string]any:
		text, _ := gojq.Marshal(v)
		return cell{kindObject, text}
	}
	k, text := appendScalar(nil, v)
	return cell{k, text}
}

// convert returns the value at at for the interpreter, which only reads it.
func (ev *evaluator) convert(at uint32) any {
	if ev.last != at || at == nullNode {
		ev.last, ev.value = at, ev.d.value(at)
	}
	return ev.value
}

// each calls yield with every value that the expression gives, in order, until
// an error.
func (ev *evaluator) each(e *expr, at uint32, yield func(at uint32) error) error {
	switch {
	case e.literal != nil:
		return ev.interpretedRow(literalValue(e.literal), yield)
	case e.code != nil:
		return ev.interpretEach(e, at, yield)
	}
	return ev.walkEach(e.steps, at, yield)
}

func (ev *evaluator) walkEach(steps []step, at uint32, yield func(at uint32) error) error {
	for i := range steps {
		if steps[i].each {
			return ev.walkMembers(steps[i+1:], at, yield)
		}
		var err error
		if at, err = ev.d.follow(at, &steps[i]); err != nil {
			return err
		}
	}
	return yield(at)
}

func (ev *evaluator) walkMembers(rest []step, at uint32, yield func(at uint32) error) error {
	d := ev.d
	switch n := d.nodes[at]; n.kind {
	case kindArray:
		for i := at + 1; i < n.to; i = d.next(i) {
			if err := ev.walkEach(rest, i, yield); err != nil {
				return err
			}
		}
	case kindObject:
		for _, i := range d.members(at) {
			if err := ev.walkEach(rest, i, yield); err != nil {
				return err
			}
		}
	default:
		return &kindError{"cannot iterate over", d.preview(at)}
	}
	return nil
}

func (ev *evaluator) interpretEach(e *expr, at uint32, yield func(at uint32) error) error {
	results := e.code.RunWithContext(ev.ctx, ev.d.value(at))
	for {
		v, ok := results.Next()
		if !ok {
			return nil
		}
		if err, ok := v.(error); ok {
			return ev.interpreterError(err)
		}
		if err := ev.interpretedRow(v, yield); err != nil {
			return err
		}
	}
}

// interpretedRow puts a value of the interpreter into the document for as long
// as yield runs.
func (ev *evaluator) interpretedRow(v any, yield func(at uint32) error) error {
	nodes, data := len(ev.d.nodes), len(ev.d.data)
	at := ev.d.add(v)
	ev.last, ev.value = at, v
	err := yield(at)
	ev.d.nodes, ev.d.data = ev.d.nodes[:nodes], ev.d.data[:data]
	ev.last, ev.value = nullNode, nil
	return err
}

func literalValue(c *cell) any {
	switch c.kind {
	case kindFalse, kindTrue:
		return c.kind == kindTrue
	case kindNumber:
		return numberValue(string(c.text))
	case kindString:
		return string(c.text)
	}
	return nil
}

// kindError is a step taken from a value that has no such step.
type kindError struct{ problem, found string }

func (e *kindError) Error() string { return e.problem + ": " + e.found }

// follow takes one step that leads to one value.
func (d *document) follow(at uint32, s *step) (uint32, error) {
	k := d.nodes[at].kind
	switch {
	case k == kindNull:
		return nullNode, nil
	case s.named && k == kindObject:
		return d.field(at, s.key), nil
	case s.named:
		return 0, &kindError{"expected an object but got", d.preview(at)}
	case k == kindArray:
		return d.element(at, s.index), nil
	case k == kindString:
		return d.letter(at, s.index), nil
	}
	return 0, &kindError{"expected an array but got", d.preview(at)}
}

// letter returns one character of a string, as a string.
func (d *document) letter(at uint32, index int) uint32 {
	text := d.text(at)
	if index < 0 {
		index += utf8.RuneCount(text)
	}
	if index < 0 {
		return nullNode
	}
	for from := d.nodes[at].from; len(text) > 0; index-- {
		_, size := utf8.DecodeRune(text)
		if index == 0 {
			d.nodes = append(d.nodes, node{kind: kindString, from: from, to: from + uint32(size)})
			return uint32(len(d.nodes) - 1)
		}
		text, from = text[size:], from+uint32(size)
	}
	return nullNode
}

// preview shows a value in an error, cut short.
func (d *document) preview(at uint32) string {
	if k := d.nodes[at].kind; k != kindNull {
		return fmt.Sprintf("%s (%s)", k, gojq.Preview(d.value(at)))
	}
	return "null"
}
