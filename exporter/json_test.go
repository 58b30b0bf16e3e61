package exporter

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/itchyny/gojq"
)

// asJSON returns what a document holds, as the interpreter prints it.
func asJSON(t testing.TB, d *document, root uint32) string {
	t.Helper()
	text, err := gojq.Marshal(d.value(root))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestParseJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		` {"a" : [1, -2.50e+3 ,true,false,null, {} , [ ] ]} `: `{"a":[1,-2.50e+3,true,false,null,{},[]]}`,
		`"봉수"`:                           `"봉수"`,
		`"\u0041\u00e9\uD55C\n\"\\\/\t"`: `"AéY\n\"\\/\t"`,
		`"\ud83d\ude00 \ud83d x"`:        "\"😀 \uFFFD x\"",
		"\"\xff가\xfe\"":                  "\"\uFFFD가\uFFFD\"",
		"\"\\n\xff\"":                    "\"\\n\uFFFD\"",
		"{\"\xff\":1}":                   "{\"\uFFFD\":1}",
		`{"a":1,"a":2}`:                  `{"a":2}`,
		"\xef\xbb\xbf1":                  `1`,
		`123456789012345678901234567890`: `123456789012345678901234567890`,
		`0`:                              `0`,
		`-0`:                             `-0`,
		`[[[]],{"a":{"b":[]}}]`:          `[[[]],{"a":{"b":[]}}]`,
	} {
		want = strings.ReplaceAll(want, "AéY", "Aé한")
		d := &document{}
		d.reset()
		d.data = append(d.data, in...)
		root, err := d.parseJSON()
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := asJSON(t, d, root); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestParseJSONRefuses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		``:               "ends at byte 0, expected a value",
		"  \n":           "ends at byte 3, expected a value",
		`{"a":1} x`:      `byte 8: found 'x', expected nothing behind the value`,
		`1 2`:            `byte 2: found '2', expected nothing behind the value`,
		`<html>`:         `byte 0: found '<', expected a value`,
		`[1,]`:           `byte 3: found ']', expected a value`,
		`{"a":1,}`:       `byte 7: found '}', expected a key`,
		`{a:1}`:          `byte 1: found 'a', expected a key`,
		`{"a" 1}`:        `byte 5: found '1', expected a colon`,
		`[1 2]`:          `byte 3: found '2', expected a comma or the end of the array`,
		`[1}`:            `byte 2: found '}', expected a comma or the end of the array`,
		`{"a":1]`:        `byte 6: found ']', expected a comma or the end of the object`,
		`01`:             `byte 1: found '1', expected nothing behind the value`,
		`-`:              `ends at byte 1, expected a digit`,
		`1.`:             `ends at byte 2, expected a digit`,
		`1e`:             `ends at byte 2, expected a digit`,
		`+1`:             `byte 0: found '+', expected a value`,
		`.5`:             `byte 0: found '.', expected a value`,
		`NaN`:            `byte 0: found 'N', expected a value`,
		`tru`:            `byte 0: found 't', expected a value`,
		`"abc`:           `ends at byte 4, expected the end of a string`,
		"\"a\nb\"":       `byte 2: found '\n', expected no control character in a string`,
		"\"\\n\x01\"":    `byte 3: found '\x01', expected no control character in a string`,
		`"\x"`:           `byte 1: found '\\', expected a known escape`,
		`"\u12"`:         `byte 1: found '\\', expected a known escape`,
		`"\`:             `byte 1: found '\\', expected a known escape`,
		`[`:              `ends at byte 1, expected a value`,
		`{"a":`:          `ends at byte 5, expected a value`,
		`[1`:             `ends at byte 2, expected the end of an array`,
		`// c` + "\n1":   `byte 0: found '/', expected a value`,
		`{"a":1}{"b":2}`: `byte 7: found '{', expected nothing behind the value`,
	} {
		d := &document{}
		d.reset()
		d.data = append(d.data, in...)
		_, err := d.parseJSON()
		if err == nil || !strings.Contains(err.Error(), "not JSON: "+want) {
			t.Errorf("%q: got %v, want %s", in, err, want)
		}
	}
}

func TestParseJSONDepth(t *testing.T) {
	t.Parallel()
	d := &document{}
	d.reset()
	d.data = []byte(strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth))
	if _, err := d.parseJSON(); err != nil {
		t.Errorf("depth %d: %v", maxDepth, err)
	}
	d.reset()
	d.data = bytes.Repeat([]byte("["), 1<<20)
	if _, err := d.parseJSON(); !errors.Is(err, errTooDeep) {
		t.Errorf("got %v, want %v", err, errTooDeep)
	}
	if len(d.nodes) > maxDepth+10 {
		t.Errorf("a depth bomb left %d nodes", len(d.nodes))
	}
}

// FuzzParseJSON holds the parser to encoding/json: it takes what that takes,
// but for depth, and reads the same from it.
func FuzzParseJSON(f *testing.F) {
	for _, s := range append([]string{`{"a":[1,2.5e3,"\u00e9\ud83d\ude00",true,null]}`, `[[[[]]]]`, "\"\xff\""}, agreementDocuments...) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d := &document{}
		d.reset()
		d.data = append(d.data, in...)
		root, err := d.parseJSON()
		if errors.Is(err, errTooDeep) || bytes.HasPrefix(in, []byte("\xef\xbb\xbf")) {
			return
		}
		if valid := json.Valid(in); valid != (err == nil) {
			t.Fatalf("valid %v, but %v", valid, err)
		}
		if err != nil {
			return
		}
		got := asJSON(t, d, root)
		if !utf8.ValidString(got) {
			t.Fatalf("no UTF-8: %q", got)
		}
		if !utf8.Valid(in) {
			return // how many U+FFFD stand for wrong bytes differs
		}
		dec := json.NewDecoder(bytes.NewReader(in))
		dec.UseNumber()
		var v any
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		want, err := gojq.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("-encoding/json +parser:\n%s", diff)
		}
	})
}
