package exporter

import (
	"fmt"
	"regexp"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

type textSettings struct {
	// Pattern is a regular expression of Go, in which ^ and $ stand for the ends
	// of lines. Each match is a row, with its named groups as fields.
	Pattern string `yaml:"pattern"`
	// Optional says that an answer without a match is all right.
	Optional bool `yaml:"optional"`
}

// text checks the settings of a format: text and returns its reader.
func (l *loader) text(path strictyaml.Path, f *formatSettings) reader {
	if f.Text == nil || f.Text.Pattern == "" {
		l.errorf(path, `format: text needs text: with a pattern such as '(?P<name>\w+)=(?P<value>\d+)'`)
		return nil
	}
	re, err := regexp.Compile("(?m:" + f.Text.Pattern + ")")
	if err != nil {
		_, err = regexp.Compile(f.Text.Pattern) // its error shows what was written
		l.errorf(with(path, "pattern"), "pattern: %v", err)
		return nil
	}
	groups := map[int]string{}
	for i, name := range re.SubexpNames() {
		if name != "" {
			groups[i] = name
		}
	}
	if len(groups) == 0 {
		l.errorf(with(path, "pattern"), `pattern: no named group such as (?P<count>\d+), so a row would be empty`)
		return nil
	}
	limit, optional := f.MaxRows, f.Text.Optional
	return func(d *document) ([]Row, error) {
		if err := d.readMatches(re, limit); err != nil {
			return nil, err
		}
		if len(d.rows) == 0 && !optional {
			return nil, errNoMatch
		}
		return d.rows, nil
	}
}

// readMatches reads each match as an object of the pattern's named groups. A
// group that took no part in the match is null.
func (d *document) readMatches(re *regexp.Regexp, limit int) error {
	names := make([]node, re.NumSubexp()+1)
	matches := re.FindAllSubmatchIndex(d.data, limit+1)
	for i, name := range re.SubexpNames() {
		if name != "" {
			names[i] = d.newText(name)
		}
	}
	for _, m := range matches {
		at := uint32(len(d.nodes))
		d.nodes = append(d.nodes, node{kind: kindObject})
		for i := range names {
			if names[i].kind != kindString {
				continue
			}
			n := node{kind: kindNull}
			if m[2*i] >= 0 {
				n = d.stringNode(m[2*i], m[2*i+1])
			}
			d.nodes = append(d.nodes, names[i], n)
			d.nodes[at].from++
		}
		d.nodes[at].to = uint32(len(d.nodes))
		if err := d.addRow(at, limit); err != nil {
			return fmt.Errorf("%w, being matches of the pattern", err)
		}
	}
	return nil
}
