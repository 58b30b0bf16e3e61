package exporter

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may nest. Real answers stay below 30;
// the limit keeps a hostile one from growing the stack of what reads the tree.
const maxDepth = 1000

var errTooDeep = errors.New("nested too deeply")

// parser reads RFC 8259 JSON into a document, in one pass and without copying:
// escapes are resolved in place, since a text is never longer than its escaped
// form.
//
// Strictly: one value, nothing behind it, no comments, no trailing commas, no
// NaN, numbers of any length and kept as written. Leniently, like jq: bytes
// that are no UTF-8 and halves of surrogate pairs become U+FFFD, a key may
// come twice (the last one counts), a byte order mark may stand before.
type parser struct {
	d   *document
	pos int
	end int // of the answer; repaired texts are appended behind it
}

// parseJSON reads the answer in d.data and returns its root.
func (d *document) parseJSON() (uint32, error) {
	// About as many nodes as an answer of numbers and short texts has, so that
	// the first answer does not grow them step by step.
	d.nodes = slices.Grow(d.nodes, len(d.data)/12)
	return d.parseValue(d.skipBOM(), len(d.data))
}

// parseValue reads the one JSON value from..to and returns its node.
func (d *document) parseValue(from, to int) (uint32, error) {
	p := parser{d: d, pos: from, end: to}
	root := uint32(len(d.nodes))
	d.open = d.open[:0]
	for {
		opened, err := p.value()
		if err != nil {
			return 0, err
		}
		if opened {
			continue
		}
		if done, err := p.afterValue(); err != nil {
			return 0, err
		} else if done {
			return root, p.onlySpaceLeft()
		}
	}
}

func (p *parser) onlySpaceLeft() error {
	if c, ok := p.peek(); ok {
		return p.unexpected(c, "nothing behind the value")
	}
	return nil
}

// peek skips white space and returns the byte behind it.
func (p *parser) peek() (byte, bool) {
	for p.pos < p.end {
		switch c := p.d.data[p.pos]; c {
		case ' ', '\n', '\t', '\r':
			p.pos++
		default:
			return c, true
		}
	}
	return 0, false
}

// value reads a scalar, or opens a container; opened says that its first member
// comes next.
func (p *parser) value() (opened bool, err error) {
	c, ok := p.peek()
	switch {
	case !ok:
		return false, p.cut("a value")
	case c == '"':
		return false, p.text()
	case c == '{' || c == '[':
		return p.container(c)
	case c == '-' || c >= '0' && c <= '9':
		return false, p.number()
	case c == 't':
		return false, p.word("true", kindTrue)
	case c == 'f':
		return false, p.word("false", kindFalse)
	case c == 'n':
		return false, p.word("null", kindNull)
	}
	return false, p.unexpected(c, "a value")
}

func (p *parser) container(c byte) (opened bool, err error) {
	if len(p.d.open) >= maxDepth {
		return false, fmt.Errorf("%w: more than %d levels at byte %d", errTooDeep, maxDepth, p.pos)
	}
	p.pos++
	k := kindArray
	if c == '{' {
		k = kindObject
	}
	p.d.open = append(p.d.open, uint32(len(p.d.nodes)))
	p.d.nodes = append(p.d.nodes, node{kind: k})
	if next, ok := p.peek(); ok && next == c+2 { // ']' is '[' + 2, '}' is '{' + 2
		p.pos++
		p.close()
		return false, nil
	}
	if k == kindObject {
		return true, p.key()
	}
	return true, nil
}

// close ends the innermost container.
func (p *parser) close() {
	last := len(p.d.open) - 1
	p.d.nodes[p.d.open[last]].to = uint32(len(p.d.nodes))
	p.d.open = p.d.open[:last]
}

// afterValue goes on to the next member, closing what ends here; done says that
// nothing is open any more.
func (p *parser) afterValue() (done bool, err error) {
	for len(p.d.open) > 0 {
		n := &p.d.nodes[p.d.open[len(p.d.open)-1]]
		n.from++
		c, ok := p.peek()
		switch {
		case !ok:
			return false, p.cut("the end of an " + n.kind.String())
		case c == ',':
			p.pos++
			if n.kind == kindObject {
				return false, p.key()
			}
			return false, nil
		case c == ']' && n.kind == kindArray, c == '}' && n.kind == kindObject:
			p.pos++
			p.close()
		default:
			return false, p.unexpected(c, "a comma or the end of the "+n.kind.String())
		}
	}
	return true, nil
}

