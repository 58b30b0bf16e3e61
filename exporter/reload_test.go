package exporter_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/bongsu/bongsu/exporter"
)

// lockedWriter lets probes log from several goroutines.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// countingServer answers 1 and counts the connections that it gets.
func countingServer(t *testing.T) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	var conns atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "1") }))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	return srv, &conns
}

func TestReload(t *testing.T) {
	t.Parallel()
	far, conns := countingServer(t)
	file := filepath.Join(t.TempDir(), "exporter.yml")
	module := func(name, extra, metric string) string {
		return fmt.Sprintf("  %s: {http: {url: %q%s}, metrics: [{name: %s, value: .}]}\n", name, far.URL, extra, metric)
	}
	writeFile(t, file, "modules:\n"+module("kept", "", "a"))
	reg := prometheus.NewPedanticRegistry()
	now := time.Unix(1_700_000_000, 0)
	e := newExporter(t, "", func(o *exporter.Options) {
		o.Load = func() (*exporter.Config, error) { return exporter.LoadConfig(file) }
		o.Registerer = reg
		o.Now = func() time.Time { return now }
	})
	wantSample(t, parsesBack(t, probe(t, e, nil).body), `{__name__="a"}`, 1)

	// A file that is wrong changes nothing but the metric.
	writeFile(t, file, "modules: {kept: {htp: {}}}")
	if err := e.Reload(); err == nil || !strings.Contains(err.Error(), `exporter.yml:1: unknown key "htp", did you mean "http"?`) {
		t.Errorf("got %v", err)
	}
	wantGauge(t, reg, "bongsu_exporter_config_last_reload_successful", 0)
	wantGauge(t, reg, "bongsu_exporter_config_last_reload_success_timestamp_seconds", 1_700_000_000)
	wantSample(t, parsesBack(t, probe(t, e, nil).body), `{__name__="a"}`, 1)

	// New metrics for the same question keep the connection.
	now = now.Add(time.Hour)
	writeFile(t, file, "modules:\n"+module("kept", "", "b"))
	if err := e.Reload(); err != nil {
		t.Fatal(err)
	}
	wantGauge(t, reg, "bongsu_exporter_config_last_reload_successful", 1)
	wantGauge(t, reg, "bongsu_exporter_config_last_reload_success_timestamp_seconds", 1_700_003_600)
	samples := parsesBack(t, probe(t, e, nil).body)
	wantSample(t, samples, `{__name__="b"}`, 1)
	if _, ok := samples[`{__name__="a"}`]; ok {
		t.Error("the old metric is still there")
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections, want the first one kept", n)
	}

	// Another question makes another source.
	writeFile(t, file, "modules:\n"+module("kept", ", headers: {X-A: b}", "b"))
	if err := e.Reload(); err != nil {
		t.Fatal(err)
	}
	wantSample(t, parsesBack(t, probe(t, e, nil).body), `{__name__="b"}`, 1)
	if n := conns.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

func wantGauge(t *testing.T, reg *prometheus.Registry, name string, want float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			if got := f.GetMetric()[0].GetGauge().GetValue(); got != want {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
			return
		}
	}
	t.Errorf("%s is not there", name)
}

// TestReloadSparesRunningProbes takes a module away while it is being probed.
func TestReloadSparesRunningProbes(t *testing.T) {
	t.Parallel()
	asked, finish := make(chan struct{}), make(chan struct{})
	far := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-finish
		_, _ = io.WriteString(w, "1")
	})
	var text atomic.Value
	text.Store(fmt.Sprintf("modules: {old: {http: {url: %q}, metrics: [{name: a, value: .}]}}", far.URL))
	e := newExporter(t, "", func(o *exporter.Options) {
		o.Load = func() (*exporter.Config, error) { return exporter.ParseConfig("t.yml", []byte(text.Load().(string))) }
	})
	result := make(chan *exporter.Result)
	go func() {
		r, err := e.Run(t.Context(), "old", exporter.Target{})
		if err != nil {
			t.Error(err)
		}
		result <- r
	}()
	<-asked
	text.Store("modules: {new: {http: {}, metrics: [{name: a, value: .}]}}")
	if err := e.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(t.Context(), "old", exporter.Target{}); !errors.As(err, new(*exporter.RequestError)) {
		t.Errorf("got %v, want an unknown module", err)
	}
	close(finish)
	if r := <-result; !r.Success() {
		t.Errorf("the running probe failed: %v", r.Failures())
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	e := newExporter(t, "modules: {m: {http: {}, metrics: [{name: a, value: .}]}}")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(t.Context(), "m", exporter.Target{URL: "http://127.0.0.1:1"}); !errors.Is(err, exporter.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	if err := e.Reload(); !errors.Is(err, exporter.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

// TestDSNFile changes the file between two probes.
func TestDSNFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dsn := func(n int) string {
		return "file:" + sqliteFrom(t, fmt.Sprintf("CREATE TABLE s (n); INSERT INTO s VALUES (%d)", n)) + "?mode=ro"
	}
	writeFile(t, filepath.Join(dir, "shop.dsn"), dsn(1)+"\n")
	writeFile(t, filepath.Join(dir, "exporter.yml"), `modules:
  m:
    sql: {driver: sqlite, dsn_file: shop.dsn, conn_max_lifetime: 1ms}
    metrics: [{name: v, query: "SELECT n FROM s", value: .n}]
`)
	e := newExporter(t, "", func(o *exporter.Options) {
		o.Load = func() (*exporter.Config, error) { return exporter.LoadConfig(filepath.Join(dir, "exporter.yml")) }
	})
	wantSample(t, parsesBack(t, probe(t, e, nil).body), `{__name__="v"}`, 1)
	writeFile(t, filepath.Join(dir, "shop.dsn"), dsn(2))
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if parsesBack(t, probe(t, e, nil).body)[`{__name__="v"}`] == 2 {
			return
		}
	}
	t.Error("the new DSN is not used")
}

func TestOwnMetrics(t *testing.T) {
	t.Parallel()
	far := answering(t, `{"orders":[{"state":"a","count":"x"},{"state":"b","count":1}]}`)
	reg := prometheus.NewPedanticRegistry()
	e := newExporter(t, httpModule("{}"), func(o *exporter.Options) { o.Registerer = reg })
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	before := `# HELP bongsu_exporter_probes_total Probes by module and result: success, partial (single samples are missing) or failed.
# TYPE bongsu_exporter_probes_total counter
bongsu_exporter_probes_total{module="m",result="failed"} %d
bongsu_exporter_probes_total{module="m",result="partial"} %d
bongsu_exporter_probes_total{module="m",result="success"} %d
`
	expect := func(failed, partial, success int) {
		t.Helper()
		text := fmt.Sprintf(before, failed, partial, success)
		if err := testutil.GatherAndCompare(reg, strings.NewReader(text), "bongsu_exporter_probes_total"); err != nil {
			t.Error(err)
		}
	}
	expect(0, 0, 0)
	probe(t, e, url.Values{"module": {"m"}, "target": {far.URL}})
	probe(t, e, url.Values{"module": {"m"}, "target": {far.URL + "/%00"}})
	expect(0, 2, 0)
	far.Close()
	probe(t, e, url.Values{"module": {"m"}, "target": {far.URL}})
	expect(1, 2, 0)
	wantGauge(t, reg, "bongsu_exporter_probes_in_flight", 0)
}
