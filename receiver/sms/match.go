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
	for _, step := range strings.Split(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(at) {
				return "", false
			}
			v = at[i]
		default:
			return "", false
		}
	}
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