func (p *parser) key() error {
	if c, ok := p.peek(); !ok {
		return p.cut("a key")
	} else if c != '"' {
		return p.unexpected(c, "a key")
	}
	if err := p.text(); err != nil {
		return err
	}
	if c, ok := p.peek(); !ok {
		return p.cut("a colon")
	} else if c != ':' {
		return p.unexpected(c, "a colon")
	}
	p.pos++
	return nil
}

func (p *parser) word(word string, k kind) error {
	if !bytes.HasPrefix(p.d.data[p.pos:p.end], []byte(word)) {
		return p.unexpected(p.d.data[p.pos], "a value")
	}
	p.pos += len(word)
	p.d.nodes = append(p.d.nodes, node{kind: k})
	return nil
}

func (p *parser) number() error {
	from := p.pos
	if p.d.data[p.pos] == '-' {
		p.pos++
	}
	if p.pos < p.end && p.d.data[p.pos] == '0' {
		p.pos++
	} else if err := p.digits(); err != nil {
		return err
	}
	if p.pos < p.end && p.d.data[p.pos] == '.' {
		p.pos++
		if err := p.digits(); err != nil {
			return err
		}
	}
	if p.pos < p.end && p.d.data[p.pos]|0x20 == 'e' {
		p.pos++
		if p.pos < p.end && (p.d.data[p.pos] == '+' || p.d.data[p.pos] == '-') {
			p.pos++
		}
		if err := p.digits(); err != nil {
			return err
		}
	}
	p.d.nodes = append(p.d.nodes, node{kind: kindNumber, from: uint32(from), to: uint32(p.pos)})
	return nil
}

func (p *parser) digits() error {
	from := p.pos
	for p.pos < p.end && p.d.data[p.pos]-'0' <= 9 {
		p.pos++
	}
	if p.pos > from {
		return nil
	}
	if p.pos == p.end {
		return p.cut("a digit")
	}
	return p.unexpected(p.d.data[p.pos], "a digit")
}

// text reads a string at its opening quote.
func (p *parser) text() error {
	p.pos++
	data, from := p.d.data[:p.end], p.pos
	ascii := true
	for i := from; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			p.pos = i + 1
			p.string(from, i, ascii)
			return nil
		case c == '\\':
			return p.escaped(from, i, ascii)
		case c < ' ':
			p.pos = i
			return p.unexpected(c, "no control character in a string")
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	p.pos = p.end
	return p.cut("the end of a string")
}

// string appends a string node, repairing what is no UTF-8.
func (p *parser) string(from, to int, ascii bool) {
	d := p.d
	if !ascii && !utf8.Valid(d.data[from:to]) {
		repaired := bytes.ToValidUTF8(d.data[from:to], []byte("\uFFFD"))
		from = len(d.data)
		d.data = append(d.data, repaired...)
		to = len(d.data)
	}
	d.nodes = append(d.nodes, node{kind: kindString, from: uint32(from), to: uint32(to)})
}

// escaped reads on from the first backslash, at i, moving the rest of the
// string down over the escapes.
func (p *parser) escaped(from, i int, ascii bool) error {
	data, w := p.d.data[:p.end], i
	for i < len(data) {
		c := data[i]
		switch {
		case c == '"':
			p.pos = i + 1
			p.string(from, w, ascii)
			return nil
		case c < ' ':
			p.pos = i
			return p.unexpected(c, "no control character in a string")
		case c == '\\':
			r, size := unescape(data[i:])
			if size == 0 {
				p.pos = i
				return p.unexpected(c, "a known escape")
			}
			w += utf8.EncodeRune(data[w:], r)
			ascii = ascii && r < utf8.RuneSelf
			i += size
		default:
			ascii = ascii && c < utf8.RuneSelf
			data[w] = c
			w++
			i++
		}
	}
	p.pos = p.end
	return p.cut("the end of a string")
}

// unescape reads the escape at the start of b. Size 0 means that it is none.
func unescape(b []byte) (r rune, size int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch b[1] {
	case '"', '\\', '/':
		return rune(b[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		return unescapeUnicode(b)
	}
	return 0, 0
}

func unescapeUnicode(b []byte) (r rune, size int) {
	r, ok := hex4(b)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if low, ok := hex4(b[6:]); ok && b[7] == 'u' {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// hex4 reads the \uXXXX at the start of b.
func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

func (p *parser) unexpected(c byte, want string) error {
	return fmt.Errorf("not JSON: byte %d: found %q, expected %s", p.pos, rune(c), want)
}

func (p *parser) cut(want string) error {
	return fmt.Errorf("not JSON: ends at byte %d, expected %s", p.pos, want)
}
