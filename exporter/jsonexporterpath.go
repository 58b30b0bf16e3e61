package exporter

import (
	"fmt"
	"strings"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// path compiles a template and tells what of it does not do what it seems to.
// number says that it must give one. A broken template is nil: what needs it is
// left out, as json_exporter does at every probe.
func (l *jeLoader) path(at strictyaml.Path, text string, number bool) *jsonPath {
	p, err := compileJSONPath(text)
	if err != nil {
		l.quirk(at, fmt.Sprintf("the path %s cannot be read, and what it is for is never served: %v", text, err), "")
		return nil
	}
	if number && isLiteralText(p) {
		if _, err := jeNumber([]byte(text)); err != nil {
			l.quirk(at, fmt.Sprintf("the path %q is text without braces, hence no number", text), fmt.Sprintf("did you mean '{%s}'?", text))
		}
	}
	for i := range p.blocks {
		l.block(at, p.blocks[i].nodes)
	}
	if strings.Contains(text, "['") {
		l.quoted(at, text)
	}
	return p
}

func isLiteralText(p *jsonPath) bool {
	for i := range p.blocks {
		if p.blocks[i].kind != jpText {
			return false
		}
	}
	return true
}

// block looks for steps that never lead anywhere.
func (l *jeLoader) block(at strictyaml.Path, nodes []jpNode) {
	for i := range nodes {
		n := &nodes[i]
		switch {
		case n.kind == jpIdentifier && n.text != "range" && n.text != "end":
			l.quirk(at, fmt.Sprintf("%q means nothing inside of braces, and the path never gives anything", n.text), fmt.Sprintf("did you mean {.%s}?", n.text))
		case n.kind == jpField && n.text == "" && len(nodes) == 1:
			l.quirk(at, "{.} asks for a key without a name", "the whole value is {@}")
		case n.kind == jpFilter && n.text != "":
			l.comparison(at, n)
		}
	}
}

// comparison tells of literals that no JSON value can be compared with.
func (l *jeLoader) comparison(at strictyaml.Path, n *jpNode) {
	if len(n.right) == 0 {
		return
	}
	switch right := &n.right[0]; {
	case len(n.right) == 1 && right.kind == jpInt:
		l.quirk(at, fmt.Sprintf("numbers are never compared with a whole literal: %s%d fails the metric", n.text, right.integer),
			fmt.Sprintf("write %s%d.0", n.text, right.integer))
	case n.text != "==" && n.text != "!=" && right.kind == jpBool:
		l.quirk(at, "truth values have no order", "write == or !=")
	case !strings.Contains(" == != < <= > >= ", " "+n.text+" "):
		l.quirk(at, "the comparison "+n.text+" is unknown and fails the metric", "expected one of ==, !=, <, <=, >, >=")
	}
}

// quoted tells of ['a.b'], which is read as .a.b.
func (l *jeLoader) quoted(at strictyaml.Path, text string) {
	for rest := text; ; {
		_, behind, found := strings.Cut(rest, "['")
		if !found {
			return
		}
		name, after, found := strings.Cut(behind, "']")
		if !found {
			return
		}
		if plain := strings.ReplaceAll(name, `\.`, ""); strings.Contains(plain, ".") {
			l.quirk(at, fmt.Sprintf("['%s'] is read as .%s, one key for each dot", name, name),
				fmt.Sprintf(`for one key write .%s`, strings.ReplaceAll(name, ".", `\.`)))
		}
		rest = after
	}
}
