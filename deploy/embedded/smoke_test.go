package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bongsu/bongsu/deploy/embedded/am"
	"github.com/bongsu/bongsu/deploy/embedded/prom"
)

// patience bounds every wait of these tests; the things waited for take fractions of a second.
const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestFireResolveReloadRestart is the life of one alert over loopback HTTP: it fires, survives a bad reload, is not repeated by a restart,
// and resolves.
func TestFireResolveReloadRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(t)

	w.stock.Store(0)
	fired := w.message(t)
	if fired.Status != "firing" || fired.CommonLabels["지점"] != "서울" || fired.CommonAnnotations["summary"] != "서울 재고 부족" {
		t.Fatalf("got %+v, want a firing alert of 서울", fired)
	}

	w.write(t, "rules.yml", "groups: [{name: g, rules: [{alert: A, expr: 'sum('}]}]")
	if err := w.prom.Reload(); err == nil || !strings.Contains(err.Error(), "rules.yml") {
		t.Errorf("reload of bad rules: got %v, want an error that names the file", err)
	}
	w.write(t, "alertmanager.yml", "route: {receiver: nobody}")
	if err := w.am.Reload(); err == nil || !strings.Contains(err.Error(), "alertmanager.yml") {
		t.Errorf("reload of a bad alertmanager.yml: got %v, want an error that names the file", err)
	}
	w.writeConfig(t)

	// The next round of the group begins when the one that sent the message is in the log. A stop before that would cancel it, and so
	// repeat it after the restart, as with an Alertmanager.
	logged := func() bool { return w.metric(t, "alertmanager_nflog_queries_total") >= 2 }
	w.until(t, "the message is logged", logged)
	w.stop(t)
	w.start(t)
	w.until(t, "the log is asked about the alert again", logged)
	select {
	case m := <-w.messages:
		t.Fatalf("a restart repeated the notification: %+v", m)
	default:
	}

	w.stock.Store(5)
	if resolved := w.message(t); resolved.Status != "resolved" {
		t.Fatalf("got %+v, want a resolved alert", resolved)
	}
}

// TestFireAfterBadReload sees that a refused reload leaves both servers at work, not only alive.
func TestFireAfterBadReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(t)
	w.write(t, "prometheus.yml", "scrape_configs: [{job_name: x, interval: 1s}]")
	w.write(t, "alertmanager.yml", "{")
	for _, base := range []string{w.prom.URL(), w.am.URL()} {
		res, err := http.Post(base+"/-/reload", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusInternalServerError || !strings.Contains(string(body), ".yml") {
			t.Errorf("%s/-/reload: got %d %q, want 500 and the file's name", base, res.StatusCode, body)
		}
	}
	w.stock.Store(0)
	if m := w.message(t); m.Status != "firing" {
		t.Fatalf("got %+v, want a firing alert", m)
	}
}

// TestReady holds the promise of a start below two seconds, which is about twenty times what it takes.
func TestReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	begin := time.Now()
	w.start(t)
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("ready after %v, want less than 2 s", took)
	}
	for _, base := range []string{w.prom.URL(), w.am.URL()} {
		get(t, base+"/-/ready")
	}
}

// world is one stack with a stub exporter before it and a stub receiver behind it.
type world struct {
	dir      string
	stock    atomic.Int64 // what the stub exporter says; the rule fires below 1
	exporter *httptest.Server
	receiver *httptest.Server
	messages chan message
	am       *am.Server
	prom     *prom.Server
}

type message struct {
	Status            string            `json:"status"`
	CommonLabels      map[string]string `json:"commonLabels"`
	CommonAnnotations map[string]string `json:"commonAnnotations"`
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), messages: make(chan message, 100)}
	w.stock.Store(5)
	w.exporter = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(rw, "# TYPE shop_stock gauge\nshop_stock{\"지점\"=\"서울\"} %d\n", w.stock.Load())
	}))
	t.Cleanup(w.exporter.Close)
	w.receiver = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Errorf("webhook: %v", err)
		}
		w.messages <- m
	}))
	t.Cleanup(w.receiver.Close)
	w.writeConfig(t)
	t.Cleanup(func() { w.stop(t) })
	return w
}

// writeConfig fills the files of testdata/smoke with this world's addresses. Alertmanager's comes with the start of it.
func (w *world) writeConfig(t *testing.T) {
	t.Helper()
	exporter, _ := url.Parse(w.exporter.URL)
	for _, name := range []string{"prometheus.yml", "rules.yml", "alertmanager.yml"} {
		data, err := os.ReadFile(filepath.Join("testdata/smoke", name))
		if err != nil {
			t.Fatal(err)
		}
		data = bytes.ReplaceAll(data, []byte("127.0.0.1:9743"), []byte(exporter.Host))
		data = bytes.ReplaceAll(data, []byte("http://127.0.0.1:8080"), []byte(w.receiver.URL))
		w.write(t, name, string(data))
	}
}

func (w *world) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w *world) start(t *testing.T) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var err error
	w.am, err = am.New(am.Options{
		ConfigFile: filepath.Join(w.dir, "alertmanager.yml"), DataDir: filepath.Join(w.dir, "am"), Address: "127.0.0.1:0", Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.am.Start(); err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(w.am.URL())
	w.write(t, "alertmanagers.json", fmt.Sprintf(`[{"targets": [%q]}]`, u.Host))
	w.prom, err = prom.New(prom.Options{
		ConfigFile: filepath.Join(w.dir, "prometheus.yml"), DataDir: filepath.Join(w.dir, "prom"), Address: "127.0.0.1:0",
		ResendDelay: 200 * time.Millisecond, Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.prom.Start(); err != nil {
		t.Fatal(err)
	}
}

// stop ends the servers in their order: who sends before who is sent to.
func (w *world) stop(t *testing.T) {
	t.Helper()
	if w.prom != nil {
		if err := w.prom.Stop(context.Background()); err != nil {
			t.Errorf("stop Prometheus: %v", err)
		}
	}
	if w.am != nil {
		if err := w.am.Stop(); err != nil {
			t.Errorf("stop Alertmanager: %v", err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func (w *world) message(t *testing.T) message {
	t.Helper()
	select {
	case m := <-w.messages:
		return m
	case <-time.After(patience):
		for _, path := range []string{"targets", "rules", "alertmanagers"} {
			t.Log(get(t, w.prom.URL()+"/api/v1/"+path))
		}
		t.Log(get(t, w.am.URL()+"/api/v2/alerts/groups"))
		t.Fatal("no message arrived")
		return message{}
	}
}

func (w *world) until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !done(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// metric returns a value without labels of Alertmanager's own /metrics.
func (w *world) metric(t *testing.T, name string) (value float64) {
	t.Helper()
	for line := range strings.Lines(get(t, w.am.URL()+"/metrics")) {
		if _, err := fmt.Sscanf(line, name+" %g", &value); err == nil {
			return value
		}
	}
	return 0
}

func get(t *testing.T, u string) string {
	t.Helper()
	res, err := http.Get(u)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s %q %v", u, res.Status, body, err)
	}
	return string(body)
}

// testLog shows what the servers log beside the test that they run in.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}
