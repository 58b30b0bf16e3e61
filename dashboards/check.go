package dashboards

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// Check reports everything that makes d worse for its reader than it need be:
// panels without a title, a description, a unit, a legend or the data source's
// variable, queries that don't parse or that know an installation's names,
// variables that nobody uses or that don't exist, panels on top of each other.
// The error joins one error for each problem.
func Check(d Dashboard) error {
	c := &check{d: d, parser: parser.NewParser(parser.Options{})}
	c.dashboard()
	c.variables()
	c.grid()
	for _, p := range d.Panels {
		if p.Type != "row" {
			c.panel(p)
		}
	}
	return errors.Join(c.errs...)
}

type check struct {
	d      Dashboard
	parser parser.Parser
	errs   []error
}

func (c *check) errorf(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("dashboard %q: "+format, append([]any{c.d.UID}, args...)...))
}

// want adds a problem unless ok.
func (c *check) want(ok bool, format string, args ...any) {
	if !ok {
		c.errorf(format, args...)
	}
}

func (c *check) dashboard() {
	c.want(regexp.MustCompile(`^[a-z][a-z0-9-]{2,39}$`).MatchString(c.d.UID), "uid is no short stable name")
	c.want(c.d.Title != "", "no title")
	c.want(c.d.Description != "", "no description")
	c.want(c.d.SchemaVersion == schemaVersion, "schemaVersion is %d, expected %d", c.d.SchemaVersion, schemaVersion)
	for _, a := range c.d.Annotations.List {
		c.want(a.Datasource == fromVariable(), "annotation %q: data source is %v, expected the variable", a.Name, a.Datasource)
		c.expr("annotation", a.Name, a.Expr)
	}
}

// variables wants each one used, and each use to have one.
func (c *check) variables() {
	used := map[string]bool{"datasource": true}
	for _, p := range c.d.Panels {
		for _, t := range p.Targets {
			for _, name := range variables(t.Expr) {
				used[name] = true
			}
		}
	}
	known := map[string]bool{}
	for _, v := range c.d.Templating.List {
		known[v.Name] = true
		c.want(v.Label != "", "variable %q: no label", v.Name)
		c.want(used[v.Name], "variable %q: no query uses it", v.Name)
		c.want(v.Type == "datasource" || v.Datasource != nil && *v.Datasource == fromVariable(),
			"variable %q: does not ask the data source of the variable", v.Name)
	}
	for name := range used {
		c.want(known[name] || strings.HasPrefix(name, "__"), "variable %q: used, but not defined", name)
	}
}

// grid wants every panel within the columns, and none on top of another.
func (c *check) grid() {
	ids := map[int]bool{}
	for i, p := range c.d.Panels {
		c.want(!ids[p.ID], "panel %q: id %d is given twice", p.Title, p.ID)
		ids[p.ID] = true
		g := p.GridPos
		c.want(g.W > 0 && g.H > 0 && g.X >= 0 && g.X+g.W <= columns, "panel %q: stands outside of the %d columns", p.Title, columns)
		for _, other := range c.d.Panels[:i] {
			c.want(!overlap(g, other.GridPos), "panel %q: covers %q", p.Title, other.Title)
		}
	}
}

func overlap(a, b GridPos) bool {
	return a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
}

func (c *check) panel(p *Panel) {
	c.want(p.Title != "", "panel %d: no title", p.ID)
	c.want(strings.HasSuffix(p.Description, "."), "panel %q: no description, expected sentences", p.Title)
	c.want(p.FieldConfig != nil && p.FieldConfig.Defaults.Unit != "", "panel %q: no unit", p.Title)
	c.want(p.Datasource != nil && *p.Datasource == fromVariable(), "panel %q: data source is not the variable", p.Title)
	c.want(len(p.Targets) > 0, "panel %q: asks nothing", p.Title)
	refs := map[string]bool{}
	for _, t := range p.Targets {
		c.want(!refs[t.RefID], "panel %q: refId %q is given twice", p.Title, t.RefID)
		refs[t.RefID] = true
		c.want(t.Datasource == fromVariable(), "panel %q: query %s: data source is not the variable", p.Title, t.RefID)
		c.want(t.LegendFormat != "" || t.Format == "table", "panel %q: query %s: no legend", p.Title, t.RefID)
		c.expr("panel", p.Title, t.Expr)
	}
}

// counting is what needs the interval that fits both the graph and the scrapes.
var counting = []string{"rate", "increase", "irate", "delta"}

func (c *check) expr(what, title, text string) {
	expr, err := c.parser.ParseExpr(Values{}.replace(text))
	if err != nil {
		c.errorf("%s %q: %v", what, title, err)
		return
	}
	for _, name := range fixedRanges(text) {
		c.errorf("%s %q: %s over a fixed range, expected $__rate_interval or $__range", what, title, name)
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			c.selector(what, title, v)
		}
		return nil
	})
}

// selector refuses names that only one installation has. Reading labels of our
// own, such as outcome, is what matchers are for.
func (c *check) selector(what, title string, v *parser.VectorSelector) {
	for _, m := range v.LabelMatchers {
		if slices.Contains([]string{"job", "instance", "module", "channel"}, m.Name) {
			c.want(m.Value == ".*", "%s %q: %s is fixed to %q, expected a variable", what, title, m.Name, m.Value)
		}
	}
}

var fixedRange = regexp.MustCompile(`\b(\w+)\([^()]*\[(\d\w*)\]`)

// fixedRanges returns the functions that count over a range of their own.
func fixedRanges(text string) []string {
	var names []string
	for _, m := range fixedRange.FindAllStringSubmatch(text, -1) {
		if slices.Contains(counting, m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}
