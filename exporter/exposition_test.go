package exporter_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/expfmt"

	"github.com/bongsu/bongsu/exporter"
)

const prometheusAccept = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"

// TestFormatsAgree probes each golden module in both formats: Prometheus must
// see the same series, names and values, in both.
func TestFormatsAgree(t *testing.T) {
	t.Parallel()
	for stem := range strings.FieldsSeq("orders jq values convert xml text prometheus openmetrics") {
		far := answering(t, savedAnswer(t, "testdata/golden/"+stem))
		e := newExporter(t, readFile(t, "testdata/golden/"+stem+".yml"))
		q := url.Values{"module": {"golden"}, "target": {far.URL}}
		text, om := probe(t, e, q), probe(t, e, q, "Accept", prometheusAccept)
		if got := om.header.Get("Content-Type"); got != "application/openmetrics-text; version=1.0.0; charset=utf-8" {
			t.Errorf("content type %q", got)
		}
		if !strings.HasSuffix(om.body, "# EOF\n") {
			t.Error("no # EOF")
		}
		want, got := parsesBack(t, text.body), promSamples(t, om.body, om.header.Get("Content-Type"))
		for _, samples := range []map[string]float64{want, got} {
			delete(samples, `{__name__="probe_duration_seconds", module="golden", stage="decode"}`)
			delete(samples, `{__name__="probe_duration_seconds", module="golden", stage="fetch"}`)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s (-text +OpenMetrics):\n%s", stem, diff)
		}
	}
}

// TestOpenMetricsHead checks what Prometheus's parser says of types and units.
func TestOpenMetricsHead(t *testing.T) {
	t.Parallel()
	far := answering(t, `1`)
	e := newExporter(t, `modules:
  m:
    http: {}
    metrics:
      - {name: sent_bytes_total, type: counter, unit: bytes, help: 'Quote " and \ 한글.', value: .}
      - {name: counter_without_suffix, type: counter, value: .}
      - {name: plain, value: .}
`)
	got := probe(t, e, url.Values{"module": {"m"}, "target": {far.URL}}, "Accept", "application/openmetrics-text")
	for _, want := range []string{
		"# HELP sent_bytes Quote \\\" and \\\\ 한글.\n# TYPE sent_bytes counter\n# UNIT sent_bytes bytes\nsent_bytes_total 1\n",
		"# TYPE counter_without_suffix unknown\ncounter_without_suffix 1\n",
		"# TYPE plain unknown\nplain 1\n",
	} {
		if !strings.Contains(got.body, want) {
			t.Errorf("got\n%s\nwant in it\n%s", got.body, want)
		}
	}
	promSamples(t, got.body, "application/openmetrics-text; version=1.0.0")
}

