package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.uber.org/goleak"

	"github.com/bongsu/bongsu/internal/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const hash = "$2a$04$je44OvLQKYwVTZgBq6Sx5uRzn0KvJAgG.2vfMbAoWzQzE7ki/mX5i"

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestRoutes(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	reg.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "bongsu_test", Help: "One."}))
	state := errors.New("storage is gone")
	reloadErr := errors.New("a.yml:3: unknown key")
	r := web.NewRouter(web.Options{
		Title: "Bongsu <exporter>", Description: "봉수", Registry: reg, Logger: quiet(),
		Links:  []web.Link{{Path: "/probe", Text: "Probe", Description: "all modules"}},
		Ready:  func() error { return state },
		Reload: func() error { return reloadErr },
	})
	ask := func(method, path string) (int, string) {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w.Code, w.Body.String()
	}
	want := func(method, path string, code int, text string) {
		t.Helper()
		if c, body := ask(method, path); c != code || !strings.Contains(body, text) {
			t.Errorf("%s %s: %d %q, want %d with %q", method, path, c, body, code, text)
		}
	}
	want("GET", "/-/healthy", 200, "healthy")
	want("GET", "/-/ready", 503, "not ready: storage is gone")
	want("POST", "/-/reload", 500, "the last good config stays: a.yml:3: unknown key")
	want("GET", "/-/reload", 405, "")
	want("GET", "/metrics", 200, "bongsu_test 0")
	want("GET", "/", 200, "Bongsu &lt;exporter&gt;")
	want("GET", "/", 200, "봉수")
	want("GET", "/", 200, `href="/probe"`)
	state, reloadErr = nil, nil
	want("GET", "/-/ready", 200, "ready")
	want("POST", "/-/reload", 200, "reloaded")
}

func flags(configFile string) *toolkit.FlagConfig {
	addrs, socket := []string{"127.0.0.1:0"}, false
	return &toolkit.FlagConfig{WebListenAddresses: &addrs, WebSystemdSocket: &socket, WebConfigFile: &configFile}
}

// A request that is under way when the end is asked for is answered.
func TestServeEndsGracefully(t *testing.T) {
	t.Parallel()
	ls, err := web.Listen(t.Context(), flags(""))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	begun, ended := make(chan struct{}), make(chan error, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-ctx.Done()
		_, _ = io.WriteString(w, "끝")
	})
	go func() { ended <- web.Serve(ctx, ls, h, flags(""), quiet()) }()
	go func() { <-begun; cancel() }()
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	res, err := (&http.Client{Transport: tr}).Get("http://" + ls[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if b, _ := io.ReadAll(res.Body); string(b) != "끝" {
		t.Errorf("body %q", b)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestServeBehindBasicAuth(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "web.yml")
	// The hash is of "봉화", cost 4.
	if err := os.WriteFile(file, []byte("basic_auth_users: {ops: "+hash+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ls, err := web.Listen(t.Context(), flags(file))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "in") })
	go func() { ended <- web.Serve(ctx, ls, h, flags(file), quiet()) }()
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	for password, want := range map[string]int{"": 401, "wrong": 401, "봉화": 200} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+ls[0].Addr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			req.SetBasicAuth("ops", password)
		}
		res, err := (&http.Client{Transport: tr}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("password %q: %d, want %d", password, res.StatusCode, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestListenNamesTheFlag(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	f := flags("")
	*f.WebListenAddresses = []string{"127.0.0.1:0", taken.Addr().String()}
	if _, err = web.Listen(t.Context(), f); err == nil || !strings.Contains(err.Error(), "--web.listen-address="+taken.Addr().String()) {
		t.Errorf("got %v", err)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{"127.0.0.1:0": false, "0.0.0.0:0": true} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := web.Open([]net.Listener{l}, flags("")); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
		if web.Open([]net.Listener{l}, flags("web.yml")) {
			t.Errorf("%s with a web config file counts as open", addr)
		}
		_ = l.Close()
	}
}
