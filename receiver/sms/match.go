package sms

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// match is a condition on an answer: one of the statuses, if there are any, and
// at every path of the JSON one of the values.
type match struct {
	Status []int             `yaml:"status"`
	JSON   map[string]values `yaml:"json"`
}

// values is a list, or one.
type values []string

// UnmarshalYAML reads either form; numbers and truth values are compared as
// they are written.
func (v *values) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if unmarshal(&one) == nil {
		*v = values{one}
		return nil
	}
	return unmarshal((*[]string)(v))
}

func (m match) matches(status int, body any) bool {
	if len(m.Status) > 0 && !slices.Contains(m.Status, status) {
		return false
	}
	for path, want := range m.JSON {
		if got, ok := lookup(body, path); !ok || !slices.Contains(want, got) {
			return false
		}
	}
	return true
}

// lookup follows a path such as "messages.0.status" to a scalar.
func lookup(v any, path string) (string, bool) {
	if found := lookupAll(v, path); len(found) > 0 {
		return found[0], true
	}
	return "", false
}

// lookupAll is lookup with a * for every element of a list.
func lookupAll(v any, path string) []string {
	at := []any{v}
	for step := range strings.SplitSeq(path, ".") {
		var next []any
		for _, v := range at {
			next = append(next, follow(v, step)...)
		}
		at = next
	}
	var found []string
	for _, v := range at {
		if s, ok := scalar(v); ok {
			found = append(found, s)
		}
	}
	return found
}

func follow(v any, step string) []any {
	switch v := v.(type) {
	case map[string]any:
		return []any{v[step]}
	case []any:
		if step == "*" {
			return v
		}
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(v) {
			return v[i : i+1]
		}
	}
	return nil
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}
