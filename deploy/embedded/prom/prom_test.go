package prom_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/discovery"
	"go.uber.org/goleak"

	"github.com/bongsu/bongsu/deploy/embedded/prom"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const goodConfig = "testdata/config/good-all.yml"

// TestBadConfigs walks the files whose first line says which error is wanted.
func TestBadConfigs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/config/bad-*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad configs: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(text), "\n")
			want, ok := strings.CutPrefix(first, "# want: ")
			if !ok {
				t.Fatalf("first line %q, want # want: error", first)
			}
			o := options(t)
			o.ConfigFile = file
			if _, err := prom.New(o); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want an error with %q", err, want)
			}
		})
	}
}

// TestDiscoveryKinds fails when some import brings a kind of service discovery that the list of honoured ones does not name.
func TestDiscoveryKinds(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"file", "http", "static"}, discovery.RegisteredConfigNames()); diff != "" {
		t.Error(diff)
	}
}

func TestMissingOptions(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*prom.Options){
		"Logger":       func(o *prom.Options) { o.Logger = nil },
		"ConfigFile":   func(o *prom.Options) { o.ConfigFile = "" },
		"DataDir":      func(o *prom.Options) { o.DataDir = "" },
		"absent.yml":   func(o *prom.Options) { o.ConfigFile = "absent.yml" },
		"external URL": func(o *prom.Options) { o.ExternalURL = "봉수" },
		"no-such-web":  func(o *prom.Options) { o.WebConfigFile = "no-such-web.yml" },
	} {
		o := options(t)
		change(&o)
		if _, err := prom.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error about %s", err, want)
		}
	}
}

// TestNewFailsCleanly sees that a refused New leaves neither port nor lock behind.
func TestNewFailsCleanly(t *testing.T) {
	t.Parallel()
	first := start(t, options(t))
	taken := options(t)
	taken.Address = strings.TrimPrefix(first.server.URL(), "http://")
	if _, err := prom.New(taken); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("port in use: got %v", err)
	}
	locked := options(t)
	locked.DataDir = first.options.DataDir
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	locked.Listener = l
	if _, err := prom.New(locked); err == nil || !strings.Contains(err.Error(), "data directory "+locked.DataDir) {
		t.Errorf("locked data directory: got %v", err)
	}
	if _, err := l.Accept(); err == nil {
		t.Error("the listener given to a New that failed is still open")
	}
	if err := first.server.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	locked.Listener = nil
	start(t, locked) // the lock is free again
}

func TestStopWithoutStart(t *testing.T) {
	t.Parallel()
	s, err := prom.New(options(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(); err == nil {
		t.Error("Reload before Start: got nil")
	}
	for range 2 {
		if err := s.Stop(context.Background()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	}
	if err := s.Start(); err == nil {
		t.Error("Start after Stop: got nil")
	}
	if err := s.Reload(); err == nil {
		t.Error("Reload after Stop: got nil")
	}
}

func TestStopAtOnce(t *testing.T) {
	t.Parallel()
	for range 10 {
		s := start(t, options(t))
		if err := s.server.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	for path, want := range map[string]string{
		"/":                            "embedded in Bongsu",
		"/-/healthy":                   "healthy",
		"/-/ready":                     "ready",
		"/metrics":                     "prometheus_tsdb_head_series",
		"/api/v1/status/buildinfo":     `"version":"3.`,
		"/api/v1/status/config":        "수원",
		"/api/v1/status/runtimeinfo":   `"reloadConfigSuccess":true`,
		"/api/v1/status/tsdb":          "headStats",
		"/api/v1/rules":                "기본",
		"/api/v1/label/job/values":     "success",
		"/graph?g0.expr=vector%284%29": `"4"`,
		"/query?g0.expr=vector%285%29": `"5"`,
		"/federate?match[]=up":         "",
		"/api/v1/query?query=" + url.QueryEscape(`absent({"재고"})`): `"1"`,
	} {
		if status, body := s.get(t, path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: got %d %.300q, want 200 with %q", path, status, body, want)
		}
	}
	for _, path := range []string{"/debug/pprof/", "/debug/vars", "/debug/requests", "/classic"} {
		if status, _ := s.get(t, path); status != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, status)
		}
	}
}

// TestTargets sees that targets of every honoured kind of job are taken up, those of scrape_config_files too, and soon.
func TestTargets(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); ; <-tick.C {
		_, body := s.get(t, "/api/v1/targets")
		if strings.Contains(body, `"job":"static"`) && strings.Contains(body, `"job":"more"`) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("targets are missing: %s", body)
		}
	}
}

