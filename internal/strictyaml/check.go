package strictyaml

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// checker walks a document beside the Go type that it is for, and collects what
// the type has no place for.
type checker struct {
	name string
	errs Errors
}

var (
	nodeType        = reflect.TypeFor[Node]()
	unmarshalerType = reflect.TypeFor[yaml.Unmarshaler]()
)

func (c *checker) check(n *yaml.Node, t reflect.Type) {
	n = resolve(n)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == nodeType:
		// The one word that yaml hands on to an UnmarshalYAML untouched; the
		// comment itself means nothing here.
		n.HeadComment = c.name
	case reflect.PointerTo(t).Implements(unmarshalerType):
		// Reads what it likes.
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		c.checkStruct(n, t)
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		c.checkMap(n, t)
	case n.Kind == yaml.SequenceNode && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array):
		for _, item := range n.Content {
			c.check(item, t.Elem())
		}
	}
}

func (c *checker) checkStruct(n *yaml.Node, t reflect.Type) {
	f := fieldsOf(t)
	if len(f.named) == 0 && f.rest == nil {
		return // it reads itself from something else, and its decoder says from what
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		ft, ok := f.named[key.Value]
		switch {
		case key.Tag == "!!merge":
			c.check(value, t)
		case ok:
			c.check(value, ft)
		case f.rest != nil:
			c.check(value, f.rest)
		default:
			c.errs = append(c.errs, c.unknown(key, f))
		}
	}
}

func (c *checker) checkMap(n *yaml.Node, t reflect.Type) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag == "!!merge" {
			c.check(n.Content[i+1], t)
			continue
		}
		c.check(n.Content[i+1], t.Elem())
	}
}

func (c *checker) unknown(key *yaml.Node, f fields) *Error {
	names := make([]string, 0, len(f.named))
	for name := range f.named {
		names = append(names, name)
	}
	slices.Sort(names)
	hint := "expected one of " + strings.Join(names, ", ")
	if s := Suggest(key.Value, names); s != "" {
		hint = fmt.Sprintf("did you mean %q?", s)
	}
	return &Error{File: c.name, Line: key.Line, Msg: fmt.Sprintf("unknown key %q, %s", key.Value, hint)}
}

// blame finds every value that cannot be decoded, for the decoder of yaml stops at
// the first whose type reads itself, and its error does not know where it is. The
// blame is on the smallest values that fail alone.
func (c *checker) blame(n child, err error) {
	value, t := resolve(n.value), n.typ
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	found := false
	for _, child := range children(value, t) {
		if err := child.value.Decode(reflect.New(child.typ).Interface()); err != nil {
			found = true
			c.blame(child, err)
		}
	}
	if found {
		return
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		err = errNotURL
	}
	texts, ok := typeErrors(err)
	if !ok {
		e := fromYAML(c.name, max(n.line, value.Line), err.Error())
		if n.key != "" && value.Kind == yaml.ScalarNode && !namesItself.MatchString(e.Msg) {
			e.Msg = n.key + ": " + e.Msg
		}
		c.errs = append(c.errs, e)
	}
	for _, text := range texts {
		c.errs = append(c.errs, fromYAML(c.name, value.Line, text))
	}
}

// errNotURL stands for what net/url says, which quotes the URL or parts of it.
var errNotURL = errors.New("not a URL (it is not shown, for it may hold a password)")

// child is a value with the type that it is for, and its key in a mapping.
type child struct {
	value *yaml.Node
	typ   reflect.Type
	line  int
	key   string
}

func children(n *yaml.Node, t reflect.Type) []child {
	var cs []child
	switch {
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, item := range n.Content {
			cs = append(cs, child{item, t.Elem(), item.Line, ""})
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		for i := 0; i+1 < len(n.Content); i += 2 {
			cs = append(cs, child{n.Content[i+1], t.Elem(), n.Content[i].Line, n.Content[i].Value})
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		f := fieldsOf(t)
		for i := 0; i+1 < len(n.Content); i += 2 {
			if ft, ok := f.named[n.Content[i].Value]; ok {
				cs = append(cs, child{n.Content[i+1], ft, n.Content[i].Line, n.Content[i].Value})
			}
		}
	}
	return cs
}

// fields are the keys that a struct takes, and the type of all others where it
// has an inlined map.
type fields struct {
	named map[string]reflect.Type
	rest  reflect.Type
}

func fieldsOf(t reflect.Type) fields {
	f := fields{named: map[string]reflect.Type{}}
	f.add(t)
	return f
}

func (f *fields) add(t reflect.Type) {
	for sf := range t.Fields() {
		name, opts, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		if name == "-" || !sf.IsExported() {
			continue
		}
		if strings.Contains(opts, "inline") {
			f.inline(sf.Type)
			continue
		}
		if name == "" {
			name = strings.ToLower(sf.Name)
		}
		f.named[name] = sf.Type
	}
}

func (f *fields) inline(t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Map {
		f.rest = t.Elem()
		return
	}
	f.add(t)
}
