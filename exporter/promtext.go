package exporter

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// promParser reads Prometheus's text format and OpenMetrics into a document, in
// place. Each sample is a row:
//
//	{"family": "f", "name": "f_total", "type": "counter", "help": "…", "labels": {"a": "b"}, "value": 1, "timestamp": 2}
//
// The type is that of the family, "untyped" where the answer tells none. The
// timestamp is in seconds, and there only if the answer has one. Exemplars are
// left out. An answer that ends in "# EOF" is OpenMetrics.
type promParser struct {
	d           *document
	pos, end    int
	line        int
	openMetrics bool
	keys        map[string]node
	// The family that the answer speaks of.
	family, typ, help node
}

// readPrometheus reads an exposition.
func (d *document) readPrometheus(limit int) ([]Row, error) {
	p := promParser{d: d, end: len(d.data), keys: map[string]node{}}
	p.openMetrics = bytes.HasSuffix(bytes.TrimRight(d.data, "\r\n"), []byte("# EOF"))
	from := d.skipBOM()
	for _, k := range []string{"family", "name", "type", "help", "labels", "value", "timestamp", TypeUntyped} {
		p.keys[k] = d.newText(k)
	}
	for from < p.end {
		p.line++
		to := p.end
		if i := bytes.IndexByte(d.data[from:p.end], '\n'); i >= 0 {
			to = from + i
		}
		at := uint32(len(d.nodes))
		sample, err := p.readLine(from, to)
		if err == nil && sample {
			err = d.addRow(at, limit)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", p.line, err)
		}
		from = to + 1
	}
	return d.rows, nil
}

// readLine reads one line; sample says that it was one.
func (p *promParser) readLine(from, to int) (sample bool, err error) {
	p.pos = from
	if p.skip(to); p.pos == to {
		return false, nil
	}
	if p.d.data[p.pos] == '#' {
		p.pos++
		p.comment(to)
		return false, nil
	}
	return true, p.sample(to)
}

func (p *promParser) skip(to int) {
	for p.pos < to && (p.d.data[p.pos] == ' ' || p.d.data[p.pos] == '\t' || p.d.data[p.pos] == '\r') {
		p.pos++
	}
}

// word reads up to white space or one of the characters in until.
func (p *promParser) word(to int, until string) node {
	p.skip(to)
	from := p.pos
	for p.pos < to && !strings.ContainsRune(" \t\r", rune(p.d.data[p.pos])) && strings.IndexByte(until, p.d.data[p.pos]) < 0 {
		p.pos++
	}
	return p.d.stringNode(from, p.pos)
}

// comment reads what a line says about a family.
func (p *promParser) comment(to int) {
	what := p.word(to, "")
	kind := string(p.d.data[what.from:what.to])
	if kind != "HELP" && kind != "TYPE" && kind != "UNIT" {
		return
	}
	p.skip(to)
	name := node{}
	if p.pos < to && p.d.data[p.pos] == '"' {
		name, _ = p.quoted(to)
	} else {
		name = p.word(to, "")
	}
	if string(p.d.data[name.from:name.to]) != p.text(p.family) {
		p.family, p.typ, p.help = name, node{}, node{}
	}
	switch kind {
	case "TYPE":
		p.typ = p.word(to, "")
	case "HELP":
		p.skip(to)
		from := p.pos
		p.help = p.unescaped(from, len(bytes.TrimRight(p.d.data[from:to], "\r"))+from)
	}
}

func (p *promParser) text(n node) string { return string(p.d.data[n.from:n.to]) }

// sample reads a line's sample as an object.
func (p *promParser) sample(to int) error {
	d, at := p.d, len(p.d.nodes)
	d.nodes = append(d.nodes, node{kind: kindObject})
	name := node{}
	if d.data[p.pos] != '{' {
		name = p.word(to, "{")
	}
	labels := []node{}
	if p.skip(to); p.pos < to && d.data[p.pos] == '{' {
		var err error
		if labels, err = p.labels(to, &name); err != nil {
			return err
		}
	}
	if name.from == name.to {
		return p.errorf("a sample without a name")
	}
	value, err := p.number(p.word(to, "#"))
	if err != nil {
		return err
	}
	family, typ, help := p.familyOf(name)
	d.nodes = append(d.nodes, p.keys["family"], family, p.keys["name"], name, p.keys["type"], typ, p.keys["help"], help,
		p.keys["labels"], node{kind: kindObject, from: uint32(len(labels) / 2), to: uint32(len(d.nodes) + 10 + len(labels))})
	d.nodes = append(d.nodes, labels...)
	d.nodes = append(d.nodes, p.keys["value"], value)
	d.nodes[at].from = 6
	if err := p.timestamp(at, to); err != nil {
		return err
	}
	d.nodes[at].to = uint32(len(d.nodes))
	return nil
}

