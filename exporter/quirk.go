package exporter

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// Quirk is a place in a file made for another exporter that does something else
// there than its author may think. The file is served as that exporter serves
// it.
type Quirk struct {
	File string
	// Line counts from 1.
	Line int
	// Text says what happens.
	Text string
	// Remedy says what to write instead; it may be empty.
	Remedy string
}

// String gives the quirk as one line.
func (q Quirk) String() string {
	if q.Remedy == "" {
		return fmt.Sprintf("%s:%d: %s", q.File, q.Line, q.Text)
	}
	return fmt.Sprintf("%s:%d: %s; %s", q.File, q.Line, q.Text, q.Remedy)
}

// Dialect names the exporter that the file was made for: "json_exporter", or ""
// for this one.
func (c *Config) Dialect() string { return c.dialect }

// Quirks lists, by line, what a file made for another exporter depends on
// unknowingly. Nothing of it keeps the file from being served.
func (c *Config) Quirks() []Quirk {
	quirks := slices.Clone(c.quirks)
	slices.SortStableFunc(quirks, func(a, b Quirk) int { return cmp.Compare(a.Line, b.Line) })
	return quirks
}

// foreignSettings is as much of a file as tells whom it was made for.
type foreignSettings struct {
	Modules map[string]struct {
		HTTP    strictyaml.Node              `yaml:"http"`
		SQL     strictyaml.Node              `yaml:"sql"`
		Metrics []map[string]strictyaml.Node `yaml:"metrics"`
		Rest    map[string]strictyaml.Node   `yaml:",inline"`
	} `yaml:"modules"`
	Rest map[string]strictyaml.Node `yaml:",inline"`
}

// dialectOf recognises a file of another exporter. What is broken or unclear
// counts as a file of this one, whose loader tells what it expected.
func dialectOf(root strictyaml.Node) string {
	var f foreignSettings
	if root.Decode(&f) != nil {
		return ""
	}
	if len(f.Modules) == 0 {
		for _, key := range []string{"target", "jobs", "collectors", "collector_files"} {
			if _, ok := f.Rest[key]; ok {
				return dialectSQLExporter
			}
		}
		return ""
	}
	paths := false
	for _, m := range f.Modules {
		if !m.HTTP.IsZero() || !m.SQL.IsZero() {
			return ""
		}
		for _, metric := range m.Metrics {
			_, path := metric["path"]
			paths = paths || path
		}
	}
	if paths {
		return dialectJSONExporter
	}
	return ""
}

const (
	dialectJSONExporter = "json_exporter"
	dialectSQLExporter  = "sql_exporter"
)

// parseForeign reads a file of another exporter; ok says that it is one.
func parseForeign(name string, data []byte) (c *Config, ok bool, err error) {
	var root strictyaml.Node
	doc, err := strictyaml.Decode(name, data, &root)
	if err != nil || root.IsZero() {
		return nil, false, nil
	}
	switch dialectOf(root) {
	case dialectJSONExporter:
		c, err = parseJSONExporter(name, doc, root)
		return c, true, err
	case dialectSQLExporter:
		return nil, true, strictyaml.Errors{doc.Errorf(nil, "this is a file of sql_exporter, which is not read yet; expected modules: with sql")}
	}
	return nil, false, nil
}
