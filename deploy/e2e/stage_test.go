//go:build e2e

package e2e

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/bongsu/bongsu/receiver/inbox"
)

// The recipients of every story.
const (
	mailTo  = "oncall@example.org"
	phoneTo = "+821012345678"
	chatTo  = "#운영"
)

// stage is the far side and a folder of config files whose addresses are known
// before anything listens on them.
type stage struct {
	Dir, Root                              string
	Inbox                                  *inbox.Inbox
	InboxURL, SMTP                         string
	Exporter, Receiver, Alertmanager, Prom string
	PostgresDSN, MariaDSN, Hook, Interval  string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	in, err := inbox.New(inbox.Options{
		Logger: slog.New(slog.NewTextHandler(testWriter{t}, nil)),
		Limit:  100_000,
		SMTP:   inbox.SMTPOptions{Username: "bongsu", Password: "암호-smtp"},
		Slack:  inbox.SlackOptions{Token: "xoxb-e2e"},
		Twilio: inbox.TwilioOptions{AccountSID: "AC0", AuthToken: "token-e2e"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(in.Close)
	s := &stage{Dir: t.TempDir(), Inbox: in}
	for _, addr := range []*string{&s.Exporter, &s.Receiver, &s.Alertmanager} {
		*addr = "127.0.0.1:" + freePort(t)
	}
	s.SMTP = serveSMTP(t, in)
	s.InboxURL = "http://" + serveHTTP(t, in.Handler())
	for name, text := range map[string]string{
		"smtp.password": "암호-smtp", "twilio.token": "token-e2e", "slack.token": "xoxb-e2e", "ca.pem": string(in.CertPEM()),
	} {
		writeFile(t, s.Dir, name, text)
	}
	return s
}

// testWriter puts a log into the test's.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func serveSMTP(t *testing.T, in *inbox.Inbox) string {
	t.Helper()
	l := listen(t)
	go func() { _ = in.ServeSMTP(l) }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return "localhost:" + port
}

func serveHTTP(t *testing.T, h http.Handler) string {
	t.Helper()
	l := listen(t)
	srv := &http.Server{Handler: h}
	t.Cleanup(func() { _ = srv.Close() })
	go func() { _ = srv.Serve(l) }()
	return l.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// write fills testdata/NAME.tmpl and puts it into the stage's folder as NAME.
func (s *stage) write(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		tmpl, err := template.New(filepath.Base(name)+".tmpl").Delims("<<", ">>").ParseFiles(filepath.Join("testdata", name+".tmpl"))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := tmpl.Execute(&b, s); err != nil {
			t.Fatal(err)
		}
		writeFile(t, s.Dir, name, b.String())
	}
}

func (s *stage) rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(s.path(from), s.path(to)); err != nil {
		t.Fatal(err)
	}
}

func (s *stage) path(name string) string { return filepath.Join(s.Dir, name) }

func (s *stage) receiverCmd(t *testing.T) *exec.Cmd {
	return bongsu(t, "receiver", "--config.file="+s.path("receiver.yml"), "--storage=sqlite:"+s.path("outbox.db"), "--web.listen-address="+s.Receiver)
}

func (s *stage) startReceiver(t *testing.T) *process {
	t.Helper()
	p := start(t, s.receiverCmd(t))
	p.awaitHTTP(t, url(s.Receiver, "/-/ready"))
	return p
}

func (s *stage) startExporter(t *testing.T) *process {
	t.Helper()
	p := start(t, bongsu(t, "exporter", "--config.file="+s.path("exporter.yml"), "--web.listen-address="+s.Exporter))
	p.awaitHTTP(t, url(s.Exporter, "/-/ready"))
	return p
}

// await waits until the far side has what is asked for.
func (s *stage) await(t *testing.T, what string, enough func([]inbox.Message) bool) []inbox.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ms, err := s.Inbox.Wait(ctx, enough)
	if err != nil {
		for _, m := range ms[max(0, len(ms)-20):] {
			t.Logf("got %s to %s: %q, %d edits", m.Medium, m.To, m.Subject, len(m.Earlier))
		}
		t.Fatalf("waited %s for: %s", patience, what)
	}
	return ms
}

// of returns the messages of one medium.
func of(ms []inbox.Message, medium inbox.Medium) []inbox.Message {
	var some []inbox.Message
	for _, m := range ms {
		if m.Medium == medium {
			some = append(some, m)
		}
	}
	return some
}
