package inbox

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// SMTPOptions say how strict the mail server is.
type SMTPOptions struct {
	// Username and Password, if set, must be given before MAIL.
	Username, Password string
	// Mechanisms that AUTH offers; nil is PLAIN and LOGIN. Passwords are taken
	// over TLS alone.
	Mechanisms []string
	// NoTLS leaves STARTTLS out, and allows passwords without it.
	NoTLS bool
	// MaxBytes is the SIZE limit; zero is 1 MiB.
	MaxBytes int64
}

const (
	// maxLine is RFC 5322's limit of a line, without CRLF.
	maxLine = 998
	// idle is how long a client may say nothing.
	idle = time.Minute
)

// ServeSMTP serves mail on l, with STARTTLS, until Close.
func (in *Inbox) ServeSMTP(l net.Listener) error { return in.serveSMTP(l, "smtp") }

// ServeSMTPS serves mail on l over TLS from the first byte, until Close.
func (in *Inbox) ServeSMTPS(l net.Listener) error {
	return in.serveSMTP(tls.NewListener(l, in.tlsConfig()), "smtps")
}

func (in *Inbox) tlsConfig() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{in.cert.tls}, MinVersion: tls.VersionTLS12}
}

func (in *Inbox) serveSMTP(l net.Listener, via string) error {
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return in.newSession(c, via)
	}))
	s.Domain = "inbox.localhost"
	s.ErrorLog = slog.NewLogLogger(in.opts.Logger.Handler(), slog.LevelDebug)
	s.MaxMessageBytes = in.opts.SMTP.MaxBytes
	if s.MaxMessageBytes == 0 {
		s.MaxMessageBytes = 1 << 20
	}
	s.ReadTimeout, s.WriteTimeout = idle, idle
	s.AllowInsecureAuth = in.opts.SMTP.NoTLS
	if !in.opts.SMTP.NoTLS && via == "smtp" {
		s.TLSConfig = in.tlsConfig()
	}
	// The listener too: s knows it only from Serve on.
	if !in.onClose(func() { _ = s.Close(); _ = l.Close() }) {
		return l.Close()
	}
	return s.Serve(&greeter{Listener: l, in: in})
}

// onClose has f called by Close, or returns false if that is past.
func (in *Inbox) onClose(f func()) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return false
	}
	in.closers = append(in.closers, f)
	return true
}

// greeter hands on the connections that no fault of the greeting takes away.
type greeter struct {
	net.Listener
	in *Inbox
}

func (g *greeter) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		a := g.in.strike(Email, Greeting, "")
		if a == nil {
			return c, nil
		}
		go g.in.refuse(c, a)
	}
}

// refuse plays a server that is ill before its first word.
func (in *Inbox) refuse(c net.Conn, a *armed) {
	defer c.Close()
	switch {
	case a.Stall:
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			raw := c
			if t, ok := c.(*tls.Conn); ok {
				raw = t.NetConn() // a stalled server doesn't shake hands either
			}
			_, _ = io.Copy(io.Discard, raw) // ends when either side hangs up
		}()
		in.stall(a, gone)
		c.Close()
		<-gone
	case a.Drop:
	default:
		_ = c.SetDeadline(time.Now().Add(idle))
		fmt.Fprintf(c, "%d %s\r\n", a.Code, a.Text)
	}
}

// session is one client's conversation. go-smtp calls it from one goroutine.
type session struct {
	in   *Inbox
	conn *smtp.Conn
	via  string
	user string
	from string
	to   []string
}

func (in *Inbox) newSession(c *smtp.Conn, via string) (smtp.Session, error) {
	s := &session{in: in, conn: c, via: via}
	return s, s.interrupt(Hello, "")
}

// interrupt lets the fault of this moment answer; nil goes on.
func (s *session) interrupt(at Step, to string) error {
	a := s.in.strike(Email, at, to)
	switch {
	case a == nil:
		return nil
	case a.Stall:
		// The client's hanging up is not seen here: nobody reads meanwhile.
		s.in.stall(a, nil)
		s.cut()
		return reply(421, "stalled")
	case a.Drop:
		s.cut()
		return reply(421, "dropped")
	case a.Code == 421:
		defer s.cut()
		fmt.Fprintf(s.conn.Conn(), "421 %s\r\n", a.Text)
		return reply(421, a.Text)
	}
	return reply(a.Code, a.Text)
}

// cut resets the connection, so that the client learns of it at once.
func (s *session) cut() {
	c := s.conn.Conn()
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

func reply(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCodeNotSet, Message: text}
}

// AuthMechanisms implements smtp.AuthSession.
func (s *session) AuthMechanisms() []string {
	if ms := s.in.opts.SMTP.Mechanisms; ms != nil {
		return ms
	}
	return []string{sasl.Plain, sasl.Login}
}

// Auth implements smtp.AuthSession.
func (s *session) Auth(mech string) (sasl.Server, error) {
	if !slices.Contains(s.AuthMechanisms(), mech) {
		return nil, smtp.ErrAuthUnknownMechanism
	}
	switch mech {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, user, password string) error { return s.login(user, password) }), nil
	case sasl.Login:
		return &loginServer{login: s.login}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

func (s *session) login(user, password string) error {
	if err := s.interrupt(Auth, ""); err != nil {
		return err
	}
	want := s.in.opts.SMTP
	if want.Username != "" && (user != want.Username || password != want.Password) {
		return smtp.ErrAuthFailed
	}
	s.user = user
	return nil
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if err := s.interrupt(Mail, ""); err != nil {
		return err
	}
	if s.in.opts.SMTP.Username != "" && s.user == "" {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	}
	s.from = from
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.interrupt(Rcpt, to); err != nil {
		return err
	}
	s.to = append(s.to, to)
	return nil
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.interrupt(Data, s.to[0]); err != nil {
		return err
	}
	if err := checkLines(raw); err != nil {
		return err
	}
	m, err := readMail(raw)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: err.Error()}
	}
	m.Via, m.From, m.User = s.via, s.from, s.user
	_, m.TLS = s.conn.TLSConnectionState()
	for _, to := range s.to {
		m.To = to
		s.in.keep(m)
	}
	return s.interrupt(Reply, s.to[0])
}

// checkLines refuses what RFC 5322 does not allow and real servers refuse.
func checkLines(raw []byte) error {
	header := true
	for n, line := range bytes.Split(raw, []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			header = false
		}
		if len(line) > maxLine {
			return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: fmt.Sprintf("line %d is longer than %d octets", n+1, maxLine)}
		}
		if header && slices.ContainsFunc(line, func(b byte) bool { return b >= 0x80 }) {
			return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 7}, Message: fmt.Sprintf("line %d of the header is not ASCII", n+1)}
		}
	}
	return nil
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// loginServer is the LOGIN mechanism, which go-sasl has the client's half of.
type loginServer struct {
	login func(user, password string) error
	asked int
	user  string
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	l.asked++
	switch {
	case l.asked == 1 && response == nil:
		return []byte("Username:"), false, nil
	case l.user == "":
		l.user = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.login(l.user, string(response))
}
