package email_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/channeltest"
	"github.com/bongsu/bongsu/receiver/email"
	"github.com/bongsu/bongsu/receiver/inbox"
)

func TestMain(m *testing.M) { channeltest.Main(m) }

const password = "s3cret-불꽃"

func TestExercise(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) channeltest.Rig{"starttls": startTLS, "implicit TLS": implicitTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channeltest.Exercise(t, bundle(start))
		})
	}
}

func bundle(start func(*testing.T) channeltest.Rig) channeltest.Bundle {
	at := func(step inbox.Step, code int) inbox.Fault {
		return inbox.Fault{Medium: inbox.Email, At: step, Code: code, Text: "the watch tower says so"}
	}
	drop := func(step inbox.Step) inbox.Fault {
		return inbox.Fault{Medium: inbox.Email, At: step, Drop: true}
	}
	return channeltest.Bundle{
		Medium: inbox.Email,
		Start:  start,
		Temporary: []channeltest.Case{
			{Name: "no greeting", Fault: drop(inbox.Greeting)},
			{Name: "450 greeting", Fault: at(inbox.Greeting, 450)},
			{Name: "454 auth", Fault: at(inbox.Auth, 454)},
			{Name: "451 mail", Fault: at(inbox.Mail, 451)},
			{Name: "450 rcpt", Fault: at(inbox.Rcpt, 450)},
			{Name: "552 rcpt", Fault: at(inbox.Rcpt, 552)},
			{Name: "451 data", Fault: at(inbox.Data, 451)},
			{Name: "452 data", Fault: at(inbox.Data, 452)},
			{Name: "dropped at mail", Fault: drop(inbox.Mail)},
			{Name: "dropped at data", Fault: drop(inbox.Data)},
		},
		Permanent: []channeltest.Case{
			{Name: "554 greeting", Fault: at(inbox.Greeting, 554)},
			{Name: "535 auth", Fault: at(inbox.Auth, 535)},
			{Name: "553 mail", Fault: at(inbox.Mail, 553)},
			{Name: "550 rcpt", Fault: at(inbox.Rcpt, 550)},
			{Name: "552 data", Fault: at(inbox.Data, 552)},
			{Name: "554 data", Fault: at(inbox.Data, 554)},
		},
		Delayed: []channeltest.Case{
			{Name: "421 greeting", Fault: at(inbox.Greeting, 421)},
			{Name: "421 hello", Fault: at(inbox.Hello, 421)},
			{Name: "421 mail", Fault: at(inbox.Mail, 421)},
			{Name: "421 rcpt", Fault: at(inbox.Rcpt, 421)},
			{Name: "421 data", Fault: at(inbox.Data, 421)},
		},
		Stalls: []inbox.Fault{
			{At: inbox.Greeting}, {At: inbox.Hello}, {At: inbox.Auth}, {At: inbox.Mail}, {At: inbox.Rcpt}, {At: inbox.Data}, {At: inbox.Reply},
		},
		Echo: func(secret string) inbox.Fault {
			return inbox.Fault{Medium: inbox.Email, At: inbox.Auth, Code: 535, Text: "wrong password " + secret}
		},
		Keyed:  true,
		Thread: channeltest.Replies,
	}
}

func startTLS(t *testing.T) channeltest.Rig {
	far := channeltest.Start(t, options())
	return rig(t, far, far.SMTP, "")
}

func implicitTLS(t *testing.T) channeltest.Rig {
	o := options()
	o.SMTP.Mechanisms = []string{"LOGIN"}
	far := channeltest.Start(t, o)
	return rig(t, far, far.SMTPS, "force_implicit_tls: true")
}

func options() inbox.Options {
	return inbox.Options{SMTP: inbox.SMTPOptions{Username: "bongsu", Password: password}}
}

func rig(t *testing.T, far *channeltest.Far, addr string, extra ...string) channeltest.Rig {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, log := channeltest.Build(t, email.Kind, fmt.Sprintf(`
channel:
  smarthost: %q
  from: "봉수 <bongsu@example.org>"
  to: ["당직자 <oncall@example.org>", dev@example.org]
  auth_username: bongsu
  auth_password_file: %q
  tls_config: {ca_file: %q}
  %s
`, addr, file, far.CAFile, strings.Join(extra, "\n  ")))
	return channeltest.Rig{Far: far, Built: b, Log: log, Secrets: []string{password}}
}

func TestBadConfigs(t *testing.T) {
	t.Parallel()
	channeltest.BadConfigs(t, email.Kind)
}

func TestExamples(t *testing.T) {
	t.Parallel()
	channeltest.Examples(t, email.Kind)
}

