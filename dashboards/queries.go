package dashboards

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Values stand in for the variables of a dashboard, by name without the dollar:
// job, module, instance, channel, __rate_interval, __range. One that is not
// there selects everything, or is five minutes.
type Values map[string]string

// Query is one question that a panel asks Prometheus.
type Query struct {
	Dashboard string // uid
	Panel     string // title
	// Expr is PromQL, without variables.
	Expr string
	// Quiet: an empty answer means that all is well.
	Quiet bool
}

// Queries returns what all panels of all dashboards ask, in the order of files
// and panels, so that it can be asked of a real Prometheus.
func Queries(v Values) []Query {
	var qs []Query
	all := All()
	for _, file := range slices.Sorted(maps.Keys(all)) {
		d := all[file]
		for _, p := range d.Panels {
			for _, t := range p.Targets {
				qs = append(qs, Query{Dashboard: d.UID, Panel: p.Title, Expr: v.replace(t.Expr), Quiet: p.quiet})
			}
		}
	}
	return qs
}

var variable = regexp.MustCompile(`\$\w+|\$\{\w+\}`)

// replace puts values for the variables of a text.
func (v Values) replace(text string) string {
	return variable.ReplaceAllStringFunc(text, func(s string) string {
		name := strings.Trim(s, "${}")
		if strings.HasPrefix(name, "__") {
			return cmp.Or(v[name], "5m")
		}
		return cmp.Or(v[name], ".*")
	})
}

// variables returns the names of the variables in a text.
func variables(text string) []string {
	var names []string
	for _, s := range variable.FindAllString(text, -1) {
		names = append(names, strings.Trim(s, "${}"))
	}
	return names
}
