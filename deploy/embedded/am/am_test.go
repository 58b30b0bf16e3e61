package am_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bongsu/bongsu/deploy/embedded/am"
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
			if _, err := am.New(o); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want an error with %q", err, want)
			}
		})
	}
}

// TestClusterRefused sees that a file which hopes for a cluster is refused by the name of the key.
func TestClusterRefused(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.ConfigFile = "testdata/config/bad-cluster.yml"
	if _, err := am.New(o); err == nil || !strings.Contains(err.Error(), "field cluster not found") {
		t.Errorf("got %v", err)
	}
}

func TestMissingOptions(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*am.Options){
		"Logger":       func(o *am.Options) { o.Logger = nil },
		"ConfigFile":   func(o *am.Options) { o.ConfigFile = "" },
		"DataDir":      func(o *am.Options) { o.DataDir = "" },
		"absent.yml":   func(o *am.Options) { o.ConfigFile = "absent.yml" },
		"external URL": func(o *am.Options) { o.ExternalURL = "봉수" },
		"no-such-web":  func(o *am.Options) { o.WebConfigFile = "no-such-web.yml" },
	} {
		o := options(t)
		change(&o)
		if _, err := am.New(o); err == nil || !strings.Contains(err.Error(), want) {
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
	if _, err := am.New(taken); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("port in use: got %v", err)
	}
	locked := options(t)
	locked.DataDir = first.options.DataDir
	if _, err := am.New(locked); err == nil || !strings.Contains(err.Error(), "data directory "+locked.DataDir) {
		t.Errorf("locked data directory: got %v", err)
	}
	if err := first.server.Stop(); err != nil {
		t.Fatal(err)
	}
	start(t, locked) // the lock is free again
}

func TestStopWithoutStart(t *testing.T) {
	t.Parallel()
	s, err := am.New(options(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(); err == nil {
		t.Error("Reload before Start: got nil")
	}
	for range 2 {
		if err := s.Stop(); err != nil {
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
		if err := start(t, options(t)).server.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDamagedSnapshot sees that a notification log which can't be read is an error that names it, and no silent loss.
func TestDamagedSnapshot(t *testing.T) {
	t.Parallel()
	o := options(t)
	if err := os.WriteFile(filepath.Join(o.DataDir, "nflog"), []byte("봉수"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := am.New(o); err == nil || !strings.Contains(err.Error(), "notification log") {
		t.Errorf("got %v, want an error about the notification log", err)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	for path, want := range map[string]string{
		"/":                     "embedded in Bongsu",
		"/-/healthy":            "healthy",
		"/-/ready":              "ready",
		"/metrics":              "alertmanager_receivers 2",
		"/api/v2/status":        "지점",
		"/api/v2/alerts":        "[]",
		"/api/v2/alerts/groups": "[]",
		"/api/v2/receivers":     "hook",
	} {
		if status, body := s.get(t, path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: got %d %.300q, want 200 with %q", path, status, body, want)
		}
	}
	for _, path := range []string{"/debug/pprof/", "/debug/vars", "/debug/requests"} {
		if status, _ := s.get(t, path); status != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, status)
		}
	}
}

// TestSilencesSurviveRestart stands for everything that is kept in snapshots.
func TestSilencesSurviveRestart(t *testing.T) {
	t.Parallel()
	o := options(t)
	s := start(t, o)
	now := time.Now()
	s.post(t, "/api/v2/silences", fmt.Sprintf(`{"matchers":[{"name":"지점","value":"서울","isRegex":false}],
		"startsAt":%q,"endsAt":%q,"createdBy":"봉수","comment":"점검"}`, now.Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339)))
	if err := s.server.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, body := start(t, o).get(t, "/api/v2/silences"); !strings.Contains(body, "점검") {
		t.Errorf("after a restart: %s", body)
	}
}

// TestReload sees that a refused reload leaves the old route at work, and that a good one takes alerts along that are already there.
func TestReload(t *testing.T) {
	t.Parallel()
	calls := make(chan string, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { calls <- r.URL.Path }))
	t.Cleanup(hook.Close)
	o := options(t)
	dir := t.TempDir()
	o.ConfigFile = filepath.Join(dir, "alertmanager.yml")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := func(path string) string {
		return fmt.Sprintf(`{route: {receiver: %[1]s, group_wait: 1ms, group_interval: 100ms}, templates: ["*.tmpl"],
			receivers: [{name: %[1]s, webhook_configs: [{url: "%[2]s/%[1]s"}]}]}`, path, hook.URL)
	}
	write("alertmanager.yml", config("first"))
	s := start(t, o)

	for name, bad := range map[string][2]string{
		"bad yaml":        {"alertmanager.yml", "route: ["},
		"refused section": {"alertmanager.yml", strings.TrimSuffix(config("second"), "}") + ", tracing: {}}"},
		"bad template":    {"bad.tmpl", "{{ define"},
	} {
		write(bad[0], bad[1])
		if err := s.server.Reload(); err == nil || !strings.Contains(err.Error(), o.ConfigFile) {
			t.Errorf("%s: got %v, want an error that names the file", name, err)
		}
		write("alertmanager.yml", config("first"))
	}
	s.post(t, "/api/v2/alerts", `[{"labels":{"alertname":"재고"}}]`)
	if got := wait(t, calls); got != "/first" {
		t.Errorf("after refused reloads: got a call of %s", got)
	}
	write("bad.tmpl", "")
	write("alertmanager.yml", config("second"))
	if err := s.server.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, calls); got != "/second" {
		t.Errorf("after a good reload: got a call of %s", got)
	}
}

func TestBasicAuth(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.WebConfigFile = "testdata/web.yml"
	s := start(t, o)
	for _, path := range []string{"/", "/metrics", "/api/v2/alerts", "/-/reload"} {
		if status, _ := s.get(t, path); status != http.StatusUnauthorized {
			t.Errorf("%s without a password: got %d, want 401", path, status)
		}
	}
}

type running struct {
	server  *am.Server
	options am.Options
	client  *http.Client
}

func options(t *testing.T) am.Options {
	return am.Options{ConfigFile: goodConfig, DataDir: t.TempDir(), Address: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)}
}

func start(t *testing.T, o am.Options) running {
	t.Helper()
	s, err := am.New(o)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := s.Stop(); err != nil {
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

func (r running) post(t *testing.T, path, text string) {
	t.Helper()
	if !json.Valid([]byte(text)) {
		t.Fatalf("not JSON: %s", text)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.server.URL()+path, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if status, body := r.do(t, req); status != http.StatusOK {
		t.Fatalf("POST %s: %d %s", path, status, body)
	}
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

func wait(t *testing.T, calls <-chan string) string {
	t.Helper()
	select {
	case c := <-calls:
		return c
	case <-time.After(20 * time.Second):
		t.Fatal("nobody called")
		return ""
	}
}
