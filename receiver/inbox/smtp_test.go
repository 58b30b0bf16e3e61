package inbox_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/bongsu/bongsu/receiver/inbox"
)

// startMail serves both mail servers of a new inbox.
func startMail(t *testing.T, o inbox.Options) (in *inbox.Inbox, addr, tlsAddr string, config *tls.Config) {
	t.Helper()
	in, err := inbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	serve := func(run func(net.Listener) error) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if err := run(l); err != nil {
				t.Error(err)
			}
		})
		return l.Addr().String()
	}
	addr, tlsAddr = serve(in.ServeSMTP), serve(in.ServeSMTPS)
	t.Cleanup(func() { in.Close(); wg.Wait() })
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(in.CertPEM())
	return in, addr, tlsAddr, &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
}

const plainMail = "From: a@example.org\r\nDate: Sun, 22 Nov 2026 09:00:00 +0900\r\nMessage-ID: <1@example.org>\r\n" +
	"Subject: =?UTF-8?B?67SJ7IiY?= =?UTF-8?Q?=EB=8C=80?=\r\nTo: =?UTF-8?B?64u57KeB?= <b@example.org>\r\n"

// send plays a client, and returns the code of the first refusal.
func send(c *smtp.Client, auth sasl.Client, mail string, to ...string) error {
	defer c.Close()
	if auth != nil {
		if err := c.Auth(auth); err != nil {
			return err
		}
	}
	if err := c.SendMail("a@example.org", to, strings.NewReader(mail)); err != nil {
		return err
	}
	return c.Quit()
}

func TestMail(t *testing.T) {
	t.Parallel()
	in, addr, tlsAddr, config := startMail(t, inbox.Options{SMTP: inbox.SMTPOptions{Username: "u", Password: "p"}})
	for _, c := range []struct {
		name string
		dial func() (*smtp.Client, error)
		auth sasl.Client
		want int
	}{
		{"starttls, plain", func() (*smtp.Client, error) { return smtp.DialStartTLS(addr, config) }, sasl.NewPlainClient("", "u", "p"), 0},
		{"starttls, login", func() (*smtp.Client, error) { return smtp.DialStartTLS(addr, config) }, sasl.NewLoginClient("u", "p"), 0},
		{"implicit, plain", func() (*smtp.Client, error) { return smtp.DialTLS(tlsAddr, config) }, sasl.NewPlainClient("", "u", "p"), 0},
		{"wrong password", func() (*smtp.Client, error) { return smtp.DialTLS(tlsAddr, config) }, sasl.NewPlainClient("", "u", "x"), 535},
		{"no login", func() (*smtp.Client, error) { return smtp.DialTLS(tlsAddr, config) }, nil, 530},
		{"in clear", func() (*smtp.Client, error) { return smtp.Dial(addr) }, sasl.NewPlainClient("", "u", "p"), 523},
	} {
		client, err := c.dial()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		err = send(client, c.auth, plainMail+"\r\n.a\r\n", "b@example.org", "c@example.org")
		if got := code(err); got != c.want {
			t.Errorf("%s: got %v, want %d", c.name, err, c.want)
		}
	}
	ms := in.Messages()
	if len(ms) != 6 {
		t.Fatalf("got %d messages, want 3 to 2 recipients each", len(ms))
	}
	m := ms[1]
	if m.Subject != "봉수대" || m.ToName != "당직 <b@example.org>" || m.To != "c@example.org" || m.Text != ".a\n" || m.User != "u" || !m.TLS || m.Via != "smtp" {
		t.Errorf("got %+v", m)
	}
	if ms[1].Repeated || !ms[2].Repeated {
		t.Error("the second copy to one recipient is the repeated one")
	}
}

func code(err error) int {
	if e, ok := errors.AsType[*smtp.SMTPError](err); ok {
		return e.Code
	}
	if err != nil {
		return -1
	}
	return 0
}

func TestMailRules(t *testing.T) {
	t.Parallel()
	in, addr, _, _ := startMail(t, inbox.Options{SMTP: inbox.SMTPOptions{NoTLS: true, MaxBytes: 5000}})
	for name, c := range map[string]struct {
		mail string
		want int
	}{
		"fine":          {plainMail + "\r\n글\r\n", 0},
		"line of 998":   {plainMail + "\r\n" + strings.Repeat("x", 998) + "\r\n", 0},
		"line of 999":   {plainMail + "\r\n" + strings.Repeat("x", 999) + "\r\n", 554},
		"8-bit subject": {"Subject: 봉수\r\n" + plainMail + "\r\n글\r\n", 554},
		"no date":       {"From: a@example.org\r\n\r\n글\r\n", 554},
		"no header":     {"글\r\n", 554},
		"too large":     {plainMail + "\r\n" + strings.Repeat("글글글글글\r\n", 500), 552},
		"bad base64":    {plainMail + "Content-Transfer-Encoding: base64\r\n\r\n!!\r\n", 554},
		"bad parts":     {plainMail + "Content-Type: multipart/mixed\r\n\r\n--x\r\n", 554},
	} {
		client, err := smtp.Dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		if ok, _ := client.Extension("STARTTLS"); ok {
			t.Error("STARTTLS is offered")
		}
		if err := send(client, nil, c.mail, "b@example.org"); code(err) != c.want {
			t.Errorf("%s: got %v, want %d", name, err, c.want)
		}
	}
	if n := len(in.Messages()); n != 2 {
		t.Errorf("got %d messages, want 2", n)
	}
}

func TestMailParts(t *testing.T) {
	t.Parallel()
	in, addr, _, _ := startMail(t, inbox.Options{SMTP: inbox.SMTPOptions{NoTLS: true}})
	client, err := smtp.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	mail := plainMail + "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n" +
		"--i\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=EB=B4=89=EC=88=98 a=3Db\r\n" +
		"--i\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+67SJ7IiYPC9iPg==\r\n--i--\r\n--o--\r\n"
	if err := send(client, nil, mail, "b@example.org"); err != nil {
		t.Fatal(err)
	}
	if m := in.Messages()[0]; m.Text != "봉수 a=b" || m.HTML != "<b>봉수</b>" {
		t.Errorf("got %q and %q", m.Text, m.HTML)
	}
}

func TestMailFaults(t *testing.T) {
	t.Parallel()
	in, addr, _, _ := startMail(t, inbox.Options{SMTP: inbox.SMTPOptions{NoTLS: true}})
	try := func(to string) string {
		client, err := smtp.Dial(addr)
		if err == nil {
			err = send(client, nil, plainMail+"\r\n글\r\n", to)
		}
		return fmt.Sprint(code(err))
	}
	in.Fail(inbox.Fault{Medium: inbox.Email, At: inbox.Rcpt, To: "c@example.org", Times: -1, Code: 550, Text: "no such user"})
	ill := in.Fail(inbox.Fault{Medium: inbox.Email, Times: -1, Code: 451, Text: "ill"})
	got := try("b@example.org") + try("b@example.org") + try("c@example.org")
	ill()
	got += " " + try("b@example.org") + try("c@example.org")
	in.Fail(inbox.Fault{Medium: inbox.Email, At: inbox.Reply, Drop: true})
	got += " " + try("b@example.org") + try("b@example.org")
	if got != "451451550 0550 -10" {
		t.Errorf("got %s", got)
	}
	if n := len(in.Messages()); n != 3 {
		t.Errorf("got %d messages, want 3: the unanswered one is kept", n)
	}
}
