package exporter

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

const jpStore = `{
  "name": "jsonpath", "labels": {"engineer": 10, "web/html": 15, "k8s-app": 20}, "staff": {"jason": "manager"},
  "book": [
    {"category": "reference", "author": "Nigel Rees", "price": 8.95},
    {"category": "fiction", "author": "Evelyn Waugh", "price": 12.99},
    {"category": "fiction", "author": "Herman Melville", "price": 8.99}],
  "bicycle": [{"color": "red", "price": 19.95, "isNew": true}, {"color": "green", "price": 20.01, "isNew": false}]}`

const jpPods = `{"kind": "List", "items": [
  {"metadata": {"name": "pod1", "annotations": {"color": "blue"}, "labels": {"kubernetes.io/hostname": "127.0.0.1"}},
   "status": {"phase": "Running", "ready": true, "capacity": {"cpu": "4"}}, "c": [{"name": "foo", "x": [{"n": "1"}, {"n": "2"}]}, {"name": "bar", "x": [{"n": "3"}]}]},
  {"metadata": {"name": "pod2"}, "status": {"phase": "Pending", "ready": false, "capacity": {"cpu": "8"}}, "c": [{"name": "baz", "x": []}]},
  {"resourceVersion": ""}],
 "users": [{"name": "myself", "user": {}}, {"name": "e2e", "user": {"password": "secret"}}], "none": []}`

const jpFakes = `{"a": {"b": [{"n": "f0"}, {"n": "f1"}, {"n": "f2"}, {"n": "f3"}, {"n": "f4"}, {"n": "f5"}]},
 "mixed": [true, "one", 1, 1.1], "points": [{"id": "i1", "x": 4}, {"id": "i2", "x": -2, "z": 1}, {"id": "i3", "x": null}]}`

