// Package email sends messages by mail: one recipient a message, over STARTTLS
// or TLS from the first byte, HTML and plain text side by side, threaded by
// group. DESIGN.md says which answers are final.
package email

import (
	"fmt"
	"maps"
	"net"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/internal/strictyaml"
	"github.com/bongsu/bongsu/receiver"
)

// settings is the section "email" of a channel, spelled as Alertmanager's
// email_config where that has a word.
//
// Source: https://prometheus.io/docs/alerting/latest/configuration/#email_config
type settings struct {
	receiver.Common `yaml:",inline"`

	Smarthost string    `yaml:"smarthost"`
	Hello     string    `yaml:"hello"`
	From      string    `yaml:"from"`
	To        addresses `yaml:"to"`

	AuthUsername     string      `yaml:"auth_username"`
	AuthPassword     secret.Text `yaml:"auth_password"`
	AuthPasswordFile string      `yaml:"auth_password_file"`
	AuthIdentity     string      `yaml:"auth_identity"`

	RequireTLS       *bool                 `yaml:"require_tls"`
	ForceImplicitTLS *bool                 `yaml:"force_implicit_tls"`
	TLSConfig        *promconfig.TLSConfig `yaml:"tls_config"`

	Headers map[string]string `yaml:"headers"`
	Subject string            `yaml:"subject"`
	Text    *string           `yaml:"text"`
	HTML    *string           `yaml:"html"`

	Timeout     model.Duration `yaml:"timeout"`
	Concurrency int            `yaml:"concurrency"`
}

// addresses is a list, or Alertmanager's one text with commas.
type addresses []string

// UnmarshalYAML reads either form.
func (a *addresses) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if unmarshal(&one) == nil {
		*a = addresses{one}
		return nil
	}
	var list []string
	if err := unmarshal(&list); err != nil {
		return fmt.Errorf("expected an address or a list of addresses")
	}
	*a = list
	return nil
}

// Kind builds a mail channel. It reads the TLS files and, to see that it can,
// the password's; it connects to nothing.
func Kind(s receiver.Settings) (receiver.Built, error) {
	set := settings{
		Hello:       "localhost",
		Timeout:     model.Duration(time.Minute),
		Concurrency: 4,
	}
	if err := s.Node.Decode(&set); err != nil {
		return receiver.Built{}, err
	}
	l := loader{set: set, dir: s.Dir, node: s.Node}
	ch, to := l.load()
	if err := l.errs.Err(); err != nil {
		return receiver.Built{}, err
	}
	return receiver.Built{
		Channel:     ch,
		To:          to,
		Texts:       l.texts(),
		Common:      set.Common,
		Timeout:     time.Duration(set.Timeout),
		Concurrency: set.Concurrency,
	}, nil
}

// loader turns settings into a Channel and collects all that is wrong.
type loader struct {
	set  settings
	dir  string
	node strictyaml.Node
	errs strictyaml.Errors
}

func (l *loader) bad(key, format string, args ...any) {
	l.errs = append(l.errs, l.node.Errorf(strictyaml.Path{key}, "%s: "+format, append([]any{key}, args...)...))
}

func (l *loader) load() (*Channel, []string) {
	ch := &Channel{
		server: l.server(),
		from:   l.address("from", l.set.From),
		hello:  l.set.Hello,
		now:    time.Now,
	}
	ch.header = l.header()
	ch.auth = l.auth(ch.server)
	if l.set.Timeout <= 0 {
		l.bad("timeout", "must be above zero")
	}
	if l.set.Concurrency <= 0 {
		l.bad("concurrency", "must be above zero")
	}
	return ch, l.to()
}

func (l *loader) server() server {
	s := server{addr: l.set.Smarthost, requireTLS: l.set.RequireTLS == nil || *l.set.RequireTLS}
	if l.set.Smarthost == "" {
		l.bad("smarthost", "missing, expected host:port of the mail server")
		return s
	}
	host, port, err := net.SplitHostPort(l.set.Smarthost)
	if err != nil || host == "" || port == "" {
		l.bad("smarthost", "%q is not host:port", l.set.Smarthost)
		return s
	}
	s.host = host
	s.implicitTLS = port == "465"
	if f := l.set.ForceImplicitTLS; f != nil {
		s.implicitTLS = *f
	}
	s.tls = l.set.TLSConfig
	if s.tls == nil {
		s.tls = &promconfig.TLSConfig{}
	}
	s.tls.SetDirectory(l.dir)
	if s.tls.ServerName == "" {
		s.tls.ServerName = host
	}
	if _, err := promconfig.NewTLSConfig(s.tls); err != nil {
		l.bad("tls_config", "%v", err)
	}
	return s
}

