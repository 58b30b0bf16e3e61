// Package secret keeps a value that must not be seen out of everything that
// prints.
package secret

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
)

// redacted stands for every value, whatever its length.
const redacted = "<secret>"

// Text is a secret text. Whatever prints it, alone or inside other values,
// prints "<secret>": the value stands behind a pointer, which fmt does not
// follow inside structs, and every encoder finds a method. The zero Text is
// empty. It is safe for concurrent use.
type Text struct{ value *string }

// New returns value as a Text.
func New(value string) Text {
	if value == "" {
		return Text{}
	}
	return Text{&value}
}

// Reveal returns the value, for the one place that needs it.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// IsZero reports whether there is no value.
func (t Text) IsZero() bool { return t.value == nil }

// String implements fmt.Stringer.
func (t Text) String() string {
	if t.value == nil {
		return ""
	}
	return redacted
}

// Format implements fmt.Formatter, so that no verb shows even the pointer.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.String())) }

// LogValue implements slog.LogValuer.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText keeps it out of JSON and every other text encoding.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// MarshalYAML keeps it out of YAML.
func (t Text) MarshalYAML() (any, error) { return t.String(), nil }

// UnmarshalYAML reads the value.
func (t *Text) UnmarshalYAML(unmarshal func(any) error) error {
	var s string
	if err := unmarshal(&s); err != nil {
		return errors.New("expected a text (a secret, not shown)")
	}
	*t = New(s)
	return nil
}

// ReadFile returns what the file holds, without white space around it. Read it
// anew for each use, so that a rotated secret is taken up without a reload. The
// error names the path and never the content.
func ReadFile(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	s := strings.TrimSpace(string(b))
	if s == "" {
		return "", fmt.Errorf("%s is empty, expected a secret in it", path)
	}
	return s, nil
}

// RedactError returns err with everything cut from the URLs of the *url.Error
// in it that may be secret: user, password, path, query and fragment. errors.Is
// and errors.As see what they saw before, but for the url.Error itself.
func RedactError(err error) error {
	ue, ok := errors.AsType[*url.Error](err)
	if !ok {
		return err
	}
	clean := *ue
	clean.URL = RedactURL(ue.URL)
	clean.Err = RedactError(ue.Err)
	return &clean
}

// RedactURL returns the scheme and host of a URL, and says that there was more.
func RedactURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "<url>"
	}
	bare := url.URL{Scheme: u.Scheme, Host: u.Host}
	if u.Path == "" && u.RawQuery == "" && u.User == nil {
		return bare.String()
	}
	return bare.String() + "/…"
}
