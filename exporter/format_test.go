package exporter

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// readAs reads an answer by a module's http settings and returns its rows as
// JSON.
func readAs(t testing.TB, settings, body string) ([]string, error) {
	t.Helper()
	c, err := ParseConfig("t.yml", []byte("modules: {m: {http: {"+settings+"}, metrics: [{name: a, value: .}]}}"))
	if err != nil {
		t.Fatal(err)
	}
	d := (&documents{}).get()
	d.data = append(d.data, body...)
	rows, err := c.Modules["m"].read(d)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range rows {
		wellFormed(t, d, r.at)
		text, err := d.marshal(r.at)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	return out, nil
}

// wellFormed checks that the tree's counts and bounds fit.
func wellFormed(t testing.TB, d *document, at uint32) uint32 {
	t.Helper()
	n := d.nodes[at]
	if n.kind < kindArray {
		if n.from > n.to || int(n.to) > len(d.data) {
			t.Fatalf("node %d has text %d to %d of %d", at, n.from, n.to, len(d.data))
		}
		return at + 1
	}
	members, i := uint32(0), at+1
	for ; i < n.to; members++ {
		if n.kind == kindObject {
			i = wellFormed(t, d, i)
		}
		i = wellFormed(t, d, i)
	}
	if i != n.to || members != n.from {
		t.Fatalf("container %d ends at %d with %d members, says %d with %d", at, i, members, n.to, n.from)
	}
	return i
}

// TestFormatRows reads small answers of each format.
func TestFormatRows(t *testing.T) {
	t.Parallel()
	const pattern = `format: text, text: {pattern: '^(?P<k>\S+) (?:(?P<n>\d+)|-)$'}`
	const optional = `format: text, text: {optional: true, pattern: '(?P<k>x)'}`
	for _, c := range []struct{ settings, body, want string }{
		{"format: ndjson", "\xef\xbb\xbf{\"a\":1}\r\n\n[2]\n\"\xff\"", `{"a":1} [2] "` + "\uFFFD" + `"`},
		{"format: ndjson", "", ``},
		{"format: csv", "a,b\n1,2\n", `{"a":"1","b":"2"}`},
		{"format: csv", "# a , ,\"\",\n1,2,3,\n\n4", `{"a":"1","c2":"2","c3":"3","c4":null} {"a":"4"}`},
		{"format: csv", "a,a\n1,2", `{"a":"2"}`},
		{"format: csv", "이름,b\r\n\"x,\"\"y\"\"\r\n\",\"\"\r\n", "{\"b\":\"\",\"이름\":\"x,\\\"y\\\"\\r\\n\"}"},
		{"format: csv", "a\n\"1\"", `{"a":"1"}`},
		{"format: csv", "a\nx\"y\"", `{"a":"x\"y\""}`},
		{"format: csv", "a\n\xff", "{\"a\":\"\uFFFD\"}"},
		{"format: csv, csv: {header: false, delimiter: \"\\t\"}", "1\t2\n3", `{"c1":"1","c2":"2"} {"c1":"3"}`},
		{"format: csv, csv: {comment: \"#\"}", "# x\na\n# y\n1\n#", `{"a":"1"}`},
		{"format: xml", "<a/>", `{"a":null}`},
		{"format: xml", "<?xml version='1.0'?><!DOCTYPE a><a x='1'>t<b/>u</a>\n", `{"a":{"#text":"tu","@x":"1","b":null}}`},
		{"format: xml", "<p:a xmlns:p='u' p:k='v'><p:b>1</p:b><c/><b>2</b>&#xAC00;</p:a>", `{"a":{"#text":"가","@k":"v","b":["1","2"],"c":null}}`},
		{"format: xml, xml: {arrays: [b]}", "<a><b>1</b></a>", `{"a":{"b":["1"]}}`},
		{pattern, "사과 3\n배 -\n감\n", `{"k":"사과","n":"3"} {"k":"배","n":null}`},
		{optional, "abc", ``},
		{"format: prometheus", "", ``},
		{"format: prometheus", "a 1", `{"family":"a","help":null,"labels":{},"name":"a","type":"untyped","value":1}`},
		{"format: prometheus", "# TYPE a counter\n# HELP a x\\ny\na{b=\"\\\"\\\\\\n가\",} +Inf 1500\n", `{"family":"a","help":"x\ny","labels":{"b":"\"\\\n가"},"name":"a","timestamp":1.5,"type":"counter","value":1.7976931348623157e+308}`},
		{"format: prometheus", `{"a.b","c d"="e"} .5e1`, `{"family":"a.b","help":null,"labels":{"c d":"e"},"name":"a.b","type":"untyped","value":5}`},
		{"format: prometheus", "# TYPE a counter\na_total 1 2 # {x=\"y\"} 3\n# EOF\n", `{"family":"a","help":null,"labels":{},"name":"a_total","timestamp":2,"type":"counter","value":1}`},
		{"format: prometheus", "# TYPE a gauge\na_sum 1\n", `{"family":"a_sum","help":null,"labels":{},"name":"a_sum","type":"untyped","value":1}`},
	} {
		got, err := readAs(t, c.settings, c.body)
		if err != nil {
			t.Errorf("%s: %q: %v", c.settings, c.body, err)
		}
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s: %q (-want +got):\n%s", c.settings, c.body, diff)
		}
	}
}

