package exporter

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// jpEnd stands for the end of the template where a character is expected.
const jpEnd = -1

// jpParser reads a template from left to right. It takes what the grammar of
// Kubernetes takes, oddities included: files depend on them.
type jpParser struct {
	input      string
	start, pos int // of what is being read
	width      int // of the last character
	blocks     []jpNode
}

func (p *jpParser) parse() error {
	for {
		if at := strings.IndexByte(p.input[p.pos:], '{'); at < 0 {
			p.pos = len(p.input)
			p.addText()
			return nil
		} else {
			p.pos += at
		}
		p.addText()
		p.pos++
		p.skip()
		block := jpNode{kind: jpBlock}
		if err := p.block(&block.nodes); err != nil {
			return err
		}
		block.straight = isStraight(block.nodes)
		p.blocks = append(p.blocks, block)
	}
}

func (p *jpParser) addText() {
	if text := p.take(); text != "" {
		p.blocks = append(p.blocks, jpNode{kind: jpText, text: text})
	}
}

// take returns what was read since the last time.
func (p *jpParser) take() string {
	text := p.input[p.start:p.pos]
	p.start = p.pos
	return text
}

func (p *jpParser) skip() { p.start = p.pos }

func (p *jpParser) next() rune {
	if p.pos >= len(p.input) {
		p.width = 0
		return jpEnd
	}
	r, width := utf8.DecodeRuneInString(p.input[p.pos:])
	p.width = width
	p.pos += width
	return r
}

func (p *jpParser) back() { p.pos -= p.width }

func (p *jpParser) peek() rune {
	r := p.next()
	p.back()
	return r
}

// escaped reports whether a backslash stands before what was just read.
func (p *jpParser) escaped() bool { return p.pos >= 2 && p.input[p.pos-2] == '\\' }

// block reads the inside of {…} up to its end.
func (p *jpParser) block(nodes *[]jpNode) error {
	for {
		rest := p.input[p.pos:]
		var err error
		switch {
		case strings.HasPrefix(rest, "}"):
			p.pos++
			p.skip()
			return nil
		case strings.HasPrefix(rest, "[?("):
			err = p.filter(nodes)
		case strings.HasPrefix(rest, ".."):
			err = p.recursive(nodes)
		default:
			err = p.item(nodes)
		}
		if err != nil {
			return err
		}
	}
}

func (p *jpParser) item(nodes *[]jpNode) error {
	switch r := p.next(); {
	case r == jpEnd || isLineEnd(r):
		return errors.New("the brace is not closed")
	case r == ' ' || r == '@' || r == '$':
		p.skip()
	case r == '[':
		return p.array(nodes)
	case r == '"' || r == '\'':
		return p.quoted(nodes, r)
	case r == '.':
		p.field(nodes)
	case r == '+' || r == '-' || unicode.IsDigit(r):
		p.back()
		return p.number(nodes)
	case r == '_' || unicode.IsLetter(r):
		p.back()
		p.word(nodes)
	default:
		return fmt.Errorf("%q has no meaning inside of braces", r)
	}
	return nil
}

func (p *jpParser) word(nodes *[]jpNode) {
	for !isTerminator(p.next()) {
	}
	p.back()
	switch word := p.take(); word {
	case "true", "false":
		*nodes = append(*nodes, jpNode{kind: jpBool, truth: word == "true"})
	default:
		*nodes = append(*nodes, jpNode{kind: jpIdentifier, text: word})
	}
}

func (p *jpParser) recursive(nodes *[]jpNode) error {
	if n := len(*nodes); n > 0 && (*nodes)[n-1].kind == jpRecursive {
		return errors.New("recursive descent (..) twice in a row")
	}
	p.pos += len("..")
	p.skip()
	*nodes = append(*nodes, jpNode{kind: jpRecursive})
	if r := p.peek(); r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
		p.field(nodes)
	}
	return nil
}

func (p *jpParser) number(nodes *[]jpNode) error {
	if r := p.peek(); r == '+' || r == '-' {
		p.next()
	}
	for {
		if r := p.next(); r != '.' && !unicode.IsDigit(r) {
			p.back()
			break
		}
	}
	text := p.take()
	if i, err := strconv.Atoi(text); err == nil {
		*nodes = append(*nodes, jpNode{kind: jpInt, integer: i})
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("%q is no number", text)
	}
	*nodes = append(*nodes, jpNode{kind: jpFloat, float: f})
	return nil
}