// labels reads what stands in braces: names and values in turn. A name in
// quotes alone is the metric's.
func (p *promParser) labels(to int, name *node) ([]node, error) {
	var labels []node
	for p.pos++; ; {
		p.skip(to)
		if p.pos < to && p.d.data[p.pos] == '}' {
			p.pos++
			return labels, nil
		}
		key, isQuoted, err := p.labelName(to)
		if err != nil {
			return nil, err
		}
		p.skip(to)
		switch {
		case p.pos < to && p.d.data[p.pos] == '=':
			p.pos++
			p.skip(to)
			value, err := p.quoted(to)
			if err != nil {
				return nil, err
			}
			labels = append(labels, key, value)
		case isQuoted && name.from == name.to:
			*name = key
		default:
			return nil, p.errorf("label %q has no value", p.text(key))
		}
		p.skip(to)
		switch {
		case p.pos < to && p.d.data[p.pos] == ',':
			p.pos++
		case p.pos == to || p.d.data[p.pos] != '}':
			return nil, p.errorf("expected a comma or the end of the labels")
		}
	}
}

func (p *promParser) labelName(to int) (n node, isQuoted bool, err error) {
	if p.pos < to && p.d.data[p.pos] == '"' {
		n, err = p.quoted(to)
		return n, true, err
	}
	n = p.word(to, `=,}"{`)
	if n.from == n.to {
		err = p.errorf("expected the name of a label")
	}
	return n, false, err
}

// quoted reads a text in quotes.
func (p *promParser) quoted(to int) (node, error) {
	if p.pos == to || p.d.data[p.pos] != '"' {
		return node{}, p.errorf("expected a text in quotes")
	}
	from := p.pos + 1
	for i := from; i < to; i++ {
		switch p.d.data[i] {
		case '\\':
			i++
		case '"':
			p.pos = i + 1
			return p.unescaped(from, i), nil
		}
	}
	return node{}, p.errorf("a text in quotes has no end")
}

// unescaped returns the text from..to, moved down over its escapes.
func (p *promParser) unescaped(from, to int) node {
	data, w := p.d.data, from
	for i := from; i < to; i++ {
		c := data[i]
		if c == '\\' && i+1 < to {
			switch data[i+1] {
			case 'n':
				c, i = '\n', i+1
			case '\\', '"':
				c, i = data[i+1], i+1
			}
		}
		data[w] = c
		w++
	}
	return p.d.stringNode(from, w)
}

// number reads a value as a number of JSON, or NaN or an infinity.
func (p *promParser) number(n node) (node, error) {
	text := p.text(n)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.ContainsAny(text, "_xXpP") {
		return n, p.errorf("not a number: %q", shorten(text))
	}
	return p.spell(v), nil
}

// spell appends a number.
func (p *promParser) spell(v float64) node {
	from := uint32(len(p.d.data))
	p.d.data = appendFloat(p.d.data, v)
	return node{kind: kindNumber, from: from, to: uint32(len(p.d.data))}
}

// timestamp reads what follows the value: milliseconds, in OpenMetrics seconds.
func (p *promParser) timestamp(at, to int) error {
	n := p.word(to, "#")
	if p.skip(to); p.pos < to && p.d.data[p.pos] != '#' {
		return p.errorf("found more than a value and a timestamp")
	}
	if n.from == n.to {
		return nil
	}
	seconds, err := strconv.ParseFloat(p.text(n), 64)
	if err != nil || seconds != seconds {
		return p.errorf("not a timestamp: %q", shorten(p.text(n)))
	}
	if !p.openMetrics {
		seconds /= 1000
	}
	p.d.nodes = append(p.d.nodes, p.keys["timestamp"], p.spell(seconds))
	p.d.nodes[at].from++
	return nil
}

// familyOf returns the family of a sample, its type and help.
func (p *promParser) familyOf(name node) (family, typ, help node) {
	rest, ok := strings.CutPrefix(p.text(name), p.text(p.family))
	if !ok || p.family.from == p.family.to || !belongs(p.text(p.typ), rest, p.openMetrics) {
		return name, p.keys[TypeUntyped], node{kind: kindNull}
	}
	typ, help = p.typ, p.help
	if typ.from == typ.to || p.text(typ) == "unknown" {
		typ = p.keys[TypeUntyped]
	}
	return p.family, typ, help
}

// belongs reports whether a family of the type has samples with the suffix.
func belongs(typ, suffix string, openMetrics bool) bool {
	switch suffix {
	case "":
		return true
	case "_sum", "_count":
		return typ == TypeHistogram || typ == TypeSummary
	case "_bucket":
		return typ == TypeHistogram
	case "_created":
		return openMetrics && (typ == TypeCounter || typ == TypeHistogram || typ == TypeSummary)
	case "_total":
		return openMetrics && typ == TypeCounter
	case "_info":
		return openMetrics && typ == TypeInfo
	}
	return false
}

func (p *promParser) errorf(format string, args ...any) error {
	return fmt.Errorf("%w Prometheus text: %s", errMalformed, fmt.Sprintf(format, args...))
}

// shorten cuts a text for an error.
func shorten(text string) string {
	const most = 40
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
