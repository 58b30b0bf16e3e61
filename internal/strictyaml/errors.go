package strictyaml

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Error is one problem at one place.
type Error struct {
	File string
	Line int // counted from 1
	Msg  string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg) }

// Errors are all the problems of a document.
type Errors []*Error

// Err returns the problems in the order of their lines, or nil if there are
// none.
func (es Errors) Err() error {
	if len(es) == 0 {
		return nil
	}
	es = slices.Clone(es)
	slices.SortStableFunc(es, func(a, b *Error) int { return a.Line - b.Line })
	return es
}

// Error returns one line for each problem.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find the single ones.
func (es Errors) Unwrap() []error {
	errs := make([]error, len(es))
	for i, e := range es {
		errs[i] = e
	}
	return errs
}

var (
	atLine     = regexp.MustCompile(`(?s)^(?:yaml: )?line (\d+): (.*)$`)
	cannotRead = regexp.MustCompile("(?s)^cannot unmarshal (!!\\w+)(?: `(.*)`)? into (\\S+)$")
	// A message that begins with a name and a colon says itself what it is about.
	namesItself = regexp.MustCompile(`^[a-z_]+: `)
	keyRepeated = regexp.MustCompile(`^mapping key "(.*)" already defined at line (\d+)$`)
)

// syntaxErrors turns the parser's error into ours.
func syntaxErrors(name string, err error) error {
	return Errors{fromYAML(name, 1, err.Error())}.Err()
}

// fromYAML splits yaml's "line 3: …" and says in plain words what it found.
func fromYAML(name string, line int, text string) *Error {
	text = strings.TrimPrefix(text, "yaml: ")
	if m := atLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	if m := cannotRead.FindStringSubmatch(text); m != nil {
		text = fmt.Sprintf("expected %s, found %s", wanted(m[3]), found(m[1], m[2], wanted(m[3])))
	}
	if m := keyRepeated.FindStringSubmatch(text); m != nil {
		text = fmt.Sprintf("key %q is given twice, first on line %s", m[1], m[2])
	}
	return &Error{File: name, Line: line, Msg: text}
}

// found names what stands there. Where settings were expected a text is not shown:
// it may be a password in the wrong place.
func found(tag, value, wanted string) string {
	if tag == "!!str" && (wanted == "a mapping" || wanted == "a list") {
		return "a text"
	}
	switch tag {
	case "!!map":
		return "a mapping"
	case "!!seq":
		return "a list"
	case "!!null":
		return "nothing"
	}
	return strconv.Quote(value)
}

func wanted(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "map["):
		return "a mapping"
	case strings.HasPrefix(goType, "int"):
		return "a whole number"
	case strings.HasPrefix(goType, "uint"):
		return "a whole number, zero or more"
	case strings.HasPrefix(goType, "float"):
		return "a number"
	case goType == "bool":
		return "true or false"
	case goType == "string":
		return "a text"
	}
	return "a mapping"
}

// typeErrors returns the single complaints of yaml's decoder, if that is what
// err is.
func typeErrors(err error) ([]string, bool) {
	te, ok := errors.AsType[*yaml.TypeError](err)
	if !ok {
		return nil, false
	}
	return te.Errors, true
}
