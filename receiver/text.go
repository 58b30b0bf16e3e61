package receiver

import (
	"errors"
	"fmt"
	tmplhtml "html/template"
	"strings"
	tmpltext "text/template"
	"text/template/parse"
)

// text is one text of a channel, compiled. A nil text is empty.
type text struct {
	field string
	plain *tmpltext.Template
	html  *tmplhtml.Template
	bind  bool
}

func (s *textSet) plain(field, body string) (*text, error) {
	if body == "" {
		return nil, nil
	}
	t, err := s.plainRoot.Clone()
	if err != nil {
		return nil, &textError{field, err}
	}
	if t, err = t.New("").Option("missingkey=zero").Parse(body); err != nil {
		return nil, &textError{field, plainly(err)}
	}
	if err := callable(t.Tree, t.Lookup); err != nil {
		return nil, &textError{field, err}
	}
	return &text{field: field, plain: t, bind: s.bind || strings.Contains(body, "routeLabels")}, nil
}

func (s *textSet) markup(field, body string) (*text, error) {
	if body == "" {
		return nil, nil
	}
	t, err := s.htmlRoot.Clone()
	if err != nil {
		return nil, &textError{field, err}
	}
	if t, err = t.New("").Option("missingkey=zero").Parse(body); err != nil {
		return nil, &textError{field, plainly(err)}
	}
	if _, err := s.plain(field, body); err != nil { // the same names, and callable needs no second form
		return nil, err
	}
	return &text{field: field, html: t, bind: s.bind || strings.Contains(body, "routeLabels")}, nil
}

func plainly(err error) error {
	return errors.New(strings.TrimPrefix(err.Error(), "template: "))
}

// execute renders the text, within a bound, and survives what a template may do.
func (t *text) execute(d *Data) (out string, err error) {
	if t == nil {
		return "", nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %v", t.field, p)
		}
	}()
	var b bounded
	if t.html != nil {
		err = t.executeHTML(&b, d)
	} else {
		err = t.executePlain(&b, d)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", t.field, plainly(err))
	}
	return b.String(), nil
}

func (t *text) executePlain(b *bounded, d *Data) error {
	tmpl := t.plain
	if t.bind {
		var err error
		if tmpl, err = tmpl.Clone(); err != nil {
			return err
		}
		tmpl.Funcs(tmpltext.FuncMap{"routeLabels": routeLabels(d)})
	}
	return tmpl.Execute(b, d)
}

func (t *text) executeHTML(b *bounded, d *Data) error {
	tmpl := t.html
	if t.bind {
		var err error
		if tmpl, err = tmpl.Clone(); err != nil {
			return err
		}
		tmpl.Funcs(tmplhtml.FuncMap{"routeLabels": routeLabels(d)})
	}
	return tmpl.Execute(b, d)
}

// routeLabels is Alertmanager's function of that name; a webhook carries the
// labels already rendered.
func routeLabels(d *Data) func(string) string {
	return func(name string) string { return d.RouteLabels[name] }
}

// bounded is a strings.Builder that refuses to grow without end.
type bounded struct{ strings.Builder }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxRendered {
		return 0, fmt.Errorf("longer than %d bytes", maxRendered)
	}
	return b.Builder.Write(p)
}

// callable reports a template that is called and does not exist; text/template
// itself would say so only when it is too late.
func callable(tree *parse.Tree, lookup func(string) *tmpltext.Template) error {
	if tree == nil {
		return nil
	}
	c := caller{lookup: lookup, seen: map[string]bool{}}
	return c.list(tree.Root)
}

// caller follows the calls from one template to the next.
type caller struct {
	lookup func(string) *tmpltext.Template
	seen   map[string]bool
}

func (c *caller) list(lists ...*parse.ListNode) error {
	for _, l := range lists {
		if l == nil {
			continue
		}
		for _, n := range l.Nodes {
			if err := c.node(n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *caller) node(n parse.Node) error {
	switch n := n.(type) {
	case *parse.IfNode:
		return c.list(n.List, n.ElseList)
	case *parse.RangeNode:
		return c.list(n.List, n.ElseList)
	case *parse.WithNode:
		return c.list(n.List, n.ElseList)
	case *parse.TemplateNode:
		return c.call(n.Name)
	}
	return nil
}

func (c *caller) call(name string) error {
	if c.seen[name] {
		return nil
	}
	c.seen[name] = true
	t := c.lookup(name)
	if t == nil || t.Tree == nil {
		return fmt.Errorf("there is no template %q", name)
	}
	return c.list(t.Root)
}
