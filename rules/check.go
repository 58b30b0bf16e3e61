package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// file is the grammar of a rule file:
// https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
type file struct {
	Groups []group `yaml:"groups"`
}

type group struct {
	Name        string            `yaml:"name"`
	Interval    model.Duration    `yaml:"interval"`
	QueryOffset *model.Duration   `yaml:"query_offset"`
	Limit       int               `yaml:"limit"`
	Labels      map[string]string `yaml:"labels"`
	Rules       []rule            `yaml:"rules"`
}

type rule struct {
	Record        string            `yaml:"record"`
	Alert         string            `yaml:"alert"`
	Expr          string            `yaml:"expr"`
	For           model.Duration    `yaml:"for"`
	KeepFiringFor model.Duration    `yaml:"keep_firing_for"`
	Labels        map[string]string `yaml:"labels"`
	Annotations   map[string]string `yaml:"annotations"`
}

// name is what a reader knows the rule by.
func (r rule) name() string {
	switch {
	case r.Alert != "":
		return fmt.Sprintf("alert %q", r.Alert)
	case r.Record != "":
		return fmt.Sprintf("record %q", r.Record)
	}
	return "rule"
}

// Check reports whether Prometheus 3 would load data as a rule file, and
// whether each expression can be evaluated as a rule. name is the file's, for
// errors. Labels and annotations are parsed as templates, not executed.
//
// The error, if any, is strictyaml.Errors: every problem with file and line.
// Check is safe for concurrent use.
func Check(name string, data []byte) error {
	c, err := load(name, data)
	if err != nil {
		return err
	}
	c.check()
	return c.errs.Err()
}

// checker gathers the problems of one file.
type checker struct {
	doc   *strictyaml.Document
	lines []string
	file  file
	promQL
	errs strictyaml.Errors
}

func load(name string, data []byte) (*checker, error) {
	c := &checker{lines: strings.Split(string(data), "\n"), promQL: newPromQL()}
	doc, err := strictyaml.Decode(name, data, &c.file)
	if err != nil {
		return nil, err
	}
	c.doc = doc
	return c, nil
}

func (c *checker) errorf(path strictyaml.Path, format string, args ...any) {
	c.errs = append(c.errs, c.doc.Errorf(path, format, args...))
}

func (c *checker) check() {
	seen := map[string]bool{}
	for i, g := range c.file.Groups {
		path := strictyaml.Path{"groups", i}
		switch {
		case g.Name == "":
			c.errorf(path, "group %d has no name", i+1)
		case seen[g.Name]:
			c.errorf(at(path, "name"), "group %q is given twice in this file, names must be unique", g.Name)
		}
		seen[g.Name] = true
		c.checkLabels(at(path, "labels"), fmt.Sprintf("group %q", g.Name), g.Labels)
		for j, r := range g.Rules {
			c.checkRule(at(path, "rules", j), r)
		}
	}
}

func (c *checker) checkRule(path strictyaml.Path, r rule) {
	switch {
	case r.Record != "" && r.Alert != "":
		c.errorf(at(path, "record"), "rule has both record %q and alert %q, expected one of them", r.Record, r.Alert)
	case r.Alert != "":
		c.checkTemplates(path, r)
	case r.Record != "":
		c.checkRecord(path, r)
	default:
		c.errorf(path, "rule has neither record nor alert, expected one of them")
	}
	c.checkExpr(at(path, "expr"), r)
	c.checkLabels(at(path, "labels"), r.name(), r.Labels)
	for _, key := range slices.Sorted(maps.Keys(r.Annotations)) {
		if !model.UTF8Validation.IsValidLabelName(key) {
			c.errorf(at(path, "annotations", key), "%s: %q is no name for an annotation", r.name(), key)
		}
	}
}

// checkRecord refuses what only an alert may have.
func (c *checker) checkRecord(path strictyaml.Path, r rule) {
	if !model.UTF8Validation.IsValidMetricName(r.Record) || strings.ContainsAny(r.Record, "{}") {
		c.errorf(at(path, "record"), "%s: not a metric name; an expression belongs into expr", r.name())
	}
	c.alertsOnly(path, r, "for", r.For != 0)
	c.alertsOnly(path, r, "keep_firing_for", r.KeepFiringFor != 0)
	c.alertsOnly(path, r, "annotations", len(r.Annotations) > 0)
}

func (c *checker) alertsOnly(path strictyaml.Path, r rule, key string, given bool) {
	if given {
		c.errorf(at(path, key), "%s: %s is for alerts only", r.name(), key)
	}
}

func (c *checker) checkLabels(path strictyaml.Path, owner string, labels map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if !model.UTF8Validation.IsValidLabelName(key) || key == model.MetricNameLabel {
			c.errorf(at(path, key), "%s: %q is no name for a label", owner, key)
		}
		if !model.LabelValue(labels[key]).IsValid() {
			c.errorf(at(path, key), "%s: label %q is not valid UTF-8", owner, key)
		}
	}
}

func (c *checker) checkExpr(path strictyaml.Path, r rule) {
	if r.Expr == "" {
		c.errorf(path, "%s: expr is missing", r.name())
		return
	}
	expr, problems := c.parse(r.Expr)
	for _, p := range problems {
		e := c.doc.Errorf(path, "%s: expr: %s", r.name(), p)
		e.Line += c.offset(e.Line, p.line)
		c.errs = append(c.errs, e)
	}
	if len(problems) > 0 {
		return
	}
	switch t := expr.Type(); t {
	case parser.ValueTypeVector, parser.ValueTypeScalar:
	default:
		c.errorf(path, "%s: expr gives a %s, expected an instant vector or a scalar", r.name(), parser.DocumentedType(t))
	}
}

// offset is how far below its key the nth line of an expression stands. Only a
// literal block (expr: |) keeps the lines that PromQL's parser counts.
func (c *checker) offset(keyLine, n int) int {
	if keyLine > len(c.lines) {
		return 0
	}
	_, value, _ := strings.Cut(c.lines[keyLine-1], "expr:")
	if strings.HasPrefix(strings.TrimSpace(value), "|") {
		return n
	}
	return 0
}

// at returns path with steps appended, never sharing its memory.
func at(path strictyaml.Path, steps ...any) strictyaml.Path {
	return append(slices.Clone(path), steps...)
}
