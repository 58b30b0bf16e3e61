// Package strictyaml reads YAML so that every mistake in it is told at once,
// each with file, line and what was expected.
//
// A key that no field takes is an error, with the nearest key that exists. That
// holds below types with an UnmarshalYAML of their own too, where yaml's own
// KnownFields loses its strictness.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// Document is one decoded YAML document that still knows where everything in
// it was written. It is safe for concurrent use.
type Document struct {
	name string
	root *yaml.Node
}

// Path leads to a place in a document: string keys and int indexes.
type Path []any

// Decode reads the one YAML document in data into out, a pointer. name is the
// file's, for errors. An empty document leaves out as it is.
//
// The error, if any, is Errors: all problems found, in the order of lines.
func Decode(name string, data []byte, out any) (*Document, error) {
	root, err := parse(data)
	if err != nil {
		return nil, syntaxErrors(name, err)
	}
	d := &Document{name: name, root: root}
	if root == nil {
		return d, nil
	}
	if err := decode(name, root, out); err != nil {
		return nil, err
	}
	return d, nil
}

// Errorf returns an error at the place that path leads to, or at the nearest
// place above it that exists.
func (d *Document) Errorf(path Path, format string, args ...any) *Error {
	return &Error{File: d.name, Line: line(d.root, path), Msg: fmt.Sprintf(format, args...)}
}

// Node is a value kept for later, as a field of a struct that is decoded before
// the type of that value is known. The zero Node stands for an absent value.
type Node struct {
	name string
	node *yaml.Node
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (n *Node) UnmarshalYAML(node *yaml.Node) error {
	n.name, n.node = node.HeadComment, node
	return nil
}

// IsZero reports whether the value was absent.
func (n Node) IsZero() bool { return n.node == nil }

// Decode reads the value into out as strictly as Decode does a document, with
// the same errors at the same places.
func (n Node) Decode(out any) error {
	if n.node == nil {
		return nil
	}
	return decode(n.name, n.node, out)
}

// Errorf is Document.Errorf with a path that starts at the value.
func (n Node) Errorf(path Path, format string, args ...any) *Error {
	return &Error{File: n.name, Line: line(n.node, path), Msg: fmt.Sprintf(format, args...)}
}

func parse(data []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("yaml: line %d: a second document starts here, expected only one", more.Line)
	}
	return doc.Content[0], nil
}

func decode(name string, node *yaml.Node, out any) error {
	c := checker{name: name}
	c.check(node, reflect.TypeOf(out))
	if err := node.Decode(out); err != nil {
		c.blame(child{value: node, typ: reflect.TypeOf(out), line: node.Line}, err)
	}
	return c.errs.Err()
}

// line finds the line of the place that path leads to. A mapping's entry is at
// its key, where a reader looks for it.
func line(n *yaml.Node, path Path) int {
	if n == nil {
		return 1
	}
	at := n.Line
	for _, step := range path {
		key, child := descend(n, step)
		if child == nil {
			break
		}
		n, at = child, key.Line
	}
	return at
}

func descend(n *yaml.Node, step any) (key, child *yaml.Node) {
	n = resolve(n)
	switch step := step.(type) {
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i], n.Content[i+1]
			}
		}
	case int:
		if n.Kind == yaml.SequenceNode && step >= 0 && step < len(n.Content) {
			return n.Content[step], n.Content[step]
		}
	}
	return nil, nil
}

func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}