// TestFormatErrors reads answers that are broken, hostile or too large.
func TestFormatErrors(t *testing.T) {
	t.Parallel()
	const bomb = `<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>`
	for _, c := range []struct {
		settings, body, want string
		reason               Reason
	}{
		{"format: ndjson", "{}\n\nx", "line 3: not JSON", ReasonNotJSON},
		{"format: ndjson", "{} {}", "line 1: not JSON", ReasonNotJSON},
		{"format: ndjson, max_rows: 1", "1\n2", "more than 1 rows", ReasonTooLarge},
		{"format: csv", "", "expected a line with the columns' names", ReasonMalformed},
		{"format: csv", "a\n\n1,2", "line 3 has more than the header's 1 fields", ReasonMalformed},
		{"format: csv", "a\n\"1", "line 2: a quoted field has no end", ReasonMalformed},
		{"format: csv", "a\n\"1\"x", `line 2: found 'x' behind a quoted field`, ReasonMalformed},
		{"format: csv, max_rows: 1", "a\n1\n2", "more than 1 rows", ReasonTooLarge},
		{"format: csv, csv: {header: false}", strings.Repeat(",", maxNodes), "more than 8388608 values", ReasonTooLarge},
		{"format: csv", strings.Repeat(",", maxNodes) + "\n" + strings.Repeat(",", maxNodes), "values", ReasonTooLarge},
		{"format: xml", "", "expected one element", ReasonMalformed},
		{"format: xml", "<a></b>", `the end of "b", which is not open`, ReasonMalformed},
		{"format: xml", "<a>", `element "a" has no end`, ReasonMalformed},
		{"format: xml", "<a/><b/>", "expected one element", ReasonMalformed},
		{"format: xml", "<a/>x", "expected one element", ReasonMalformed},
		{"format: xml", bomb, "a document type with declarations in it", ReasonMalformed},
		{"format: xml", "<a>&c;</a>", "invalid character entity &c;", ReasonMalformed},
		{"format: xml", `<?xml version="1.0" encoding="EUC-KR"?><a/>`, `the encoding "EUC-KR" is not read`, ReasonMalformed},
		{"format: xml", strings.Repeat("<a>", 100_000), "more than 1000 elements in one another", ReasonTooDeep},
		{"format: xml", "<a>" + strings.Repeat("<b/>", maxElements) + "</a>", "more than 500000 elements", ReasonTooLarge},
		{"format: text, text: {pattern: '(?P<a>x)'}", "abc", "the pattern matches nothing", ReasonNoMatch},
		{"format: text, max_rows: 2, text: {pattern: '(?P<a>x)'}", "xxx", "more than 2 rows", ReasonTooLarge},
		{"format: prometheus", "<html>", "line 1: malformed Prometheus text", ReasonMalformed},
		{"format: prometheus", "a 0x10", `not a number: "0x10"`, ReasonMalformed},
		{"format: prometheus", "a{b} 1", `label "b" has no value`, ReasonMalformed},
		{"format: prometheus", "a{b=\"c} 1", "a text in quotes has no end", ReasonMalformed},
		{"format: prometheus", "a 1 2 3", "more than a value and a timestamp", ReasonMalformed},
		{"format: prometheus, max_rows: 1", "a 1\nb 2", "more than 1 rows", ReasonTooLarge},
	} {
		_, err := readAs(t, c.settings, c.body)
		if err == nil || !strings.Contains(err.Error(), c.want) || readReason(err) != c.reason {
			t.Errorf("%s: %.60q: got %v, want %s, %q", c.settings, c.body, err, c.reason, c.want)
		}
	}
}

