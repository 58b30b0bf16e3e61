package exporter

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// compileBody reads a body that is a template over the parameters of a probe's
// request: {{ .name | first }}.
func compileBody(text string) (*template.Template, error) {
	return template.New("body").Funcs(bodyFuncs()).Option("missingkey=zero").Parse(text)
}

// renderBody gives the body for a request. What cannot be rendered is sent as it
// stands in the file.
func renderBody(t *template.Template, static string, params url.Values) string {
	var b bytes.Buffer
	if t == nil || t.Execute(&b, params) != nil {
		return static
	}
	return b.String()
}

func bodyFunctions() []string { return slices.Sorted(maps.Keys(bodyFuncs())) }

// bodyFuncs are those of the Sprig library that bodies need, with its order of
// arguments.
func bodyFuncs() template.FuncMap {
	funcs := template.FuncMap{
		"first": func(list any) any { return listElement(list, 0) },
		"last":  func(list any) any { return listElement(list, -1) },
		"default": func(fallback, v any) any {
			if isEmpty(v) {
				return fallback
			}
			return v
		},
		"empty":    isEmpty,
		"coalesce": coalesce,
		"ternary": func(yes, no any, condition bool) any {
			if condition {
				return yes
			}
			return no
		},
		"list":        func(items ...any) []any { return items },
		"join":        func(sep string, list any) string { return strings.Join(texts(list), sep) },
		"splitList":   func(sep, s string) []string { return strings.Split(s, sep) },
		"toString":    text,
		"toJson":      toJSON,
		"env":         os.Getenv,
		"now":         time.Now,
		"date":        func(layout string, t time.Time) string { return t.Format(layout) },
		"unixEpoch":   func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) },
		"duration":    func(seconds any) string { return (time.Duration(integer(seconds)) * time.Second).String() },
		"b64enc":      func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"b64dec":      decodeBase64,
		"int":         func(v any) int { return int(integer(v)) },
		"int64":       integer,
		"atoi":        func(s string) int { return int(integer(s)) },
		"dateInZone":  dateInZone,
		"date_modify": modifyDate,
	}
	maps.Copy(funcs, textFuncs())
	maps.Copy(funcs, numberFuncs())
	return funcs
}

func textFuncs() template.FuncMap {
	return template.FuncMap{
		"quote":      func(list ...any) string { return quoted(list, strconv.Quote) },
		"squote":     func(list ...any) string { return quoted(list, func(s string) string { return "'" + s + "'" }) },
		"upper":      strings.ToUpper,
		"lower":      strings.ToLower,
		"trim":       strings.TrimSpace,
		"trimAll":    func(cut, s string) string { return strings.Trim(s, cut) },
		"trimPrefix": func(prefix, s string) string { return strings.TrimPrefix(s, prefix) },
		"trimSuffix": func(suffix, s string) string { return strings.TrimSuffix(s, suffix) },
		"replace":    func(old, with, s string) string { return strings.ReplaceAll(s, old, with) },
		"contains":   func(part, s string) bool { return strings.Contains(s, part) },
		"hasPrefix":  func(prefix, s string) bool { return strings.HasPrefix(s, prefix) },
		"hasSuffix":  func(suffix, s string) bool { return strings.HasSuffix(s, suffix) },
		"repeat":     func(n int, s string) string { return strings.Repeat(s, min(max(n, 0), 1000)) },
	}
}

func numberFuncs() template.FuncMap {
	return template.FuncMap{
		"add": func(list ...any) int64 {
			return fold(list, func(a, b int64) int64 { return a + b })
		},
		"sub": func(a, b any) int64 { return integer(a) - integer(b) },
		"mul": func(list ...any) int64 {
			return fold(list, func(a, b int64) int64 { return a * b })
		},
		"div": func(a, b any) (int64, error) {
			if integer(b) == 0 {
				return 0, fmt.Errorf("division by zero")
			}
			return integer(a) / integer(b), nil
		},
		"mod": func(a, b any) (int64, error) {
			if integer(b) == 0 {
				return 0, fmt.Errorf("division by zero")
			}
			return integer(a) % integer(b), nil
		},
		"max": func(list ...any) int64 {
			return fold(list, func(a, b int64) int64 { return max(a, b) })
		},
		"min": func(list ...any) int64 {
			return fold(list, func(a, b int64) int64 { return min(a, b) })
		},
	}
}

// listElement returns one of a list, counted from the end when negative, or nil.
func listElement(list any, i int) any {
	v := reflect.ValueOf(list)
	if k := v.Kind(); k != reflect.Slice && k != reflect.Array || v.Len() == 0 {
		return nil
	}
	if i < 0 {
		i += v.Len()
	}
	return v.Index(i).Interface()
}

// isEmpty is the test for emptiness of templates' if.
func isEmpty(v any) bool {
	truth, ok := template.IsTrue(v)
	return ok && !truth
}

func coalesce(list ...any) any {
	for _, v := range list {
		if !isEmpty(v) {
			return v
		}
	}
	return nil
}

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return fmt.Sprint(v)
}

func texts(list any) []string {
	v := reflect.ValueOf(list)
	if k := v.Kind(); k != reflect.Slice && k != reflect.Array {
		return []string{text(list)}
	}
	var all []string
	for i := range v.Len() {
		all = append(all, text(v.Index(i).Interface()))
	}
	return all
}

func quoted(list []any, quote func(string) string) string {
	var all []string
	for _, v := range list {
		if v != nil {
			all = append(all, quote(text(v)))
		}
	}
	return strings.Join(all, " ")
}

func toJSON(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func decodeBase64(s string) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// integer reads whatever looks like a whole number; all else is 0.
func integer(v any) int64 {
	s := text(v)
	if i, err := strconv.ParseInt(s, 0, 64); err == nil {
		return i
	}
	f, _ := strconv.ParseFloat(s, 64)
	return int64(f)
}

func fold(list []any, f func(a, b int64) int64) int64 {
	if len(list) == 0 {
		return 0
	}
	n := integer(list[0])
	for _, v := range list[1:] {
		n = f(n, integer(v))
	}
	return n
}

func dateInZone(layout string, t time.Time, zone string) string {
	loc, err := time.LoadLocation(cmp.Or(zone, "UTC"))
	if err != nil {
		loc = time.UTC
	}
	return t.In(loc).Format(layout)
}

func modifyDate(by string, t time.Time) time.Time {
	d, err := time.ParseDuration(by)
	if err != nil {
		return t
	}
	return t.Add(d)
}
