package stack_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bongsu/bongsu/deploy"
	"github.com/bongsu/bongsu/deploy/embedded/stack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func anywhere() map[stack.Part]stack.Address {
	m := map[stack.Part]stack.Address{}
	for _, p := range []stack.Part{stack.Receiver, stack.Alertmanager, stack.Exporter, stack.Prometheus} {
		m[p] = stack.Address{HostPort: "127.0.0.1:0"}
	}
	return m
}

// starter is the directory that "bongsu init" writes.
func starter(t *testing.T) stack.Dir {
	t.Helper()
	dir := t.TempDir()
	if err := deploy.Init(io.Discard, dir); err != nil {
		t.Fatal(err)
	}
	return stack.Dir(dir)
}

func options(dir stack.Dir) stack.Options {
	return stack.Options{Listen: anywhere(), Config: dir.Config, DataDir: dir.Data(), Logger: slog.New(slog.DiscardHandler)}
}

func start(t *testing.T, o stack.Options) *stack.Stack {
	t.Helper()
	s, err := stack.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *stack.Stack) {
	t.Helper()
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

// do makes one request on a connection of its own.
func do(t *testing.T, method, url, body string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	tr := &http.Transport{DisableKeepAlives: true}
	res, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data)
}

const webhook = `{"version":"4","groupKey":"{}:{alertname=\"재고\"}","status":"firing","receiver":"ops","groupLabels":{"alertname":"재고"},
"commonLabels":{"alertname":"재고"},"commonAnnotations":{},"externalURL":"http://127.0.0.1:9093","truncatedAlerts":0,
"alerts":[{"status":"firing","labels":{"alertname":"재고"},"annotations":{},"startsAt":"2026-11-22T09:00:00Z","endsAt":"0001-01-01T00:00:00Z",
"generatorURL":"","fingerprint":"c0ffee0000000001"}]}`

func silence() string {
	return fmt.Sprintf(`{"matchers":[{"name":"지점","value":"서울","isRegex":false}],"startsAt":%q,"endsAt":%q,"createdBy":"당직","comment":"점검"}`,
		time.Now().Format(time.RFC3339), time.Now().Add(time.Hour).Format(time.RFC3339))
}

// TestRestartKeepsState runs the starter directory, ends it, and starts it again: what was accepted and silenced is still there.
func TestRestartKeepsState(t *testing.T) {
	t.Parallel()
	dir := starter(t)
	s := start(t, options(dir))
	if code, text := do(t, http.MethodPost, s.URL(stack.Receiver)+"/webhook", webhook); code != http.StatusOK {
		t.Fatalf("webhook: %d %s", code, text)
	}
	if code, text := do(t, http.MethodPost, s.URL(stack.Alertmanager)+"/api/v2/silences", silence()); code != http.StatusOK {
		t.Fatalf("silence: %d %s", code, text)
	}
	stop(t, s)
	s = start(t, options(dir))
	for _, want := range []struct {
		part       stack.Part
		path, text string
	}{
		{stack.Receiver, "/api/v1/deliveries", "재고"},
		{stack.Alertmanager, "/api/v2/silences", "서울"},
		{stack.Prometheus, "/-/ready", "eady"},
		{stack.Exporter, "/-/ready", "ready"},
	} {
		if code, text := do(t, http.MethodGet, s.URL(want.part)+want.path, ""); code != http.StatusOK || !strings.Contains(text, want.text) {
			t.Errorf("%s%s: got %d %.300s, want %s", want.part, want.path, code, text, want.text)
		}
	}
}