// FuzzCSV: what encoding/csv reads gives the same fields.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\"a\"\"\",b\r\n\n,", "a\n\"x\ny\"", ",", "\"", "가,\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := (&documents{}).get()
		d.data = append(d.data, data...)
		p := csvParser{d: d, end: len(data), line: 1, comma: ','}
		rows, err := p.read(DefaultMaxRows)
		std := csv.NewReader(strings.NewReader(string(data)))
		std.FieldsPerRecord = -1
		want, stdErr := std.ReadAll()
		if stdErr != nil || strings.Contains(string(data), "\r") { // it rewrites CRLF within quotes
			return
		}
		if err != nil || len(rows) != len(want) {
			t.Fatalf("%q: %d rows, %v, want %d", data, len(rows), err, len(want))
		}
		for i, r := range rows {
			wellFormed(t, d, r.at)
			at := r.at + 1
			for _, w := range want[i] {
				if got, w := string(d.text(at+1)), strings.ToValidUTF8(w, "\uFFFD"); d.nodes[at+1].kind == kindString && got != w {
					t.Fatalf("%q: got %q, want %q", data, got, w)
				}
				at = d.next(at + 1)
			}
			if at != d.nodes[r.at].to {
				t.Fatalf("%q: row %d has more fields", data, i)
			}
		}
	})
}

func FuzzXML(f *testing.F) {
	for _, s := range []string{"<a/>", "<a x='1'>t<b/>u<b>2</b></a>", "<!DOCTYPE a><a>&amp;&#1;</a>", "<a><![CDATA[x]]></a>", "<a></b>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if rows, err := readAs(t, "format: xml", string(data)); err == nil && len(rows) != 1 {
			t.Errorf("%q: %d rows", data, len(rows))
		}
	})
}

// FuzzPrometheus: what Prometheus reads gives the same samples.
func FuzzPrometheus(f *testing.F) {
	for _, s := range []string{"a 1\n", "# TYPE a counter\na{b=\"c\\n\"} 2 3\n", "# HELP a \"\\\\\n{\"a b\",c=\"d\"} NaN\n", "a{b=\"c\",} +Inf\n# EOF\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := (&documents{}).get()
		d.data = append(d.data, data...)
		rows, err := d.readPrometheus(DefaultMaxRows)
		for _, r := range rows {
			wellFormed(t, d, r.at)
		}
		want, ok := countSeries(data)
		if ok && (err != nil || len(rows) != want) {
			t.Errorf("%q: %d rows, %v, want %d", data, len(rows), err, want)
		}
	})
}

// countSeries reads an exposition as Prometheus does.
func countSeries(data []byte) (n int, ok bool) {
	if !strings.HasSuffix(string(data), "\n") || strings.Contains(string(data), "#") || strings.ContainsAny(string(data), "\r\x00_xXpP") {
		return 0, false // comments are more loosely read here, and numbers more strictly
	}
	p, err := textparse.New(data, "text/plain; version=0.0.4", labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		return 0, false
	}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return n, true
		}
		if err != nil {
			return 0, false
		}
		if entry == textparse.EntrySeries {
			n++
		}
	}
}