func TestHeader(t *testing.T) {
	t.Parallel()
	far := channeltest.Start(t, options())
	r := rig(t, far, far.SMTP, `headers: {X-Team: "봉수 팀", Reply-To: ops@example.org}`)
	if want := []string{`"당직자" <oncall@example.org>`, "dev@example.org"}; fmt.Sprint(r.Built.To) != fmt.Sprint(want) {
		t.Errorf("got recipients %q, want %q", r.Built.To, want)
	}
	m := receiver.Message{
		Key: "k1", To: r.Built.To[0], Text: "글", HTML: "<p>글</p>",
		Subject: "한 줄\r\nBcc: thief@example.org " + strings.Repeat("길다 ", 200),
	}
	receipt, err := r.Built.Channel.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	got := far.Messages()[0]
	for name, want := range map[string]string{
		"Auto-Submitted": "auto-generated",
		"List-Id":        "Bongsu alerts <bongsu.example.org>",
		"Reply-To":       "ops@example.org",
		"X-Team":         "=?UTF-8?b?67SJ7IiYIO2MgA==?=",
		"Message-Id":     receipt.ID,
		"Bcc":            "",
		"References":     "",
	} {
		if got := got.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if want := "한 줄 Bcc: thief@example.org 길다"; !strings.HasPrefix(got.Subject, want) || len([]rune(got.Subject)) != 250 || !strings.HasSuffix(got.Subject, "…") {
		t.Errorf("got subject %q", got.Subject)
	}
	if got.ToName != `당직자 <oncall@example.org>` || got.To != "oncall@example.org" || got.From != "bongsu@example.org" {
		t.Errorf("got to %q (%q) from %q", got.ToName, got.To, got.From)
	}
	if got.HTML != "<p>글</p>" || !got.TLS || got.User != "bongsu" {
		t.Errorf("got HTML %q, TLS %t, user %q", got.HTML, got.TLS, got.User)
	}
	for line := range strings.SplitSeq(string(got.Raw), "\r\n") {
		if len(line) > 78 {
			t.Errorf("a line of %d octets: %.100s", len(line), line)
		}
	}
}

func TestPasswordIsReadAnew(t *testing.T) {
	t.Parallel()
	far := channeltest.Start(t, options())
	file := filepath.Join(t.TempDir(), "password")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old")
	b, _ := channeltest.Build(t, email.Kind, fmt.Sprintf(`
channel: {smarthost: %q, from: a@example.org, to: "b@example.org, c@example.org", auth_username: bongsu, auth_password_file: %q, tls_config: {ca_file: %q}}`,
		far.SMTP, file, far.CAFile))
	m := receiver.Message{Key: "k", To: b.To[1], Text: "글"}
	if _, err := b.Channel.Send(t.Context(), m); !receiver.IsPermanent(err) {
		t.Fatalf("got %v, want a permanent error", err)
	}
	write(password)
	if _, err := b.Channel.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func TestTLSIsDemanded(t *testing.T) {
	t.Parallel()
	far := channeltest.Start(t, inbox.Options{SMTP: inbox.SMTPOptions{NoTLS: true}})
	for require, wantErr := range map[bool]string{true: "does not support STARTTLS", false: ""} {
		b, _ := channeltest.Build(t, email.Kind, fmt.Sprintf(`
channel: {smarthost: %q, from: a@example.org, to: b@example.org, require_tls: %t}`, far.SMTP, require))
		_, err := b.Channel.Send(t.Context(), receiver.Message{Key: "k", To: b.To[0], Text: "글"})
		if got := fmt.Sprint(err); (err == nil) != (wantErr == "") || !strings.Contains(got, wantErr) || receiver.IsPermanent(err) {
			t.Errorf("require_tls: %t: got %v, want %q", require, err, wantErr)
		}
	}
}

func TestUntrustedCertificate(t *testing.T) {
	t.Parallel()
	far := channeltest.Start(t, inbox.Options{})
	b, _ := channeltest.Build(t, email.Kind, fmt.Sprintf(`
channel: {smarthost: %q, from: a@example.org, to: b@example.org}`, far.SMTP))
	_, err := b.Channel.Send(t.Context(), receiver.Message{Key: "k", To: b.To[0], Text: "글"})
	if err == nil || receiver.IsPermanent(err) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v, want one of the certificate that is tried again", err)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	r := startTLS(t)
	for name, c := range map[string]struct {
		m    receiver.Message
		want string
	}{
		"empty":     {receiver.Message{To: "a@example.org", Text: " \n"}, "the message is empty"},
		"recipient": {receiver.Message{To: "not an address", Text: "x"}, `"not an address" is not a mail address`},
	} {
		_, err := r.Built.Channel.Send(t.Context(), c.m)
		if !receiver.IsPermanent(err) || err.Error() != c.want {
			t.Errorf("%s: got %v, want permanently %s", name, err, c.want)
		}
	}
	if n := len(r.Far.Messages()); n != 0 {
		t.Errorf("%d messages arrived", n)
	}
}