func (l *loader) auth(s server) *credentials {
	set := l.set
	given := !set.AuthPassword.IsZero() || set.AuthPasswordFile != ""
	switch {
	case set.AuthUsername == "" && given:
		l.bad("auth_username", "missing, but a password is given")
	case set.AuthUsername == "":
		return nil
	case !given:
		l.bad("auth_username", "needs auth_password or auth_password_file")
	case !set.AuthPassword.IsZero() && set.AuthPasswordFile != "":
		l.bad("auth_password_file", "auth_password is given too, expected one of them")
	case !s.requireTLS && !s.implicitTLS && !isLocal(s.host):
		l.bad("require_tls", "false would send the password to %s in clear", s.host)
	}
	c := &credentials{identity: set.AuthIdentity, username: set.AuthUsername, password: set.AuthPassword}
	if set.AuthPasswordFile != "" {
		c.file = promconfig.JoinDir(l.dir, set.AuthPasswordFile)
		if _, err := secret.ReadFile(c.file); err != nil {
			l.bad("auth_password_file", "%v", err)
		}
	}
	return c
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (l *loader) to() []string {
	if len(l.set.To) == 0 {
		l.bad("to", "missing, expected an address or a list of them")
	}
	var to []string
	for _, text := range l.set.To {
		list, err := mail.ParseAddressList(text)
		if err != nil {
			l.bad("to", "%q is not a mail address", text)
			continue
		}
		for _, a := range list {
			if addr := l.address("to", a.String()); addr != nil {
				to = append(to, displayed(addr))
			}
		}
	}
	return to
}

// displayed is the form that a recipient is known by: readable, and parsed
// back by the next Send.
func displayed(a *mail.Address) string {
	if a.Name == "" {
		return a.Address
	}
	return fmt.Sprintf("%q <%s>", a.Name, a.Address)
}

func (l *loader) address(key, text string) *mail.Address {
	if text == "" {
		l.bad(key, "missing, expected a mail address")
		return nil
	}
	a, err := mail.ParseAddress(text)
	if err != nil {
		l.bad(key, "%q is not a mail address", text)
		return nil
	}
	if !isASCII(a.Address) {
		l.bad(key, "%q: only ASCII addresses are supported, write the domain in its xn-- form", a.Address)
		return nil
	}
	return a
}

// header checks the user's own fields. Subject is a template and becomes a
// Text; all others are sent as they stand.
func (l *loader) header() []field {
	var fields []field
	for _, name := range slices.Sorted(maps.Keys(l.set.Headers)) {
		value, canonical := l.set.Headers[name], textproto.CanonicalMIMEHeaderKey(name)
		path := strictyaml.Path{"headers", name}
		switch {
		case canonical == "Subject":
			if l.set.Subject != "" {
				l.errs = append(l.errs, l.node.Errorf(path, "headers: %s: subject is given too, expected one of them", name))
			}
			continue
		case !validName(name):
			l.errs = append(l.errs, l.node.Errorf(path, "headers: %q is not the name of a header field", name))
		case slices.Contains(ownFields(), canonical) || strings.HasPrefix(canonical, "Content-"):
			l.errs = append(l.errs, l.node.Errorf(path, "headers: %s is written by the channel itself", name))
		case strings.Contains(value, "{{"):
			l.errs = append(l.errs, l.node.Errorf(path, "headers: %s: only Subject may be a template", name))
		}
		fields = append(fields, field{name, oneLine(value)})
	}
	return fields
}

func validName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' })
}

func (l *loader) texts() receiver.Texts {
	t := receiver.Texts{
		Subject: `{{ template "bongsu.email.subject" . }}`,
		Text:    `{{ template "bongsu.email.text" . }}`,
		HTML:    `{{ template "bongsu.email.html" . }}`,
	}
	for name, value := range l.set.Headers {
		if strings.EqualFold(name, "subject") {
			t.Subject = value
		}
	}
	if l.set.Subject != "" {
		t.Subject = l.set.Subject
	}
	if l.set.Text != nil {
		t.Text = *l.set.Text
	}
	if l.set.HTML != nil {
		t.HTML = *l.set.HTML
	}
	return t
}
