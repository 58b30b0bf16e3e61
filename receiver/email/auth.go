package email

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"

	"github.com/bongsu/bongsu/internal/secret"
)

// credentials are what the config says of logging in. Nil logs nobody in.
type credentials struct {
	identity, username string
	password           secret.Text
	file               string // instead of password
}

// login reads the password, anew each time, for one conversation.
func (c *credentials) login(host string) (*login, error) {
	if c == nil {
		return nil, nil
	}
	password := c.password
	if c.file != "" {
		value, err := secret.ReadFile(c.file)
		if err != nil {
			return nil, err
		}
		password = secret.New(value)
	}
	return &login{identity: c.identity, username: c.username, password: password, host: host}, nil
}

// login is the smtp.Auth that speaks what the server offers.
type login struct {
	identity, username, host string
	password                 secret.Text
	smtp.Auth
}

// Start implements smtp.Auth. Both mechanisms refuse to speak without TLS, but
// to the own machine.
func (l *login) Start(server *smtp.ServerInfo) (string, []byte, error) {
	offers := func(mech string) bool {
		return slices.ContainsFunc(server.Auth, func(s string) bool { return strings.EqualFold(s, mech) })
	}
	switch {
	case offers("PLAIN"):
		l.Auth = smtp.PlainAuth(l.identity, l.username, l.password.Reveal(), l.host, false)
	case offers("LOGIN"):
		l.Auth = smtp.LoginAuth(l.username, l.password.Reveal(), l.host, false)
	default:
		return "", nil, fmt.Errorf("the server offers no login by PLAIN or LOGIN, but %q", strings.Join(server.Auth, " "))
	}
	return l.Auth.Start(server)
}

// scrub cuts the password from what the server said, should it repeat it.
func (l *login) scrub(err error) error {
	if l == nil {
		return err
	}
	password := l.password.Reveal()
	text := err.Error()
	for _, s := range []string{
		base64.StdEncoding.EncodeToString([]byte(l.identity + "\x00" + l.username + "\x00" + password)),
		base64.StdEncoding.EncodeToString([]byte(password)),
		password,
	} {
		text = strings.ReplaceAll(text, s, "<secret>")
	}
	if text == err.Error() {
		return err
	}
	return scrubbed{text, err}
}

// scrubbed is an error with another text. errors.As still finds the answer's
// code in it.
type scrubbed struct {
	text string
	err  error
}

func (s scrubbed) Error() string { return s.text }

// As hands out what is asked for by type; the chain itself stays closed, for
// its texts hold the secret.
func (s scrubbed) As(target any) bool { return errors.As(s.err, target) }