// jpCases are expressions of Kubernetes' own table, and more that its parser and
// evaluator were asked for the result of.
var jpCases = []struct {
	template, doc string
	allow         bool
	want          string // "!" for an error
}{
	{"hello jsonpath", jpStore, false, "hello jsonpath"},
	{"hello {.name}", jpStore, false, "hello jsonpath"},
	{"{..}", "[1,2,3]", false, "[1,2,3]"},
	{"{[?(@<5.0)]}", "[2,6,3,7]", false, "2 3"},
	{"{[?(@<5)]}", "[2,6,3,7]", false, "!"},
	{`{"{"}`, "null", false, "{"},
	{"{[1,3,4]}", "[0,1,2,3,4]", false, "1 3 4"},
	{"{[0:2]}", `["Monday","Tuesday"]`, false, "Monday Tuesday"},
	{"{$.labels.web/html}", jpStore, false, "15"},
	{"{.labels.k8s-app}", jpStore, false, "20"},
	{"{$.staff.jason}", jpStore, false, "manager"},
	{"{.bicycle[*].color}", jpStore, false, "red green"},
	{"{.book[*].author}", jpStore, false, "Nigel Rees Evelyn Waugh Herman Melville"},
	{`{range .bicycle[*]}{ "{" }{ @.* }{ "} " }{end}`, jpStore, false, "{red true 19.95} {green false 20.01} "},
	{"{..price}", jpStore, false, "19.95 20.01 8.95 12.99 8.99"},
	{"{...price}", jpStore, false, "19.95 20.01 8.95 12.99 8.99"},
	{"{....price}", jpStore, false, "!"},
	{"{.bicycle}", jpStore, false, `[{"color":"red","isNew":true,"price":19.95},{"color":"green","isNew":false,"price":20.01}]`},
	{`{range .bicycle[*]}{ @.color }{ " " }{end}`, jpStore, false, "red green "},
	{"{.book[-1:].author}", jpStore, false, "Herman Melville"},
	{"{..book[2].price}", jpStore, false, "8.99"},
	{"{.bicycle[?(@.isNew==true)].color}", jpStore, false, "red"},
	{"{.hello}", jpStore, true, ""},
	{"before-{.hello}after", jpStore, true, "before-after"},
	{"{.hello}", jpStore, false, "!"},
	{"{hello}", jpStore, false, "!"},
	{"{.labels[0]}", jpStore, false, "!"},
	{"{.book[?(@.price<>10.0)]}", jpStore, false, "!"},
	{"{range .labels.*}{@}{end}{end}", jpStore, false, "!"},

	{`{range .items[*]}{.metadata.name}, {end}{.kind}`, jpPods, true, "pod1, pod2, , List"},
	{`{range .items[0:2]}{.metadata.name}{"\t"}{end}`, jpPods, false, "pod1\tpod2\t"},
	{`{.items[*].c[*].name}`, jpPods, false, "foo bar baz"},
	{`{range .items[0:2]}{range .c[*]}{.name}, {end}{end}`, jpPods, false, "foo, bar, baz, "},
	{`{.items[0:2]['metadata.name', 'status.capacity']}`, jpPods, false, `pod1 pod2 {"cpu":"4"} {"cpu":"8"}`},
	{`{range .items[0:2]}[{.metadata.name}, {.status.capacity}] {end}`, jpPods, false, `[pod1, {"cpu":"4"}] [pod2, {"cpu":"8"}] `},
	{`{.users[?(@.name=="e2e")].user.password}`, jpPods, false, "secret"},
	{`{.items[0].metadata.labels.kubernetes\.io/hostname}`, jpPods, false, "127.0.0.1"},
	{`{.items[0:1]['metadata.labels.kubernetes\.io/hostname']}`, jpPods, false, "127.0.0.1"},
	{`{.items[?(@..ready==true)].metadata.name}`, jpPods, true, "pod1"},
	{`{.items[?(@.metadata.annotations.color=="blue")].metadata.name}`, jpPods, true, "pod1"},
	{`{.items[?(@.metadata.annotations.color=="blue")].metadata.name}`, jpPods, false, "!"},
	{`{range .items[?(.status.phase=="Running")]}{.metadata.name}{" is Running\n"}{end}`, jpPods, true, "pod1 is Running\n"},
	{`{range .none[*]}{.name}{":"}{range @.c[*]}{.name}{","}{end}{"+"}{end}`, jpPods, true, ""},
	{`{range .items[0:2]}{.metadata.name}{"~"}{range @.c[*]}{.name}{":"}{range @.x[*]}{.n}{","}{end}{"+"}{end}{"#"}{end}`, jpPods, true, "pod1~foo:1,2,+bar:3,+#pod2~baz:+#"},
	{`{range .items[0:2]}{range .c[*]}{.name} {end}|{range .c[*]}{.name} {end}{"\n"}{end}`, jpPods, false, "foo bar |foo bar \nbaz |baz \n"},

	{"{.a.b[0].n}", jpFakes, false, "f0"},
	{"{.a.b[0:0].n}", jpFakes, false, ""},
	{"{.a.b[0:-1].n}", jpFakes, false, "f0 f1 f2 f3 f4"},
	{"{.a.b[-1:0].n}", jpFakes, false, "!"},
	{"{.a.b[-6].n}", jpFakes, false, "f0"},
	{"{.a.b[-7].n}", jpFakes, false, "!"},
	{"{.a.b[6].n}", jpFakes, false, "!"},
	{"{.a.b[7:7].n}", jpFakes, false, ""},
	{"{.a.b[3:1].n}", jpFakes, false, "!"},
	{"{.a.b[0:].n}", jpFakes, false, "f0 f1 f2 f3 f4 f5"},
	{"{.a.b[0:6:].n}", jpFakes, false, "f0 f1 f2 f3 f4 f5"},
	{"{.a.b[0:6:0].n}", jpFakes, false, "!"},
	{"{.a.b[0:6:-1].n}", jpFakes, false, "!"},
	{"{.a.b[1:4:2].n}", jpFakes, false, "f1 f3"},
	{"{.a.b[1::3].n}", jpFakes, false, "f1 f4"},
	{"{.a.b[:4:2].n}", jpFakes, false, "f0 f2"},
	{"{ .mixed }", jpFakes, false, `[true,"one",1,1.1]`},
	{"{ .mixed[:2] }", jpFakes, false, "true one"},
	{"{ .mixed[-2] }", jpFakes, false, "1"},
	{"{.points[?(@.z)].id}", jpFakes, false, "i2"},
	{"{.points[0]['id']}", jpFakes, false, "i1"},
	{"{.points[-1]['x']}", jpFakes, false, "null"},

	{`{[?(@.s == "()")].s}`, `[{"s":"()"}]`, false, "()"},
	{`{[?(@.s == "(\"\")")].n}`, `[{"s":"(\"\")","n":1}]`, false, "1"},
	{`{[?(@.s == "())(")].n}`, `[{"s":"())(","n":1}]`, false, "1"},
	{`{[?(@.s == '한글')].n}`, `[{"s":"한글","n":1}]`, false, "1"},
	{`{[?(@.s == '\'')].n}`, `[{"s":"'","n":1}]`, false, "1"},
	{"{.a.*}", `{"a":"AB"}`, false, "65 66"},
	{"{@}", "null", false, "<no value>"},
	{"{.a", "{}", false, "!"},
	{"{*}", "{}", false, "!"},
	{"{+12.3.0}", "{}", false, "!"},
	{"{[1}", "[1]", false, "!"},
	{"{[?(.price]}", "[]", false, "!"},
	{"{........}", "{}", false, "!"},
	{`{\\\}`, "{}", false, "!"},
	{"{'open}", "{}", false, "!"},
	{"{[x]}", "[]", false, "!"},
}

