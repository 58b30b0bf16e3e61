package exporter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/itchyny/gojq"
)

// simplePaths are all forms of path that must not enter the interpreter.
var simplePaths = []string{
	".", ".a", ".a.b", ".a.b.c", `."a b"`, `.a["b c"]`, `.["a"]`, `.["가"]`, `."가나"`,
	".[0]", ".[-1]", ".[99]", ".[-99]", ".a[0]", ".a[1].b", ".a[-1]", ".a[0][1]",
	".[]", ".a[]", ".a[].b", ".[].a", ".[][]", ".a[].b[].c", ".a | .b", ".a[] | .b | .c", ". | .a", ".a.[0]", ".a.[\"b c\"]",
}

// documents hold every kind at the places that the paths lead to.
var agreementDocuments = []string{
	`null`, `true`, `1`, `"text"`, `"한글"`, `[]`, `{}`, `[1,2,3]`, `{"a":1}`, `{"a":null}`, `{"a":"xyz"}`, `{"a":[]}`, `{"a":{}}`,
	`{"a":{"b":2}}`, `{"a":{"b":{"c":3}}}`, `{"a":{"b c":4}}`, `{"a b":5}`, `{"가":6,"가나":[7]}`, `{"a":[{"b":1},{"b":2}]}`, `{"a":[[1,2],[3]]}`,
	`{"z":1,"a":2,"m":{"a":3}}`, `{"a":{"z":{"b":1},"c":{"b":2}}}`, `{"a":1,"a":2}`, `{"a":1,"b":2,"a":{"b":{"c":9}}}`,
	`[{"a":1},{"a":2},3]`, `[[1],[2,3],"x"]`, `{"a":[{"b":[{"c":1},{"c":2}]},{"b":[]}]}`, `{"a":"한글"}`, `[null,false]`,
	`{"a":12345678901234567890}`, `{"a":1.0}`, `{"a":1e400}`, `{"a":[1,{"b":1}]}`,
}

// TestWalkerAgrees holds the direct walker to what the interpreter gives, for
// every simple path on every document.
func TestWalkerAgrees(t *testing.T) {
	t.Parallel()
	for _, path := range simplePaths {
		for _, doc := range agreementDocuments {
			agree(t, path, doc)
		}
	}
}

// agree compares both ways of evaluating a simple path.
func agree(t *testing.T, path, doc string) {
	t.Helper()
	e, err := compileExpr(path)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if e.steps == nil {
		t.Fatalf("%s enters the interpreter", path)
	}
	want, wantErr := interpreted(t, path, doc)
	got, gotErr := walked(t, e, doc)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s on %s (-interpreter +walker):\n%s", path, doc, diff)
	}
	if wantErr != gotErr {
		t.Errorf("%s on %s: interpreter's error %q, walker's %q", path, doc, wantErr, gotErr)
	}
	if !e.many() {
		agreeOnOne(t, e, doc, want, wantErr)
	}
}

// agreeOnOne compares what a label or value sees.
func agreeOnOne(t *testing.T, e *expr, doc string, want []string, wantErr string) {
	t.Helper()
	d := parsed(t, doc)
	ev := evaluator{ctx: context.Background(), d: d}
	c, err := ev.one(e, 1)
	if (err != nil) != (wantErr != "") {
		t.Fatalf("%s on %s: error %v, want %q", e.text, doc, err, wantErr)
	}
	if err != nil {
		return
	}
	if got := c.json(); got != want[0] {
		t.Errorf("%s on %s: got %s, want %s", e.text, doc, got, want[0])
	}
}

// json shows a cell as JSON.
func (c cell) json() string {
	switch c.kind {
	case kindArray, kindObject:
		return string(c.text)
	}
	text, _ := gojq.Marshal(literalValue(&c))
	return string(text)
}

func interpreted(t *testing.T, path, doc string) (values []string, errText string) {
	t.Helper()
	q, err := gojq.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(doc))
	dec.UseNumber()
	var in any
	if err := dec.Decode(&in); err != nil {
		t.Fatal(err)
	}
	for it := q.Run(in); ; {
		v, ok := it.Next()
		if !ok {
			return values, ""
		}
		if err, ok := v.(error); ok {
			return values, err.Error()
		}
		text, _ := gojq.Marshal(v)
		values = append(values, string(text))
	}
}

