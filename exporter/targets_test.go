package exporter_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/bongsu/bongsu/exporter"
)

// TestTargets asks what a list lets through and what it does not: by name, by
// the address behind a name, and by a redirect.
func TestTargets(t *testing.T) {
	t.Parallel()
	far := answering(t, `1`)
	there := strings.Replace(far.URL, "127.0.0.1", "localhost", 1)
	away := serving(t, redirectTo(there))
	for name, c := range map[string]struct{ targets, target, reason, request string }{
		"host":              {"{hosts: [localhost]}", there, "", ""},
		"other host":        {"{hosts: [localhost]}", far.URL, "", `target: the host "127.0.0.1`},
		"network":           {"{networks: [127.0.0.0/8, '::1/128']}", there, "", ""},
		"other network":     {"{networks: [10.0.0.0/8]}", there, "forbidden", ""},
		"address":           {"{networks: [10.0.0.0/8]}", far.URL, "", "target: 127.0.0.1 is not in the networks"},
		"redirect":          {"{hosts: [127.0.0.1, localhost]}", away.URL, "", ""},
		"redirect away":     {"{hosts: [127.0.0.1]}", away.URL, "forbidden", ""},
		"scheme":            {"{schemes: [https], hosts: [127.0.0.1]}", far.URL, "", `target: the scheme "http"`},
		"metadata by name":  {"{hosts: [169.254.169.254], networks: [169.254.0.0/16]}", "http://169.254.169.254/", "", "is never asked"},
		"metadata by other": {"{hosts: ['*.example.org']}", "http://169.254.169.254/", "", "not among the module's targets"},
	} {
		e := newExporter(t, "modules: {m: {targets: "+c.targets+", http: {}, metrics: [{name: a, value: .}]}}")
		r, err := e.Run(t.Context(), "m", exporter.Target{URL: c.target})
		if c.request != "" {
			if !errors.As(err, new(*exporter.RequestError)) || !strings.Contains(err.Error(), c.request) {
				t.Errorf("%s: got %v, want %s", name, err, c.request)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		wantReason(t, name, r, c.reason)
	}
}

// wantReason checks the only failure of a result, or that there is none.
func wantReason(t *testing.T, name string, r *exporter.Result, want string) {
	t.Helper()
	got := ""
	for _, f := range r.Failures() {
		got += string(f.Reason)
	}
	if got != want {
		t.Errorf("%s: got %v, want %q", name, r.Failures(), want)
	}
}

// TestTokenServer is asked for a token though it is none of the targets.
func TestTokenServer(t *testing.T) {
	t.Parallel()
	token := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token": "tok", "token_type": "Bearer", "expires_in": 60}`)
	})
	far := answering(t, `1`)
	e := newExporter(t, `modules:
  m:
    targets: {networks: [10.0.0.0/8]}
    http: {oauth2: {client_id: c, client_secret: s, token_url: "`+token.URL+`"}}
    metrics: [{name: a, value: .}]
`)
	r, err := e.Run(t.Context(), "m", exporter.Target{URL: strings.Replace(far.URL, "127.0.0.1", "localhost", 1)})
	if err != nil {
		t.Fatal(err)
	}
	wantReason(t, "target behind a token", r, "forbidden") // and not the token's server
	if msg := r.Failures()[0].Error(); !strings.Contains(msg, "not in the networks") {
		t.Error(msg)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	far := answering(t, `[{"n": "가나다", "v": 1}, {"n": "b", "v": 2}, {"n": "c", "v": 3}]`)
	for name, c := range map[string]struct {
		settings, reason string
		samples          float64
		success          bool
	}{
		"none":         {"http: {}", "", 3, true},
		"label":        {"max_label_length: 8, http: {}", "label_too_long", 2, true},
		"samples":      {"max_samples: 2, http: {}", "too_many_samples", 2, false},
		"rows":         {"http: {max_rows: 2}", "too_large", 2, false},
		"just enough":  {"max_samples: 3, max_label_length: 9, http: {max_rows: 3}", "", 3, true},
		"single bytes": {"http: {max_body_bytes: 9}", "too_large", 0, false},
	} {
		reg := prometheus.NewPedanticRegistry()
		e := newExporter(t, "modules: {m: {"+c.settings+", metrics: [{name: a, rows: '.[]', labels: {n: .n}, value: .v}]}}",
			func(o *exporter.Options) { o.Registerer = reg })
		r, err := e.Run(t.Context(), "m", exporter.Target{URL: far.URL})
		if err != nil {
			t.Fatal(err)
		}
		wantReason(t, name, r, c.reason)
		if r.Success() != c.success {
			t.Errorf("%s: success %v", name, r.Success())
		}
		samples := parsesBack(t, probe(t, e, url.Values{"module": {"m"}, "target": {far.URL}}).body)
		wantSample(t, samples, `{__name__="probe_samples", module="m"}`, c.samples)
		if c.reason != "" {
			want := `# HELP bongsu_exporter_probes_limited_total Probes that ran into a limit, by module and reason.
# TYPE bongsu_exporter_probes_limited_total counter
`
			for _, reason := range []string{"busy", "label_too_long", "too_large", "too_many_samples"} {
				n := " 0\n"
				if reason == c.reason {
					n = " 2\n"
				}
				want += `bongsu_exporter_probes_limited_total{module="m",reason="` + reason + `"}` + n
			}
			if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "bongsu_exporter_probes_limited_total"); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestPassLimits: what is passed through is bounded too.
func TestPassLimits(t *testing.T) {
	t.Parallel()
	far := answering(t, "a{n=\"가나다\"} 1\nb 2\nup 3\nc 4\nc_bucket 5\n")
	e := newExporter(t, `modules: {m: {max_label_length: 8, max_samples: 4, http: {format: prometheus}}}`)
	samples := parsesBack(t, probe(t, e, url.Values{"module": {"m"}, "target": {far.URL}}).body)
	for reason, stage := range map[string]string{"label_too_long": "decode", "name": "decode", "too_many_samples": "decode"} {
		wantSample(t, samples, `{__name__="probe_failure_info", module="m", reason="`+reason+`", stage="`+stage+`"}`, 1)
	}
	wantSample(t, samples, `{__name__="probe_samples", module="m"}`, 2)
}

// TestBusy fills the only place, and waits for it.
func TestBusy(t *testing.T) {
	t.Parallel()
	began, let := make(chan struct{}), make(chan struct{})
	slow := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		began <- struct{}{}
		<-let
		_, _ = io.WriteString(w, "1")
	})
	e := newExporter(t, "modules: {m: {http: {}, metrics: [{name: a, value: .}]}}", func(o *exporter.Options) { o.MaxConcurrent = 1 })
	run := func(ctx context.Context) *exporter.Result {
		r, err := e.Run(ctx, "m", exporter.Target{URL: slow.URL})
		if err != nil {
			t.Error(err)
		}
		return r
	}
	first := make(chan *exporter.Result)
	go func() { first <- run(t.Context()) }()
	<-began
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wantReason(t, "no place", run(ctx), "busy")
	second := make(chan *exporter.Result)
	go func() { second <- run(t.Context()) }()
	let <- struct{}{}
	wantReason(t, "first", <-first, "")
	<-began
	let <- struct{}{}
	wantReason(t, "after it", <-second, "")
}