// TestMetricsAreItsOwn sees that two servers of one process do not count each other's work.
func TestMetricsAreItsOwn(t *testing.T) {
	t.Parallel()
	busy, idle := start(t, options(t)), start(t, options(t))
	busy.get(t, "/api/v1/query?query=1")
	const counted = `prometheus_http_requests_total{code="200",handler="/api/v1/query"} 1`
	if _, body := busy.get(t, "/metrics"); !strings.Contains(body, counted) {
		t.Errorf("the server that was asked does not show %s", counted)
	}
	if _, body := idle.get(t, "/metrics"); strings.Contains(body, counted) {
		t.Errorf("the other server shows %s", counted)
	}
}

func TestMaxSamples(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.MaxSamples = 10
	s := start(t, o)
	status, body := s.get(t, "/api/v1/query_range?query=vector(1)&start=0&end=1000&step=1")
	if status != http.StatusUnprocessableEntity || !strings.Contains(body, "too many samples") {
		t.Errorf("got %d %q, want a refused query", status, body)
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	o := options(t)
	dir := t.TempDir()
	o.ConfigFile = filepath.Join(dir, "prometheus.yml")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("prometheus.yml", "rule_files: [r.yml]")
	write("r.yml", "groups: [{name: 첫째, rules: [{record: a, expr: '1'}]}]")
	s := start(t, o)

	for name, bad := range map[string][2]string{
		"bad rules":                  {"r.yml", "groups: [{name: 둘째, rules: [{alert: A}]}]"},
		"bad yaml":                   {"prometheus.yml", "rule_files: ["},
		"refused section":            {"prometheus.yml", "remote_write: []"},
		"query log nobody can write": {"prometheus.yml", "global: {query_log_file: no/such/dir/q.log}"},
	} {
		write(bad[0], bad[1])
		if err := s.server.Reload(); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: got %v, want an error that names the file", name, err)
		}
		if groups := s.groups(t); !cmp.Equal(groups, []string{"첫째"}) {
			t.Errorf("after %s: groups %q, want the old one", name, groups)
		}
		write("prometheus.yml", "rule_files: [r.yml]")
		write("r.yml", "groups: [{name: 첫째, rules: [{record: a, expr: '1'}]}]")
	}
	if _, body := s.get(t, "/metrics"); !strings.Contains(body, "prometheus_config_last_reload_successful 0") {
		t.Error("the metric does not tell that the last reload failed")
	}
	write("r.yml", "groups: [{name: 둘째, rules: [{record: a, expr: '1'}]}]")
	if err := s.server.Reload(); err != nil {
		t.Fatal(err)
	}
	if groups := s.groups(t); !cmp.Equal(groups, []string{"둘째"}) {
		t.Errorf("groups %q, want the new one", groups)
	}
}

func TestBasicAuth(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.WebConfigFile = "testdata/web.yml"
	s := start(t, o)
	for _, path := range []string{"/", "/metrics", "/api/v1/query?query=1", "/-/reload"} {
		if status, _ := s.get(t, path); status != http.StatusUnauthorized {
			t.Errorf("%s without a password: got %d, want 401", path, status)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL()+"/api/v1/query?query=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("bongsu", "fire")
	if status, body := s.do(t, req); status != http.StatusOK {
		t.Errorf("with the password: got %d %q", status, body)
	}
}

type running struct {
	server  *prom.Server
	options prom.Options
	client  *http.Client
}

func options(t *testing.T) prom.Options {
	return prom.Options{ConfigFile: goodConfig, DataDir: t.TempDir(), Address: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)}
}

func start(t *testing.T, o prom.Options) running {
	t.Helper()
	s, err := prom.New(o)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := s.Stop(context.Background()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return running{server: s, options: o, client: &http.Client{Transport: transport, Timeout: 20 * time.Second}}
}

func (r running) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.server.URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.do(t, req)
}

func (r running) do(t *testing.T, req *http.Request) (status int, body string) {
	t.Helper()
	res, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data)
}

func (r running) groups(t *testing.T) (names []string) {
	t.Helper()
	_, body := r.get(t, "/api/v1/rules")
	var answer struct {
		Data struct{ Groups []struct{ Name string } }
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	for _, g := range answer.Data.Groups {
		names = append(names, g.Name)
	}
	return names
}
