package exporter

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

type xmlSettings struct {
	// Arrays are the names of elements that become arrays even where there is
	// one of them.
	Arrays []string `yaml:"arrays"`
}

// maxElements is how many elements and attributes an XML answer may have.
const maxElements = 500_000

// xml returns the reader of a format: xml.
func (f *formatSettings) xml() reader {
	var arrays []string
	if f.XML != nil {
		arrays = f.XML.Arrays
	}
	return func(d *document) ([]Row, error) {
		x := xmlReader{d: d, arrays: arrays}
		root, err := x.parse()
		if err != nil {
			return nil, err
		}
		at := uint32(len(d.nodes))
		d.nodes = append(d.nodes, node{kind: kindObject, from: 1}, d.newText(root.name))
		x.write(root)
		d.nodes[at].to = uint32(len(d.nodes))
		d.rows = append(d.rows, Row{at})
		return d.rows, nil
	}
}

// xmlElement is one XML element while an answer is read.
type xmlElement struct {
	name     string
	attrs    []xml.Attr
	children []*xmlElement
	text     []byte
}

// xmlReader turns XML into objects: an element is an object with its attributes
// as @name, its child elements by name and its text as #text; without
// attributes and children it is its text alone, or null if that is empty.
// Children of one name are an array. Namespaces are left out, white space
// around a text too.
//
// Entities other than XML's own five and character references are refused, so
// nothing expands; the encoding is UTF-8.
type xmlReader struct {
	d      *document
	arrays []string
	count  int
	open   []*xmlElement
}

func (x *xmlReader) parse() (*xmlElement, error) {
	dec := xml.NewDecoder(bytes.NewReader(x.d.data[x.d.skipBOM():]))
	dec.CharsetReader = func(charset string, in io.Reader) (io.Reader, error) {
		if strings.EqualFold(charset, "us-ascii") {
			return in, nil
		}
		return nil, fmt.Errorf("the encoding %q is not read, only UTF-8 is", charset)
	}
	top := &xmlElement{}
	x.open = []*xmlElement{top}
	for {
		token, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = x.token(token)
		}
		if errors.Is(err, errTooDeep) || errors.Is(err, errTooLarge) {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("%w XML: %w at byte %d", errMalformed, err, dec.InputOffset())
		}
	}
	if len(x.open) > 1 {
		return nil, fmt.Errorf("%w XML: element %q has no end", errMalformed, x.open[len(x.open)-1].name)
	}
	if len(top.children) != 1 || len(bytes.TrimSpace(top.text)) > 0 {
		return nil, fmt.Errorf("%w XML: expected one element with nothing around it", errMalformed)
	}
	return top.children[0], nil
}

func (x *xmlReader) token(token xml.Token) error {
	inner := x.open[len(x.open)-1]
	switch t := token.(type) {
	case xml.StartElement:
		return x.start(inner, t)
	case xml.EndElement:
		if len(x.open) == 1 || inner.name != t.Name.Local {
			return fmt.Errorf("the end of %q, which is not open", t.Name.Local)
		}
		inner.text = bytes.TrimSpace(inner.text)
		x.open = x.open[:len(x.open)-1]
	case xml.CharData:
		if len(inner.text) > 0 || len(bytes.TrimSpace(t)) > 0 {
			inner.text = append(inner.text, t...)
		}
	case xml.Directive:
		if bytes.ContainsAny(t, "[") {
			return errors.New("a document type with declarations in it")
		}
	}
	return nil
}

func (x *xmlReader) start(inner *xmlElement, t xml.StartElement) error {
	if len(x.open) > maxDepth {
		return fmt.Errorf("%w: more than %d elements in one another", errTooDeep, maxDepth)
	}
	if x.count += 1 + len(t.Attr); x.count > maxElements {
		return fmt.Errorf("%w: more than %d elements and attributes", errTooLarge, maxElements)
	}
	e := &xmlElement{name: t.Name.Local}
	for _, a := range t.Attr {
		if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
			e.attrs = append(e.attrs, a)
		}
	}
	inner.children = append(inner.children, e)
	x.open = append(x.open, e)
	return nil
}

// write appends an element as a value.
func (x *xmlReader) write(e *xmlElement) {
	d := x.d
	switch {
	case len(e.attrs) > 0 || len(e.children) > 0:
		x.object(e)
	case len(e.text) == 0:
		d.nodes = append(d.nodes, node{kind: kindNull})
	default:
		d.nodes = append(d.nodes, d.newText(string(e.text)))
	}
}

func (x *xmlReader) object(e *xmlElement) {
	d, at := x.d, len(x.d.nodes)
	d.nodes = append(d.nodes, node{kind: kindObject})
	count := len(e.attrs)
	for _, a := range e.attrs {
		d.nodes = append(d.nodes, d.newText("@"+a.Name.Local), d.newText(a.Value))
	}
	slices.SortStableFunc(e.children, func(a, b *xmlElement) int { return strings.Compare(a.name, b.name) })
	for rest := e.children; len(rest) > 0; count++ {
		n := 1
		for n < len(rest) && rest[n].name == rest[0].name {
			n++
		}
		d.nodes = append(d.nodes, d.newText(rest[0].name))
		x.group(rest[:n])
		rest = rest[n:]
	}
	if len(e.text) > 0 {
		d.nodes = append(d.nodes, d.newText("#text"), d.newText(string(e.text)))
		count++
	}
	d.nodes[at].from, d.nodes[at].to = uint32(count), uint32(len(d.nodes))
}

// group writes the children of one name.
func (x *xmlReader) group(same []*xmlElement) {
	if len(same) == 1 && !slices.Contains(x.arrays, same[0].name) {
		x.write(same[0])
		return
	}
	d, at := x.d, len(x.d.nodes)
	d.nodes = append(d.nodes, node{kind: kindArray, from: uint32(len(same))})
	for _, e := range same {
		x.write(e)
	}
	d.nodes[at].to = uint32(len(d.nodes))
}