func TestJSONPath(t *testing.T) {
	t.Parallel()
	for _, c := range jpCases {
		got, err := jpTextOf(c.template, c.doc, c.allow)
		if err != nil {
			got = "!"
		}
		if got != c.want {
			t.Errorf("%s on %.40s (allow missing: %v): got %q, %v, want %q", c.template, c.doc, c.allow, got, err, c.want)
		}
	}
}

// TestJSONPathWide reads objects that have an index the same way as small ones.
func TestJSONPathWide(t *testing.T) {
	t.Parallel()
	var wide strings.Builder
	for i := range 2 * wideFrom {
		fmt.Fprintf(&wide, `"k%d": %d, `, i, i)
	}
	doc := fmt.Sprintf(`{"a": {%s "twice": 1, "twice": 2}, "b": {%s "null": null}}`, wide.String(), wide.String())
	got, err := jpTextOf("{.a.k1} {.a.k127} {.a.twice} {.b.k5} {.b.null} {.b.null.x}{.a.k9}{.a.nosuch}", doc, true)
	if want := "1 127 2 5 null 9"; got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if got, err := jpTextOf("{.a.k1}{.a.k2}{.a.nosuch}", doc, false); err == nil {
		t.Errorf("got %q for a key that is not there", got)
	}
}

// TestJSONExporterLimits ends reading when the time is over, and when there are
// too many samples.
func TestJSONExporterLimits(t *testing.T) {
	t.Parallel()
	c, err := ParseConfig("c.yml", []byte("modules: {m: {metrics: [{name: a, type: object, path: '{[*]}', values: {v: '{@}'}}]}}"))
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for reason, ctx := range map[Reason]context.Context{ReasonTimeout: over, ReasonTooManySamples: t.Context()} {
		q := c.Modules["m"].questions[0]
		if reason == ReasonTooManySamples {
			q.limits.samples = 2000
		}
		docs := &documents{}
		d := docs.get()
		d.data = append(d.data, "["+strings.Repeat("1,", 3000)+"1]"...)
		r := &Result{}
		q.decode(ctx, "m", &Answer{doc: d, pool: docs, read: readJSON}, &r.outcome)
		if r.Success() || !r.knows(StageDecode, reason) {
			t.Errorf("%s: success %v, %v", reason, r.Success(), r.Failures())
		}
		if n := len(r.batches[0].columns[0].values); n == 0 || n > 2000 {
			t.Errorf("%s: %d samples", reason, n)
		}
	}
}

func jpTextOf(template, doc string, allow bool) (string, error) {
	p, err := compileJSONPath(template)
	if err != nil {
		return "", err
	}
	w, root, err := jpWalk(doc, allow)
	if err != nil {
		return "", err
	}
	text, err := w.appendText(nil, p, root)
	return string(text), err
}

func jpWalk(doc string, allow bool) (*jpWalker, uint32, error) {
	d := &document{}
	d.reset()
	d.data = append(d.data, doc...)
	root, err := d.parseJSON()
	return &jpWalker{d: d, allow: allow}, root, err
}

