package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"
	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/bongsu/bongsu/receiver"
)

// Channel sends mail through one server. It keeps no connection between sends
// and is safe for concurrent use.
type Channel struct {
	server server
	auth   *credentials // nil sends without
	hello  string
	from   *mail.Address
	header []field
	now    func() time.Time
}

// server is whom to call and how.
type server struct {
	addr, host  string
	requireTLS  bool // by STARTTLS
	implicitTLS bool
	tls         *promconfig.TLSConfig
}

// Send implements receiver.Channel. The receipt's Ref is the Message-ID of the
// thread's first mail, its ID that of this one, its Detail the server's answer.
func (c *Channel) Send(ctx context.Context, m receiver.Message) (receiver.Receipt, error) {
	to, err := mail.ParseAddress(m.To)
	if err != nil {
		return receiver.Receipt{}, receiver.Permanent(fmt.Errorf("%q is not a mail address", m.To))
	}
	msg, id, err := c.compose(m, to)
	if err != nil {
		return receiver.Receipt{}, receiver.Permanent(err)
	}
	detail, err := c.transmit(ctx, msg, to.Address)
	if err != nil {
		return receiver.Receipt{}, fmt.Errorf("smtp %s: %w", c.server.addr, err)
	}
	ref := m.ThreadRef
	if ref == "" {
		ref = id
	}
	return receiver.Receipt{ID: id, Ref: ref, Detail: detail}, nil
}

// transmit holds one conversation, and returns the server's last word on the
// mail. go-mail's own Send is not used: it takes a failed RSET after the mail
// was accepted for a failure, and hides the server's answers.
func (c *Channel) transmit(ctx context.Context, msg *gomail.Msg, to string) (string, error) {
	login, err := c.auth.login(c.server.host)
	if err != nil {
		return "", err
	}
	line := &line{ctx: ctx, server: c.server}
	defer line.Close()
	client, err := c.open(ctx, line, login)
	if err != nil {
		return "", line.verdict(stepOpen, login.scrub(err))
	}
	if err := client.Mail("<" + c.from.Address + ">"); err != nil {
		return "", line.verdict(stepMail, err)
	}
	if err := client.Rcpt("<" + to + ">"); err != nil {
		return "", line.verdict(stepRcpt, err)
	}
	answer, err := data(client, msg)
	if err != nil {
		return "", line.verdict(stepData, err)
	}
	line.farewell(client)
	return answer, nil
}

// open dials, greets, and logs in.
func (c *Channel) open(ctx context.Context, line *line, login *login) (*smtp.Client, error) {
	opts := []gomail.Option{
		gomail.WithHELO(c.hello),
		gomail.WithDialContextFunc(func(ctx context.Context, network, _ string) (net.Conn, error) { return line.dial(ctx, network) }),
		gomail.WithTLSPolicy(gomail.NoTLS),
		gomail.WithoutSMTPUTF8(), // addresses and header are ASCII; the next server may not have it
	}
	tlsConfig, err := c.server.tlsConfig()
	if err != nil {
		return nil, err
	}
	if c.server.requireTLS && !c.server.implicitTLS {
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSMandatory), gomail.WithTLSConfig(tlsConfig))
	}
	if login != nil {
		opts = append(opts, gomail.WithSMTPAuthCustom(login))
	}
	client, err := gomail.NewClient(c.server.host, opts...)
	if err != nil {
		return nil, err
	}
	return client.DialToSMTPClientWithContext(ctx)
}

// tlsConfig is made for each conversation, so that renewed files are taken up.
func (s server) tlsConfig() (*tls.Config, error) {
	return promconfig.NewTLSConfig(s.tls)
}

// data sends the mail and waits for the verdict, which comes after the final
// dot. When that wait fails, nobody knows whether the server has it: the next
// attempt has the same Message-ID.
func data(client *smtp.Client, msg *gomail.Msg) (string, error) {
	w, err := client.Data()
	if err != nil {
		return "", err
	}
	if _, err := msg.WriteTo(w); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	closer, ok := w.(*smtp.DataCloser)
	if !ok {
		return "", errors.New("go-mail: the answer to DATA is not to be had")
	}
	return strings.TrimSpace(closer.ServerResponse()), nil
}