// TestNegotiation agrees with what Prometheus's own library chooses.
func TestNegotiation(t *testing.T) {
	t.Parallel()
	far := answering(t, `1`)
	e := newExporter(t, "modules: {m: {http: {}, metrics: [{name: a, value: .}]}}")
	for _, accept := range []string{
		"", "*/*", "text/plain", "text/plain;version=0.0.4", prometheusAccept, "application/openmetrics-text",
		"application/openmetrics-text;version=1.0.0;q=0.1,text/plain;q=0.5", "application/json", "nonsense;;;", "text/html,*/*;q=0.8",
		"application/openmetrics-text;version=9.9.9",
	} {
		q := url.Values{"module": {"m"}, "target": {far.URL}}
		got := strings.Contains(probe(t, e, q, "Accept", accept).header.Get("Content-Type"), "openmetrics")
		header := http.Header{"Accept": {accept}}
		want := strings.Contains(string(expfmt.NegotiateAccept(header, expfmt.DefaultOpenMetricsAcceptedFormats()...)), "openmetrics")
		if got != want {
			t.Errorf("%q: OpenMetrics %v, want %v", accept, got, want)
		}
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	far := answering(t, `1`)
	e := newExporter(t, "modules: {m: {http: {}, metrics: [{name: a, value: .}]}}")
	q := url.Values{"module": {"m"}, "target": {far.URL}}
	for header, want := range map[string]string{"gzip": "gzip", "deflate, gzip;q=0.5": "gzip", "": "", "gzip;q=0": "", "br": ""} {
		got := probe(t, e, q, "Accept-Encoding", header)
		if enc := got.header.Get("Content-Encoding"); enc != want {
			t.Errorf("%q: got %q, want %q", header, enc, want)
		}
		body := got.body
		if want == "gzip" {
			z, err := gzip.NewReader(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			body = string(plain)
		}
		wantSample(t, parsesBack(t, body), `{__name__="a"}`, 1)
	}
}

// TestSorted writes many series from rows in disorder, duplicates among them.
func TestSorted(t *testing.T) {
	t.Parallel()
	var rows []string
	for i := range 3000 {
		rows = append(rows, fmt.Sprintf(`{"id":"item-%04d","n":%d}`, i, i))
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	rows = append(rows, `{"id":"item-0007","n":-1}`, `{"id":"","n":1}`, `{"id":null,"n":2}`)
	far := answering(t, "["+strings.Join(rows, ",")+"]")
	e := newExporter(t, `modules:
  m:
    http: {}
    metrics:
      - {name: n, rows: ".[]", labels: {id: .id}, value: .n}
      - {name: square, rows: ".[]", labels: {id: .id}, value: ".n * .n"}
`)
	body := probe(t, e, url.Values{"module": {"m"}, "target": {far.URL}}).body
	samples := parsesBack(t, body)
	wantSample(t, samples, `{__name__="n", id="item-0007"}`, 7)
	wantSample(t, samples, `{__name__="n"}`, 1)
	wantSample(t, samples, `{__name__="square", id="item-2999"}`, 2999*2999)
	wantSample(t, samples, `{__name__="probe_samples", module="m"}`, 6002)
	wantSample(t, samples, `{__name__="probe_samples_dropped", module="m", reason="duplicate"}`, 4)
	var series []string
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "n{") {
			series = append(series, line[:strings.Index(line, "}")])
		}
	}
	if !slices.IsSorted(series) || len(series) != 3000 {
		t.Errorf("%d series, sorted %v", len(series), slices.IsSorted(series))
	}
}

// TestDuplicatesAcrossModules: the module that comes first by name wins.
func TestDuplicatesAcrossModules(t *testing.T) {
	t.Parallel()
	one, two := answering(t, `[1,10]`), answering(t, `[2,20,30]`)
	e := newExporter(t, fmt.Sprintf(`modules:
  a: {http: {url: %q}, metrics: [{name: v, rows: "to_entries[]", labels: {i: .key}, value: .value}]}
  b: {http: {url: %q}, metrics: [{name: v, rows: "to_entries[]", labels: {i: .key}, value: .value}]}
`, one.URL, two.URL))
	samples := parsesBack(t, probe(t, e, nil).body)
	for series, want := range map[string]float64{
		`{__name__="v", i="0"}`: 1, `{__name__="v", i="1"}`: 10, `{__name__="v", i="2"}`: 30,
		`{__name__="probe_samples", module="a"}`: 2, `{__name__="probe_samples", module="b"}`: 1,
		`{__name__="probe_samples_dropped", module="b", reason="duplicate"}`: 2,
		`{__name__="probe_success", module="b"}`:                             1,
	} {
		wantSample(t, samples, series, want)
	}
}

// TestWriteTextTwice gives the same twice.
func TestWriteTextTwice(t *testing.T) {
	t.Parallel()
	far := answering(t, `[1,1]`)
	e := newExporter(t, `modules: {m: {http: {}, metrics: [{name: a, rows: ".[]", value: .}]}}`)
	r, err := e.Run(t.Context(), "m", exporter.Target{URL: far.URL})
	if err != nil {
		t.Fatal(err)
	}
	var first, second strings.Builder
	for _, b := range []*strings.Builder{&first, &second} {
		if err := r.WriteText(b); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(first.String(), second.String()); diff != "" {
		t.Error(diff)
	}
	wantSample(t, parsesBack(t, first.String()), `{__name__="probe_samples_dropped", module="m", reason="duplicate"}`, 1)
}