// field reads a name up to what ends it, unless that is escaped.
func (p *jpParser) field(nodes *[]jpNode) {
	p.skip()
	for {
		r := p.next()
		if r == '\\' {
			p.next()
		} else if isTerminator(r) {
			p.back()
			break
		}
	}
	name := p.take()
	if name == "*" {
		*nodes = append(*nodes, jpNode{kind: jpWildcard})
		return
	}
	*nodes = append(*nodes, jpNode{kind: jpField, text: strings.ReplaceAll(name, `\`, "")})
}

func (p *jpParser) quoted(nodes *[]jpNode, quote rune) error {
	for {
		r := p.next()
		if r == jpEnd || r == '\n' {
			return errors.New("the quoted text is not closed")
		}
		if r == quote && !p.escaped() {
			break
		}
	}
	raw := p.take()
	text, ok := jpUnquote(raw)
	if !ok {
		return fmt.Errorf("%s is no quoted text", raw)
	}
	*nodes = append(*nodes, jpNode{kind: jpText, text: text})
	return nil
}

// array reads […] behind its opening bracket.
func (p *jpParser) array(nodes *[]jpNode) error {
	for r := p.next(); r != ']'; r = p.next() {
		if r == jpEnd || r == '\n' {
			return errors.New("the bracket is not closed")
		}
	}
	text := p.take()
	text = text[1 : len(text)-1]
	if text == "*" {
		text = ":"
	}
	if branches := strings.Split(text, ","); len(branches) > 1 {
		return unionOf(nodes, branches)
	}
	// The name in ['name'] is read like .name, so that a dot parts it.
	if len(text) >= 2 && text[0] == '\'' && strings.IndexByte(text[1:], '\'') == len(text)-2 {
		inner, err := jpInside("." + text[1:len(text)-1])
		*nodes = append(*nodes, inner...)
		return err
	}
	bounds, err := boundsOf(text)
	*nodes = append(*nodes, jpNode{kind: jpArray, bounds: bounds})
	return err
}

func unionOf(nodes *[]jpNode, branches []string) error {
	n := jpNode{kind: jpUnion}
	for _, branch := range branches {
		inner, err := jpInside("[" + strings.Trim(branch, " ") + "]")
		if err != nil {
			return err
		}
		n.union = append(n.union, inner)
	}
	*nodes = append(*nodes, n)
	return nil
}

// jpInside reads text as the inside of braces.
func jpInside(text string) ([]jpNode, error) {
	p := jpParser{input: "{" + text + "}"}
	if err := p.parse(); err != nil {
		return nil, err
	}
	return p.blocks[0].nodes, nil
}

// boundsOf reads [from:to:step].
func boundsOf(text string) (bounds [3]jpBound, err error) {
	m := regexp.MustCompile(`^(-?\d*)(:-?\d*)?(:-?\d*)?$`).FindStringSubmatch(text)
	if m == nil {
		return bounds, fmt.Errorf("[%s] is neither an index, a range of them nor a quoted name", text)
	}
	for i, part := range m[1:] {
		if part == "" {
			if i == 1 {
				bounds[1] = jpBound{value: bounds[0].value + 1, known: true, derived: true}
			}
			continue
		}
		if i > 0 {
			part = part[1:]
		}
		if part == "" {
			continue
		}
		value, err := strconv.Atoi(part)
		if err != nil {
			return bounds, fmt.Errorf("[%s]: %q is no index", text, part)
		}
		bounds[i] = jpBound{value: value, known: true}
	}
	return bounds, nil
}

// filter reads [?(…)].
func (p *jpParser) filter(nodes *[]jpNode) error {
	p.pos += len("[?(")
	p.skip()
	text, err := p.condition()
	if err != nil {
		return err
	}
	n := jpNode{kind: jpFilter}
	m := regexp.MustCompile(`^([^!<>=]+)([!<>=]+)(.+?)$`).FindStringSubmatch(text)
	if m == nil {
		if n.nodes, err = jpInside(text); err != nil {
			return err
		}
	} else {
		if n.nodes, err = jpInside(m[1]); err != nil {
			return err
		}
		if n.right, err = jpInside(m[3]); err != nil {
			return err
		}
		n.text = m[2]
	}
	n.straight = isStraight(n.nodes)
	*nodes = append(*nodes, n)
	return nil
}

// condition returns the text up to the )] that ends a filter. Parentheses inside
// of one quoted text do not end it.
func (p *jpParser) condition() (string, error) {
	var quote rune
	begun, ended := false, false
	for {
		switch r := p.next(); r {
		case jpEnd, '\n':
			return "", errors.New("the filter is not closed")
		case '"', '\'':
			if !begun {
				begun, quote = true, r
			} else if r == quote && !p.escaped() {
				ended = true
			}
		case ')':
			if begun != ended {
				continue
			}
			if p.next() != ']' {
				return "", errors.New("the filter's bracket is not closed")
			}
			text := p.take()
			return text[:len(text)-2], nil
		}
	}
}

func isLineEnd(r rune) bool { return r == '\r' || r == '\n' }

// isTerminator reports whether a character ends a name.
func isTerminator(r rune) bool {
	return r == jpEnd || isLineEnd(r) || strings.ContainsRune(" \t.,[]$@{}", r)
}

// jpUnquote resolves a text in double or single quotes with Go's escapes. It
// does so for texts that were found, too, as json_exporter does: its labels
// depend on it.
func jpUnquote(s string) (string, bool) {
	n := len(s)
	if n < 2 || s[0] != s[n-1] || s[0] != '"' && s[0] != '\'' {
		return "", false
	}
	quote, s := s[0], s[1:n-1]
	if !strings.ContainsRune(s, '\\') && strings.IndexByte(s, quote) < 0 {
		return s, true
	}
	var out []byte
	for s != "" {
		r, multibyte, rest, err := strconv.UnquoteChar(s, quote)
		if err != nil {
			return "", false
		}
		s = rest
		if r < utf8.RuneSelf || !multibyte {
			out = append(out, byte(r))
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return string(out), true
}
