package exporter

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

type csvSettings struct {
	// Delimiter is one ASCII character, a comma if empty.
	Delimiter string `yaml:"delimiter"`
	// Header says whether the first line names the columns; if not, they are
	// c1, c2 and so on.
	Header *bool `yaml:"header"`
	// Comment is the character that starts lines to pass over; none if empty.
	Comment string `yaml:"comment"`
}

// csv checks the settings of a format: csv and returns its reader.
func (l *loader) csv(path strictyaml.Path, f *formatSettings) reader {
	s, limit := csvSettings{}, f.MaxRows
	if f.CSV != nil {
		s = *f.CSV
	}
	comma, comment := byte(','), byte(0)
	if s.Delimiter != "" {
		comma = l.character(with(path, "delimiter"), "delimiter", s.Delimiter)
	}
	if s.Comment != "" {
		comment = l.character(with(path, "comment"), "comment", s.Comment)
	}
	if comma == comment {
		l.errorf(path, "delimiter and comment are the same character")
	}
	header := s.Header == nil || *s.Header
	return func(d *document) ([]Row, error) {
		p := csvParser{d: d, pos: d.skipBOM(), end: len(d.data), line: 1, comma: comma, comment: comment, header: header}
		return p.read(limit)
	}
}

func (l *loader) character(path strictyaml.Path, key, text string) byte {
	c := text[0]
	if len(text) != 1 || c < ' ' && c != '\t' || c > '~' || c == '"' {
		l.errorf(path, "%s %q: expected one ASCII character, and no quote", key, text)
	}
	return c
}

// csvParser reads RFC 4180 CSV into a document, in place: a field is never
// longer than it is spelled.
//
// Lines end in LF or CRLF, empty ones are passed over, a quote within an
// unquoted field is a character like others. An empty field is null, a quoted
// empty one a string. A record may be shorter than the header, what is not
// there is missing; a longer one is refused. Before the first name of the
// header a # is taken away, as HAProxy and others write one; a column without a
// name is called after its place: c3.
type csvParser struct {
	d              *document
	pos, end, line int
	comma, comment byte
	header         bool
	names          []node
}

func (p *csvParser) read(limit int) ([]Row, error) {
	if p.header {
		if err := p.readHeader(); err != nil {
			return nil, err
		}
	}
	for p.nextRecord() {
		at := uint32(len(p.d.nodes))
		if err := p.record(); err != nil {
			return nil, err
		}
		if err := p.d.addRow(at, limit); err != nil {
			return nil, err
		}
	}
	return p.d.rows, nil
}

// nextRecord goes to the next line that is a record.
func (p *csvParser) nextRecord() bool {
	for p.pos < p.end {
		rest := p.d.data[p.pos:p.end]
		switch {
		case rest[0] == '\n':
			p.pos++
		case bytes.HasPrefix(rest, []byte("\r\n")):
			p.pos += 2
		case p.comment != 0 && rest[0] == p.comment:
			i := bytes.IndexByte(rest, '\n')
			if i < 0 {
				p.pos = p.end
				return false
			}
			p.pos += i + 1
		default:
			return true
		}
		p.line++
	}
	return false
}

func (p *csvParser) readHeader() error {
	if !p.nextRecord() {
		return fmt.Errorf("%w CSV: empty, expected a line with the columns' names", errMalformed)
	}
	for last := false; !last; {
		n, ends, err := p.field()
		if err != nil {
			return err
		}
		last = ends
		name := bytes.TrimSpace(p.d.data[n.from:n.to])
		if len(p.names) == 0 {
			name = bytes.TrimSpace(bytes.TrimPrefix(name, []byte("#")))
		}
		if n.kind == kindNull || len(name) == 0 {
			p.nameByPlace()
		} else {
			p.names = append(p.names, p.d.newText(string(name)))
		}
		if len(p.names) > maxNodes/2 {
			return p.d.roomLeft()
		}
	}
	return nil
}

func (p *csvParser) nameByPlace() {
	p.names = append(p.names, p.d.newText("c"+strconv.Itoa(len(p.names)+1)))
}

// record reads one record as an object.
func (p *csvParser) record() error {
	d, at, line := p.d, len(p.d.nodes), p.line
	d.nodes = append(d.nodes, node{kind: kindObject})
	count := 0
	for last := false; !last; count++ {
		n, ends, err := p.field()
		if err != nil {
			return err
		}
		last = ends
		switch {
		case count < len(p.names):
		case p.header:
			return fmt.Errorf("%w CSV: line %d has more than the header's %d fields", errMalformed, line, len(p.names))
		default:
			p.nameByPlace()
		}
		d.nodes = append(d.nodes, p.names[count], n)
		if err := d.roomLeft(); err != nil {
			return err
		}
	}
	d.nodes[at].from, d.nodes[at].to = uint32(count), uint32(len(d.nodes))
	return nil
}

// field reads one field; last says that the record ends with it.
func (p *csvParser) field() (n node, last bool, err error) {
	if p.pos < p.end && p.d.data[p.pos] == '"' {
		return p.quoted()
	}
	from := p.pos
	for p.pos < p.end && p.d.data[p.pos] != p.comma && p.d.data[p.pos] != '\n' {
		p.pos++
	}
	to := p.pos
	last = p.ended()
	if last && to > from && p.d.data[to-1] == '\r' {
		to--
	}
	if from == to {
		return node{kind: kindNull}, last, nil
	}
	return p.d.stringNode(from, to), last, nil
}

// ended steps over what ends a field.
func (p *csvParser) ended() (last bool) {
	if p.pos >= p.end {
		return true
	}
	p.pos++
	if p.d.data[p.pos-1] != '\n' {
		return false
	}
	p.line++
	return true
}

// quoted reads a field at its opening quote, moving it down over doubled
// quotes.
func (p *csvParser) quoted() (n node, last bool, err error) {
	data, from, line := p.d.data[:p.end], p.pos+1, p.line
	w := from
	for i := from; i < len(data); i++ {
		c := data[i]
		if c == '"' {
			if i+1 < len(data) && data[i+1] == '"' {
				i++
			} else {
				p.pos = i + 1
				last, err = p.afterQuote()
				return p.d.stringNode(from, w), last, err
			}
		}
		if c == '\n' {
			p.line++
		}
		data[w] = c
		w++
	}
	return n, true, fmt.Errorf("%w CSV: line %d: a quoted field has no end", errMalformed, line)
}

func (p *csvParser) afterQuote() (last bool, err error) {
	if bytes.HasPrefix(p.d.data[p.pos:p.end], []byte("\r\n")) {
		p.pos++
	}
	if p.pos < p.end && p.d.data[p.pos] != p.comma && p.d.data[p.pos] != '\n' {
		return true, fmt.Errorf("%w CSV: line %d: found %q behind a quoted field", errMalformed, p.line, rune(p.d.data[p.pos]))
	}
	return p.ended(), nil
}