func walked(t *testing.T, e *expr, doc string) (values []string, errText string) {
	t.Helper()
	d := parsed(t, doc)
	ev := evaluator{ctx: context.Background(), d: d}
	err := ev.each(e, 1, func(at uint32) error {
		text, err := gojq.Marshal(d.value(at))
		values = append(values, string(text))
		return err
	})
	if err != nil {
		return values, err.Error()
	}
	return values, ""
}

func parsed(t testing.TB, doc string) *document {
	t.Helper()
	d := &document{}
	d.reset()
	d.data = append(d.data, doc...)
	if _, err := d.parseJSON(); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	return d
}

// FuzzWalkerAgrees looks for paths and documents on which the two differ.
func FuzzWalkerAgrees(f *testing.F) {
	for i, path := range simplePaths {
		f.Add(path, agreementDocuments[i%len(agreementDocuments)])
	}
	f.Fuzz(func(t *testing.T, path, doc string) {
		e, err := compileExpr(path)
		if err != nil || e.steps == nil || !json.Valid([]byte(doc)) || strings.Contains(doc, `\u`) || strings.Count(doc, "[") > 50 {
			t.Skip()
		}
		if strings.ToValidUTF8(doc, "") != doc {
			t.Skip() // decoders differ in how many U+FFFD a wrong byte becomes
		}
		agree(t, path, doc)
	})
}

func TestExpressionKinds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		".a.b": "walk", ".": "walk", ".items[]": "walk", `.a["b c"]`: "walk", ".a | .b": "walk",
		`"web"`: "literal", "1": "literal", "-1.5": "literal", "true": "literal", "null": "literal", `"한\n글"`: "literal",
		".a?": "run", ".a // 0": "run", ".a + 1": "run", `"\(.a)"`: "run", ".a[1:2]": "run", "length": "run", ".[.a]": "run", "..": "run", "(.a)": "run",
	} {
		e, err := compileExpr(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := "run"
		if e.steps != nil {
			got = "walk"
		} else if e.literal != nil {
			got = "literal"
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestLiteralsAgree(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1", "-1.5", "1.50", "1e3", "true", "false", "null", `"웹"`, `"a\tb"`, "12345678901234567890"} {
		e, err := compileExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := interpreted(t, text, "null")
		if got := e.literal.json(); got != want[0] {
			t.Errorf("%s: got %s, want %s", text, got, want[0])
		}
	}
}

func TestExpressionsOutOfReach(t *testing.T) {
	t.Setenv("BONGSU_TEST_SECRET", "leaked")
	for _, text := range []string{
		"env", "$ENV", "$ENV.BONGSU_TEST_SECRET", ".a | env.HOME", "input", "[inputs]", "debug", "halt", `"\(env)"`, `{a: env}`,
		`import "a" as a; .`, `include "a"; .`, "def f: env; f", "$undefined", "nosuch(1)", ".a[", "",
	} {
		if e, err := compileExpr(text); err == nil && text != "" {
			t.Errorf("%s compiles: %+v", text, e)
		} else if err != nil && strings.Contains(err.Error(), "leaked") {
			t.Errorf("%s: the error shows the environment", text)
		}
	}
}

// TestEvaluationEndsWithContext lets an endless expression run.
func TestEvaluationEndsWithContext(t *testing.T) {
	t.Parallel()
	e, err := compileExpr("last(range(1e18))")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	ev := evaluator{ctx: ctx, d: parsed(t, "{}")}
	if _, err := ev.one(e, 1); !errors.Is(err, errOver) {
		t.Errorf("got %v, want %v", err, errOver)
	}
}

func TestAppendFloat(t *testing.T) {
	t.Parallel()
	for _, v := range []float64{0, 1, -1, 0.1, 1e21, 1 << 53, 1<<53 + 2, 5e-324, 1.7976931348623157e308, 12345678} {
		var back float64
		text := string(appendFloat(nil, v))
		if _, err := fmt.Sscan(text, &back); err != nil || back != v {
			t.Errorf("%v is written %s and read back %v, %v", v, text, back, err)
		}
	}
	if got := string(appendFloat(nil, 12345678)); got != "12345678" {
		t.Errorf("got %s", got)
	}
}

func TestNumberExactness(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0", "-7", "999999999999999", "1234567890123456", "9007199254740993", "1e3", "-1.5e-3", "123456789012345678901234567890"} {
		got, err := number(cell{kindNumber, []byte(text)})
		f, _, _ := big.ParseFloat(text, 10, 2000, big.ToNearestEven)
		want, _ := f.Float64()
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
}
