package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/bongsu/bongsu/receiver"
)

const (
	// stepTimeout bounds every single wait for the server. RFC 5321 would
	// allow minutes; an alert had better try again.
	stepTimeout = 30 * time.Second
	// quitTimeout bounds the farewell: the mail is the server's already.
	quitTimeout = 2 * time.Second
)

// step names a part of the conversation in errors.
type step string

const (
	stepOpen step = "connect"
	stepMail step = "mail from"
	stepRcpt step = "rcpt to"
	stepData step = "data"
)

// line is the connection of one conversation. It is cut when ctx ends, at
// whatever step that finds it, and at the latest by Close: go-mail leaves a
// connection open when the server's greeting or EHLO goes wrong.
type line struct {
	ctx    context.Context
	server server
	conn   net.Conn
	timed  *timedConn
	stop   func() bool
}

func (l *line) dial(ctx context.Context, network string) (net.Conn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, network, l.server.addr)
	if err != nil {
		return nil, err
	}
	l.conn, l.timed = raw, &timedConn{Conn: raw, wait: stepTimeout}
	l.stop = context.AfterFunc(l.ctx, func() { raw.Close() })
	if !l.server.implicitTLS {
		return l.timed, nil
	}
	config, err := l.server.tlsConfig()
	if err != nil {
		return nil, err
	}
	conn := tls.Client(l.timed, config)
	return conn, conn.HandshakeContext(ctx)
}

// Close cuts the connection, if there is one.
func (l *line) Close() {
	if l.conn != nil {
		l.stop()
		l.conn.Close()
	}
}

// farewell says QUIT. What comes of it changes nothing.
func (l *line) farewell(client *smtp.Client) {
	l.timed.wait = quitTimeout
	_ = client.Quit()
}

// verdict says what an error of a step is to the outbox: 4yz and everything
// that is no answer is tried again, 421 stops the whole channel for a while,
// 5yz is final.
func (l *line) verdict(at step, err error) error {
	if cause := context.Cause(l.ctx); cause != nil {
		return fmt.Errorf("%s: %w", at, cause) // else it reads "use of closed network connection"
	}
	err = fmt.Errorf("%s: %w", at, err)
	var answer *textproto.Error
	switch {
	case !errors.As(err, &answer):
		return err
	case answer.Code == 421:
		return receiver.RetryAfter(0, err)
	case at == stepRcpt && answer.Code == 552:
		return err // "too many recipients" of old servers: RFC 5321 4.5.3.1.10 has it taken for 452
	case answer.Code >= 500:
		return receiver.Permanent(err)
	}
	return err
}

// timedConn gives every read and write its own deadline. go-mail sets one
// deadline for the whole conversation, which is ignored.
type timedConn struct {
	net.Conn
	wait time.Duration
}

func (c *timedConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.wait)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c *timedConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.wait)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// SetDeadline does nothing; Read and Write know better.
func (c *timedConn) SetDeadline(time.Time) error { return nil }
