// Package channeltest is the one suite that every channel passes: what a
// receiver.Channel promises, tried against an inbox that is well, ill in every
// way that its medium can be, and gone.
package channeltest

import (
	"bytes"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/bongsu/bongsu/internal/strictyaml"
	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/inbox"
)

// Main is the TestMain of a channel's package: no test leaves a goroutine.
func Main(m *testing.M) { goleak.VerifyTestMain(m) }

// Far is a far side on loopback, which ends with the test.
type Far struct {
	*inbox.Inbox
	// URL is where the inbox's Handler is served.
	URL string
	// SMTP and SMTPS are the addresses of the mail servers.
	SMTP, SMTPS string
	// CAFile holds the mail server's certificate.
	CAFile string

	close func()
}

// Start serves a new inbox.
func Start(t testing.TB, o inbox.Options) *Far {
	t.Helper()
	in, err := inbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	f := &Far{Inbox: in, CAFile: filepath.Join(t.TempDir(), "ca.pem")}
	if err := os.WriteFile(f.CAFile, in.CertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(in.Handler())
	f.URL = web.URL
	var wg sync.WaitGroup
	serve := func(run func(net.Listener) error) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if err := run(l); err != nil {
				t.Errorf("inbox: %v", err)
			}
		})
		return l.Addr().String()
	}
	f.SMTP, f.SMTPS = serve(in.ServeSMTP), serve(in.ServeSMTPS)
	f.close = sync.OnceFunc(func() {
		in.Close()
		wg.Wait()
		web.CloseClientConnections()
		web.Close()
	})
	t.Cleanup(f.close)
	return f
}

// Shut takes the far side away: connections are refused from now on.
func (f *Far) Shut() { f.close() }

// Load builds a channel from YAML whose key "channel" is its section. A nil
// logger is silence.
func Load(kind receiver.Kind, name string, yaml []byte, dir string, logger *slog.Logger) (receiver.Built, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	var file struct {
		Section strictyaml.Node `yaml:"channel"`
	}
	if _, err := strictyaml.Decode(name, yaml, &file); err != nil {
		return receiver.Built{}, err
	}
	return kind(receiver.Settings{Name: "test", Node: file.Section, Dir: dir, Logger: logger})
}

// Build is Load for settings that are right. They stand below the key
// "channel". What the channel logs goes to the Log.
func Build(t testing.TB, kind receiver.Kind, yaml string) (receiver.Built, *Log) {
	t.Helper()
	log := &Log{}
	b, err := Load(kind, "receiver.yml", []byte(yaml), t.TempDir(), slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	return b, log
}

// Log keeps what was logged. It is safe for concurrent use.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// String returns all of it.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
