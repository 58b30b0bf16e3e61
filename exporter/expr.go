package exporter

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/itchyny/gojq"
)

// expr is one jq expression, ready to run and safe for concurrent use.
//
// Paths and literals, which is what most expressions are, are walked directly;
// the rest runs in the interpreter. Both give the same results, errors
// included.
type expr struct {
	text string
	// steps is the path of a simple expression.
	steps []step
	// literal is the result of an expression that asks the row for nothing.
	literal *cell
	// code runs what is neither.
	code *gojq.Code
}

// step is one part of a simple path.
type step struct {
	each  bool // .[]
	named bool // .key, else .[index]
	key   string
	index int
}

// compileExpr compiles a jq expression. The environment, further inputs and
// modules are out of its reach.
func compileExpr(text string) (*expr, error) {
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, syntaxError(text, err)
	}
	if name := forbidden(reflect.ValueOf(query)); name != "" {
		return nil, fmt.Errorf("jq: %s is not available here, expressions see the answer alone: %s", name, text)
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, fmt.Errorf("jq: %w: %s", err, text)
	}
	e := &expr{text: text}
	if steps, ok := simplePath(query); ok {
		e.steps = steps
		return e, nil
	}
	if isLiteral(query) {
		e.literal = literalCell(code)
		return e, nil
	}
	e.code = code
	return e, nil
}

func syntaxError(text string, err error) error {
	if pe, ok := errors.AsType[*gojq.ParseError](err); ok {
		return fmt.Errorf("jq: %w at character %d: %s", err, max(pe.Offset-len(pe.Token), 0)+1, text)
	}
	return fmt.Errorf("jq: %w: %s", err, text)
}

// many reports whether the expression is a path that gives one value for each
// member of something.
func (e *expr) many() bool {
	for _, s := range e.steps {
		if s.each {
			return true
		}
	}
	return false
}

// forbidden returns the name of the first function in the expression that
// reaches out of the answer. The syntax tree has no visitor, hence reflection;
// it runs at load alone.
func forbidden(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		if f, ok := reflect.TypeAssert[*gojq.Func](v); ok {
			switch f.Name {
			case "env", "$ENV", "input", "inputs", "debug", "stderr", "halt", "halt_error", "input_filename":
				return f.Name
			}
		}
		return forbidden(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			if name := forbidden(v.Index(i)); name != "" {
				return name
			}
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			if name := forbidden(field); name != "" {
				return name
			}
		}
	}
	return ""
}

// simplePath returns the steps of a query that is a path, or of paths joined by
// pipes.
func simplePath(q *gojq.Query) ([]step, bool) {
	switch {
	case q.Meta != nil || len(q.Imports) > 0 || len(q.FuncDefs) > 0 || len(q.Patterns) > 0:
		return nil, false
	case q.Term != nil:
		return termPath(q.Term)
	case q.Op != gojq.OpPipe || q.Left == nil || q.Right == nil:
		return nil, false
	}
	left, ok := simplePath(q.Left)
	if !ok {
		return nil, false
	}
	right, ok := simplePath(q.Right)
	return append(left, right...), ok
}

func termPath(t *gojq.Term) ([]step, bool) {
	steps := []step{}
	switch t.Type {
	case gojq.TermTypeIdentity:
	case gojq.TermTypeIndex:
		s, ok := indexStep(t.Index)
		if !ok {
			return nil, false
		}
		steps = append(steps, s)
	default:
		return nil, false
	}
	for _, suffix := range t.SuffixList {
		switch {
		case suffix.Optional:
			return nil, false
		case suffix.Iter:
			steps = append(steps, step{each: true})
		case suffix.Index != nil:
			s, ok := indexStep(suffix.Index)
			if !ok {
				return nil, false
			}
			steps = append(steps, s)
		}
	}
	return steps, true
}

func indexStep(x *gojq.Index) (step, bool) {
	switch {
	case x.Name != "":
		return step{named: true, key: x.Name}, true
	case x.Str != nil:
		return step{named: true, key: x.Str.Str}, x.Str.Queries == nil
	case x.IsSlice || x.End != nil || x.Start == nil || x.Start.Term == nil:
		return step{}, false
	}
	return bracketStep(x.Start.Term)
}

// bracketStep reads what stands in .[…].
func bracketStep(t *gojq.Term) (step, bool) {
	if len(t.SuffixList) > 0 {
		return step{}, false
	}
	switch t.Type {
	case gojq.TermTypeString:
		return step{named: true, key: t.Str.Str}, t.Str.Queries == nil
	case gojq.TermTypeNumber:
		index, err := strconv.Atoi(t.Number)
		return step{index: index}, err == nil
	case gojq.TermTypeUnary:
		if t.Unary.Op != gojq.OpSub || t.Unary.Term.Type != gojq.TermTypeNumber || len(t.Unary.Term.SuffixList) > 0 {
			return step{}, false
		}
		index, err := strconv.Atoi(t.Unary.Term.Number)
		return step{index: -index}, err == nil
	}
	return step{}, false
}

func isLiteral(q *gojq.Query) bool {
	t := q.Term
	if t == nil || len(t.SuffixList) > 0 || len(q.FuncDefs) > 0 {
		return false
	}
	switch t.Type {
	case gojq.TermTypeNumber, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNull:
		return true
	case gojq.TermTypeString:
		return t.Str.Queries == nil
	case gojq.TermTypeUnary:
		return t.Unary.Term.Type == gojq.TermTypeNumber && len(t.Unary.Term.SuffixList) == 0
	}
	return false
}

// literalCell runs a literal once: the interpreter says what it is.
func literalCell(code *gojq.Code) *cell {
	v, _ := code.RunWithContext(context.Background(), nil).Next()
	c := valueCell(v)
	return &c
}
