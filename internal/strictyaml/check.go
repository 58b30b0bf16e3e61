package strictyaml

import (
	"fmt"
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

// decodeErrors places an error of yaml's decoder. Its own complaints know their
// line; those of a type's UnmarshalYAML do not, so the smallest value that
// still fails alone is looked for.
func (c *checker) decodeErrors(n *yaml.Node, t reflect.Type, err error) Errors {
	texts, ok := typeErrors(err)
	if !ok {
		return Errors{fromYAML(c.name, blame(n, t), err.Error())}
	}
	var errs Errors
	for _, text := range texts {
		errs = append(errs, fromYAML(c.name, n.Line, text))
	}
	return errs
}

// blame returns the line of the deepest value that cannot be decoded by itself.
func blame(n *yaml.Node, t reflect.Type) int {
	n = resolve(n)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for _, child := range children(n, t) {
		if child.value.Decode(reflect.New(child.typ).Interface()) != nil {
			return max(blame(child.value, child.typ), child.line)
		}
	}
	return n.Line
}

type child struct {
	value *yaml.Node
	typ   reflect.Type
	line  int
}

func children(n *yaml.Node, t reflect.Type) []child {
	var cs []child
	switch {
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, item := range n.Content {
			cs = append(cs, child{item, t.Elem(), item.Line})
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		for i := 0; i+1 < len(n.Content); i += 2 {
			cs = append(cs, child{n.Content[i+1], t.Elem(), n.Content[i].Line})
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		f := fieldsOf(t)
		for i := 0; i+1 < len(n.Content); i += 2 {
			if ft, ok := f.named[n.Content[i].Value]; ok {
				cs = append(cs, child{n.Content[i+1], ft, n.Content[i].Line})
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