// FuzzJSONPath looks for templates that break the evaluator, or that give
// another text when their blocks are walked as if there were ranges.
func FuzzJSONPath(f *testing.F) {
	for _, c := range jpCases {
		f.Add(c.template, c.doc, c.allow)
	}
	f.Fuzz(func(t *testing.T, template, doc string, allow bool) {
		p, err := compileJSONPath(template)
		if err != nil || strings.Count(template, "{range") > 4 || strings.Count(template, "..") > 4 || len(doc) > 2000 {
			return
		}
		w, root, err := jpWalk(doc, allow)
		if err != nil {
			return
		}
		fast, err1 := w.appendText(nil, p, root)
		slow := *p
		slow.plain = false
		general, err2 := w.appendText(nil, &slow, root)
		if (err1 == nil) != (err2 == nil) || err1 == nil && string(fast) != string(general) {
			t.Errorf("%s on %s: %q %v, and with ranges %q %v", template, doc, fast, err1, general, err2)
		}
	})
}

func TestBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		params := map[string][]string{"id": {"7", "8"}, "name": {"봉수"}}
		for template, want := range map[string]string{
			`{"id": {{ .id | first }}}`:                          `{"id": 7}`,
			`{{ .id | last }}`:                                   `8`,
			`{{ .nosuch | first | default "none" }}`:             `none`,
			`{{ .nosuch }}`:                                      `[]`,
			`{{ .name | first | quote }}`:                        `"봉수"`,
			`{{ join "," .id }}`:                                 `7,8`,
			`{{ duration 95 }}`:                                  `1m35s`,
			`{{ now | unixEpoch }}`:                              `946684800`,
			`{{ now | date_modify "-1h" | unixEpoch }}`:          `946681200`,
			`{{ dateInZone "2006-01-02" now "UTC" }}`:            `2000-01-01`,
			`{{ add 1 (first .id) }} {{ sub 5 2 }}`:              `8 3`,
			`{{ if .id }}{{ toJson .id }}{{ end }}`:              `["7","8"]`,
			`{{ ternary "a" "b" (contains "봉" (first .name)) }}`: `a`,
			`{{ b64enc "a:b" }} {{ "x" | upper }}`:               `YTpi X`,
			`{{ coalesce .nosuch .id | last }} {{ mul 2 3 }} {{ div 7 2 }} {{ mod 7 4 }} {{ max 1 3 2 }} {{ min 4 2 }}`: `8 6 3 3 3 2`,
			`{{ b64dec "YTpi" }} {{ int "0x10" }} {{ int64 "2.9" }} {{ atoi "x" }} {{ 5 | toString | squote }}`:         `a:b 16 2 0 '5'`,
			`{{ trim " a " }}{{ trimAll "-" "-b-" }}{{ trimPrefix "x" "xc" }}{{ trimSuffix "x" "dx" }}`:                 `abcd`,
			`{{ replace "a" "b" "aa" }} {{ hasPrefix "a" "ab" }} {{ hasSuffix "a" "ab" }} {{ repeat 2 "ab" }}`:          `bb true false abab`,
			`{{ splitList "," "a,b" | last }} {{ list 1 2 | join "-" }} {{ empty "" }} {{ lower "X" }}`:                 `b 1-2 true x`,
			`{{ now | date "2006" }} {{ env "NO_SUCH_VARIABLE" }}`:                                                      `2000 `,
			`{{ div 1 0 }}`: `static`,
		} {
			tpl, err := compileBody(template)
			if err != nil {
				t.Errorf("%s: %v", template, err)
				continue
			}
			if diff := cmp.Diff(want, renderBody(tpl, "static", params)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", template, diff)
			}
		}
	})
}

func BenchmarkJSONPath(b *testing.B) {
	w, root, err := jpWalk(jpStore, false)
	if err != nil {
		b.Fatal(err)
	}
	for _, template := range []string{"{.labels.k8s-app}", "shop-{.name}", "{.book[?(@.author=='Evelyn Waugh')].price}"} {
		p, err := compileJSONPath(template)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%.12s", template), func(b *testing.B) {
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				if dst, err = w.appendText(dst[:0], p, root); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
