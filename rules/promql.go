package rules

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// promQL parses expressions as a Prometheus without feature flags does.
type promQL struct{ parser parser.Parser }

func newPromQL() promQL { return promQL{parser.NewParser(parser.Options{})} }

// problem is one thing wrong in an expression.
type problem struct {
	line, column int // counted from 1 within the expression; column in bytes
	text         string
}

func (p problem) String() string {
	if p.line == 0 {
		return p.text
	}
	return fmt.Sprintf("at %d:%d: %s", p.line, p.column, p.text)
}

var unknownFunction = regexp.MustCompile(`^unknown function with name "(.*)"$`)

func (q promQL) parse(text string) (parser.Expr, []problem) {
	expr, err := q.parser.ParseExpr(text)
	if err == nil {
		return expr, nil
	}
	var many parser.ParseErrors
	if !errors.As(err, &many) {
		return nil, []problem{{text: err.Error()}}
	}
	var ps []problem
	for _, e := range many {
		ps = append(ps, toProblem(text, e))
	}
	return nil, ps
}

func toProblem(text string, e parser.ParseErr) problem {
	start := min(max(int(e.PositionRange.Start), 0), len(text))
	before := text[:start]
	p := problem{
		line:   1 + strings.Count(before, "\n"),
		column: start - strings.LastIndexByte(before, '\n'),
		text:   e.Err.Error(),
	}
	if m := unknownFunction.FindStringSubmatch(p.text); m != nil {
		p.text += didYouMean(m[1], slices.Concat(slices.Sorted(maps.Keys(parser.Functions)), parser.Keywords()))
	}
	return p
}

// didYouMean ends an error text with the nearest of the candidates, if any.
func didYouMean(word string, candidates []string) string {
	if s := strictyaml.Suggest(word, candidates); s != "" {
		return fmt.Sprintf(", did you mean %q?", s)
	}
	return ""
}
