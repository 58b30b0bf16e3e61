package exporter

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// The formats that an HTTP answer may have.
const (
	FormatJSON       = "json"
	FormatNDJSON     = "ndjson"
	FormatCSV        = "csv"
	FormatXML        = "xml"
	FormatText       = "text"
	FormatPrometheus = "prometheus"
)

var formats = [...]string{FormatCSV, FormatJSON, FormatNDJSON, FormatPrometheus, FormatText, FormatXML}

// maxNodes is how many values an answer that is no JSON may hold, names among
// them: a short text can spell many, and each takes 12 bytes.
const maxNodes = 8 << 20

var (
	errMalformed = errors.New("malformed")
	errNoMatch   = errors.New("the pattern matches nothing")
)

// reader turns what was received into rows.
type reader func(*document) ([]Row, error)

// formatSettings say how an HTTP answer is read.
type formatSettings struct {
	Format     string        `yaml:"format"`
	CSV        *csvSettings  `yaml:"csv"`
	XML        *xmlSettings  `yaml:"xml"`
	Text       *textSettings `yaml:"text"`
	Prometheus *passSettings `yaml:"prometheus"`
	MaxRows    int           `yaml:"max_rows"`
}

// format checks the settings and gives the module what reads its answers.
func (l *loader) format(path strictyaml.Path, m *Module, s *formatSettings) {
	if s.Format == "" {
		s.Format = FormatJSON
	}
	if !slices.Contains(formats[:], s.Format) {
		l.errorf(with(path, "format"), "unknown format %q, %s", s.Format, expected(s.Format, formats[:]))
	}
	for name, given := range map[string]bool{
		FormatCSV: s.CSV != nil, FormatXML: s.XML != nil, FormatText: s.Text != nil, FormatPrometheus: s.Prometheus != nil,
	} {
		if given && s.Format != name {
			l.errorf(with(path, name), "%s: is for format: %s, this one is %s", name, name, s.Format)
		}
	}
	l.positive(with(path, "max_rows"), "max_rows", int64(s.MaxRows))
	switch s.Format {
	case FormatNDJSON:
		m.read = func(d *document) ([]Row, error) { return d.readLines(s.MaxRows) }
	case FormatCSV:
		m.read = l.csv(with(path, "csv"), s)
	case FormatXML:
		m.read = s.xml()
	case FormatText:
		m.read = l.text(with(path, "text"), s)
	case FormatPrometheus:
		m.read = func(d *document) ([]Row, error) { return d.readPrometheus(s.MaxRows) }
	}
}

// accept is the header Accept that asks for the format.
func (s *formatSettings) accept() string {
	switch s.Format {
	case FormatNDJSON:
		return "application/x-ndjson, application/json;q=0.9, */*;q=0.5"
	case FormatCSV:
		return "text/csv, */*;q=0.5"
	case FormatXML:
		return "application/xml, text/xml;q=0.9, */*;q=0.5"
	case FormatText:
		return "text/plain, */*;q=0.5"
	case FormatPrometheus:
		return "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.9,*/*;q=0.1"
	}
	return "application/json, */*;q=0.5"
}

// readReason finds the reason of an answer that cannot be read.
func readReason(err error) Reason {
	switch {
	case errors.Is(err, errTooDeep):
		return ReasonTooDeep
	case errors.Is(err, errTooLarge):
		return ReasonTooLarge
	case errors.Is(err, errNoMatch):
		return ReasonNoMatch
	case errors.Is(err, errMalformed):
		return ReasonMalformed
	}
	return ReasonNotJSON
}

// addRow appends a row, within the limits.
func (d *document) addRow(at uint32, limit int) error {
	if len(d.rows) >= limit {
		return fmt.Errorf("%w: more than %d rows", errTooLarge, limit)
	}
	d.rows = append(d.rows, Row{at})
	return d.roomLeft()
}

// roomLeft refuses an answer that spells too many values.
func (d *document) roomLeft() error {
	if len(d.nodes) > maxNodes {
		return fmt.Errorf("%w: more than %d values", errTooLarge, maxNodes)
	}
	return nil
}

// stringNode returns the node of a text that stands in the document, repairing
// what is no UTF-8.
func (d *document) stringNode(from, to int) node {
	if !utf8.Valid(d.data[from:to]) {
		at := len(d.data)
		d.data = appendText(d.data, d.data[from:to])
		from, to = at, len(d.data)
	}
	return node{kind: kindString, from: uint32(from), to: uint32(to)}
}

// newText appends a text to the document and returns its node.
func (d *document) newText(text string) node {
	from := uint32(len(d.data))
	d.data = append(d.data, text...)
	return node{kind: kindString, from: from, to: uint32(len(d.data))}
}

// skipBOM returns where the text of an answer begins.
func (d *document) skipBOM() int {
	if len(d.data) >= 3 && string(d.data[:3]) == "\xef\xbb\xbf" {
		return 3
	}
	return 0
}