// TestReload breaks two files: both parts are named and go on with what they had; mended, all take up the new.
func TestReload(t *testing.T) {
	t.Parallel()
	dir := starter(t)
	s := start(t, options(dir))
	receiver, rule := filepath.Join(string(dir), "receiver.yml"), filepath.Join(string(dir), "rules", "mine.yml")
	good := map[string][]byte{}
	for _, file := range []string{receiver, rule} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		good[file] = data
	}
	write(t, receiver, "channels: {}\nroute: []\n")
	write(t, rule, "groups: [{name: g, rules: [{alert: A, expr: 'sum('}]}]\n")
	err := s.Reload()
	if err == nil {
		t.Fatal("broken files were taken")
	}
	for _, want := range []string{"receiver: ", "receiver.yml:2", "prometheus: ", "mine.yml"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to name %s", err, want)
		}
	}
	if code, text := do(t, http.MethodPost, s.URL(stack.Receiver)+"/webhook", webhook); code != http.StatusOK {
		t.Errorf("webhook after a bad reload: %d %s", code, text)
	}
	for file, data := range good {
		write(t, file, string(data))
	}
	if err := s.Reload(); err != nil {
		t.Error(err)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestStandardPrometheus leaves prometheus.yml out: the standard one speaks of the addresses that there are.
func TestStandardPrometheus(t *testing.T) {
	t.Parallel()
	dir := starter(t)
	if err := os.Remove(filepath.Join(string(dir), "prometheus.yml")); err != nil {
		t.Fatal(err)
	}
	s := start(t, options(dir))
	_, config := do(t, http.MethodGet, s.URL(stack.Prometheus)+"/api/v1/status/config", "")
	at := s.Addresses()
	for _, addr := range []string{at.Receiver, at.Exporter, at.Alertmanager} {
		if !strings.Contains(config, addr) {
			t.Errorf("%s is not in %s", addr, config)
		}
	}
	if _, rules := do(t, http.MethodGet, s.URL(stack.Prometheus)+"/api/v1/rules", ""); !strings.Contains(rules, "Watchdog") {
		t.Errorf("no Watchdog in %.300s", rules)
	}
}

// TestBusyAddress holds one part's address: it is left if it may be, else it is an error that names the flag, and nothing goes on running.
func TestBusyAddress(t *testing.T) {
	t.Parallel()
	first := start(t, options(starter(t)))
	busy := map[stack.Part]string{stack.Receiver: first.Addresses().Receiver, stack.Alertmanager: first.Addresses().Alertmanager}
	for part, addr := range busy {
		o := options(starter(t))
		o.Listen[part] = stack.Address{HostPort: addr}
		_, err := stack.Start(t.Context(), o)
		if want := fmt.Sprintf("%[1]s: --%[1]s.listen-address=%[2]s: ", part, addr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	o := options(starter(t))
	for part, addr := range busy {
		o.Listen[part] = stack.Address{HostPort: addr, Movable: true}
	}
	s := start(t, o)
	var guide strings.Builder
	s.Guide(&guide, time.Second, s.Places(), nil)
	for part, addr := range busy {
		if want := fmt.Sprintf("%s is in use: %s listens on 127.0.0.1:", addr, part); !strings.Contains(guide.String(), want) {
			t.Errorf("no %q in\n%s", want, guide.String())
		}
	}
	if n := len(s.Moves()); n != len(busy) {
		t.Errorf("got %d moves, want %d", n, len(busy))
	}
}

// TestMissingFile says where one comes from.
func TestMissingFile(t *testing.T) {
	t.Parallel()
	for _, part := range []stack.Part{stack.Receiver, stack.Alertmanager, stack.Exporter} {
		dir := starter(t)
		if err := os.Remove(filepath.Join(string(dir), string(part)+".yml")); err != nil {
			t.Fatal(err)
		}
		_, err := stack.Start(t.Context(), options(dir))
		if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "bongsu init ") || !strings.HasPrefix(err.Error(), string(part)+": ") {
			t.Errorf("without %s.yml: got %v, want a word on bongsu init", part, err)
		}
	}
}

func TestStartEndsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := stack.Start(ctx, options(starter(t))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	dir := starter(t)
	usual := stack.Addresses{Receiver: "127.0.0.1:9744", Alertmanager: "127.0.0.1:9093", Exporter: "127.0.0.1:9743", Prometheus: "127.0.0.1:9090"}
	if got, err := dir.Warnings(usual); err != nil || len(got) > 0 {
		t.Errorf("the starter directory at its own addresses: got %q, %v, want no warning", got, err)
	}
	moved := stack.Addresses{Receiver: "127.0.0.1:974", Alertmanager: "[::]:19093", Exporter: "127.0.0.1:43", Prometheus: "127.0.0.1:90"}
	got, err := dir.Warnings(moved)
	if err != nil || len(got) != 3 {
		t.Fatalf("got %q, %v, want three warnings", got, err)
	}
	for i, want := range []string{"alertmanager.yml: no webhook_configs url has the receiver's port", "prometheus.yml: no target has Alertmanager's port", "nothing will be polled (it listens on 127.0.0.1:43)"} {
		if !strings.Contains(got[i], want) {
			t.Errorf("got %q, want %q", got[i], want)
		}
	}
	write(t, filepath.Join(string(dir), "prometheus.yml"), "scrape_configs: [{job_name: a, file_sd_configs: [{files: [a.json]}]}]\n")
	write(t, filepath.Join(string(dir), "alertmanager.yml"), "receivers: [{name: ops, webhook_configs: [{url_file: url}]}]\n")
	if got, err := dir.Warnings(moved); err != nil || len(got) > 0 {
		t.Errorf("files that name nothing themselves: got %q, %v, want no warning", got, err)
	}
}
