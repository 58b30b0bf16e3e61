package rules

import (
	"maps"
	"regexp"
	"slices"
	"text/template"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// templatePrelude declares what Prometheus declares before every template.
const templatePrelude = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}" +
	"{{$externalURL := .ExternalURL}}{{$value := .Value}}"

// templateFuncs returns the names of the functions that Prometheus's templates
// may call: https://prometheus.io/docs/prometheus/latest/configuration/template_reference/
func templateFuncs() []string {
	return []string{
		"args", "externalURL", "first", "graphLink", "humanize", "humanize1024", "humanizeDuration",
		"humanizePercentage", "humanizeTimestamp", "label", "match", "now", "parseDuration", "pathPrefix",
		"query", "reReplaceAll", "safeHtml", "sortByLabel", "stripDomain", "stripPort", "strvalue",
		"tableLink", "title", "tmpl", "toDuration", "toLower", "toTime", "toUpper", "urlQueryEscape", "value",
	}
}

// builtinFuncs are those of text/template itself, for suggestions.
func builtinFuncs() []string {
	return []string{
		"and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or",
		"print", "printf", "println", "slice", "urlquery",
	}
}

var (
	templateWhere     = regexp.MustCompile(`^template: text:(\d+): `)
	undefinedFunction = regexp.MustCompile(`function "(.*)" not defined$`)
	undefinedVariable = regexp.MustCompile(`undefined variable "(.*)"$`)
)

func (c *checker) checkTemplates(path strictyaml.Path, r rule) {
	c.checkTemplatesIn(at(path, "labels"), r.name()+": label", r.Labels)
	c.checkTemplatesIn(at(path, "annotations"), r.name()+": annotation", r.Annotations)
}

func (c *checker) checkTemplatesIn(path strictyaml.Path, owner string, texts map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		if what := templateProblem(texts[key]); what != "" {
			c.errorf(at(path, key), "%s %q: %s", owner, key, what)
		}
	}
}

// templateProblem says what is wrong with a template, or "".
func templateProblem(text string) string {
	_, err := template.New("text").Funcs(stubs()).Parse(templatePrelude + text)
	if err == nil {
		return ""
	}
	what := templateWhere.ReplaceAllString(err.Error(), "")
	if m := undefinedFunction.FindStringSubmatch(what); m != nil {
		what += didYouMean(m[1], slices.Concat(templateFuncs(), builtinFuncs()))
	}
	if m := undefinedVariable.FindStringSubmatch(what); m != nil {
		what += didYouMean(m[1], []string{"$labels", "$value", "$externalLabels", "$externalURL"})
	}
	return what
}

// stubs stand in for functions that parsing needs only the names of.
func stubs() template.FuncMap {
	funcs := template.FuncMap{}
	for _, name := range templateFuncs() {
		funcs[name] = func(...any) any { return nil }
	}
	return funcs
}
