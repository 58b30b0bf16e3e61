package demo

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bongsu/bongsu/deploy"
	"github.com/bongsu/bongsu/deploy/embedded/prom"
	"github.com/bongsu/bongsu/deploy/embedded/stack"
	"github.com/bongsu/bongsu/receiver/inbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// anywhere has all parts listen on free ports.
func anywhere() map[stack.Part]stack.Address {
	m := map[stack.Part]stack.Address{}
	for _, p := range []stack.Part{Part, stack.Receiver, stack.Alertmanager, stack.Exporter, stack.Prometheus} {
		m[p] = stack.Address{HostPort: "127.0.0.1:0"}
	}
	return m
}

// text is a writer that can be read while it is written to.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

func start(t *testing.T, o Options) *Demo {
	t.Helper()
	o.Listen = anywhere()
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	d, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(d.dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", d.dir, err)
		}
	})
	return d
}

// TestOnce is the whole line: the shop goes wrong, all three channels hear of it, and of its end.
func TestOnce(t *testing.T) {
	t.Parallel()
	var out text
	d := start(t, Options{Out: &out})
	if err := d.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	if i := unordered(got, "polled", "pending", "firing ", "grouped", "webhook", "in all", "well again", "polled", "resolved", "webhook", "in all"); i != "" {
		t.Errorf("no %q in its place in\n%s", i, got)
	}
	for _, want := range []string{"email  ", "sms  ", "slack  ", "[발생] 심각 ShopOrdersStuck", "[해결] 심각 ShopOrdersStuck", "#ops (the same message, edited)"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if s := d.director.journal.story(); s.State != "over" || len(s.Acts) != 2 {
		t.Errorf("got the story %+v, want two acts that are over", s)
	}
	noSecrets(t, d.dir, got)
}

// unordered returns the first word that doesn't come after those before it.
func unordered(s string, words ...string) string {
	for _, w := range words {
		_, after, ok := strings.Cut(s, w)
		if !ok {
			return w
		}
		s = after
	}
	return ""
}

func noSecrets(t *testing.T, dir, shown string) {
	t.Helper()
	for _, name := range []string{"smtp", "twilio", "slack"} {
		secret, err := os.ReadFile(filepath.Join(dir, "secrets", name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(shown, string(secret)) {
			t.Errorf("the secret of %s is shown", name)
		}
	}
}

// TestOnceNamesTheMissedHop breaks one channel: the others deliver, and the error says which hop was missed and why.
func TestOnceNamesTheMissedHop(t *testing.T) {
	t.Parallel()
	var out text
	d := start(t, Options{
		Out:    &out,
		Logger: slog.New(slog.DiscardHandler),
		limits: limits{Prometheus: 15 * time.Second, Webhook: 15 * time.Second, Channel: time.Second},
		sick: func(in *inbox.Inbox) {
			in.Fail(inbox.Fault{Medium: inbox.Slack, Times: -1, Code: 503, Text: "아프다"})
		},
	})
	err := d.Once(t.Context())
	var m *missed
	if !errors.As(err, &m) || m.hop != "slack" || !strings.Contains(err.Error(), `hop "slack" of the firing alert: not seen within 1s: pending after `) {
		t.Errorf("got %v, want the hop slack with what the receiver knows", err)
	}
	if got := out.String(); !strings.Contains(got, "email  ") || !strings.Contains(got, "sms  ") || !strings.Contains(got, "slack     missed") {
		t.Errorf("got\n%s\nwant email and sms seen, slack missed", got)
	}
	if s := d.director.journal.story(); s.State != "missed" {
		t.Errorf("got the story %+v, want missed", s)
	}
}

// TestStartLeavesNothing takes the port of the last part, when all others run already.
func TestStartLeavesNothing(t *testing.T) {
	t.Parallel()
	taken := start(t, Options{Out: &text{}})
	listen := anywhere()
	listen[stack.Prometheus] = stack.Address{HostPort: taken.stack.Addresses().Prometheus}
	_, err := Start(t.Context(), Options{Listen: listen, Out: &text{}, Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "--prometheus.listen-address="+taken.stack.Addresses().Prometheus) {
		t.Errorf("got %v, want an error that names the flag", err)
	}
}

// TestFiles loads the demo's files by the loaders of everybody's files.
func TestFiles(t *testing.T) {
	t.Parallel()
	v := values{
		Dir: t.TempDir(), Demo: "127.0.0.1:1", SMTP: "127.0.0.1:2", TwilioSID: "AC0",
		Addresses: stack.Addresses{Receiver: "127.0.0.1:3", Alertmanager: "127.0.0.1:4", Exporter: "127.0.0.1:5", Prometheus: "127.0.0.1:6"},
	}
	in, err := inbox.New(inbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	err = errors.Join(newSecrets().write(v.Dir), writeRules(v.Dir), os.WriteFile(filepath.Join(v.Dir, "inbox.pem"), in.CertPEM(), 0o600))
	for _, p := range []stack.Part{stack.Receiver, stack.Alertmanager, stack.Exporter, stack.Prometheus} {
		_, e := render(p, v)
		err = errors.Join(err, e)
	}
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := deploy.Check(&out, v.Dir); err != nil {
		t.Error(err)
	}
	for _, file := range []string{"exporter.yml: ok (exporter)", "receiver.yml: ok (receiver)", "alertmanager.yml: ok (alertmanager)", "demo.yml: ok (rules)"} {
		if !strings.Contains(out.String(), file) {
			t.Errorf("no %q in\n%s", file, out.String())
		}
	}
	p, err := prom.New(prom.Options{
		ConfigFile: filepath.Join(v.Dir, "prometheus.yml"), DataDir: t.TempDir(), Address: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}
