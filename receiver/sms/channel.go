package sms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/receiver"
)

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// Channel sends SMS through one provider. It is safe for concurrent use.
type Channel struct {
	name     string
	provider provider
	client   *http.Client
	from     string
	secret   credential
	limits   limits
}

// credential is a secret, or the file that it is read from at every send.
type credential struct {
	value secret.Text
	file  string
}

func (c credential) read() (secret.Text, error) {
	if c.file == "" {
		return c.value, nil
	}
	s, err := secret.ReadFile(c.file)
	return secret.New(s), err
}

// Send implements receiver.Channel. The receipt's ID is the provider's, its
// Detail tells what it said and how many segments the text takes.
func (c *Channel) Send(ctx context.Context, m receiver.Message) (receiver.Receipt, error) {
	body := fit(clean(m.Text), c.limits)
	if body == "" {
		return receiver.Receipt{}, receiver.Permanent(errors.New("the message is empty"))
	}
	key, err := c.secret.read()
	if err != nil {
		return receiver.Receipt{}, err
	}
	r, err := c.post(ctx, text{To: m.To, From: c.from, Text: body, Key: m.Key, Secret: key.Reveal()})
	if err != nil {
		return receiver.Receipt{}, scrub(fmt.Errorf("%s: %w", c.name, err), key)
	}
	size := Measure(body)
	r.Detail = fmt.Sprintf("%s, %d × %s", r.Detail, size.Segments, size.Encoding)
	r.ID, r.Detail = scrubText(r.ID, key), scrubText(r.Detail, key)
	return r, nil
}

func (c *Channel) post(ctx context.Context, t text) (receiver.Receipt, error) {
	req, err := c.provider.request(ctx, t)
	if err != nil {
		return receiver.Receipt{}, receiver.Permanent(err)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		// The provider may have taken it: nothing here says that it has not.
		return receiver.Receipt{}, ended(ctx, secret.RedactError(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return receiver.Receipt{}, ended(ctx, fmt.Errorf("answer %d: %w", resp.StatusCode, err))
	}
	return c.provider.judge(answer{resp.StatusCode, resp.Header, body})
}

// ended puts the context's own reason before what it caused.
func ended(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("no answer in time: %w", cause)
	}
	return err
}

// clean is valid UTF-8 with plain line ends and no white space around it.
func clean(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n"))
}

// scrub cuts the secret from an error that repeats it, and keeps its verdict.
func scrub(err error, key secret.Text) error {
	text := scrubText(err.Error(), key)
	if text == err.Error() {
		return err
	}
	clean := errors.New(text)
	if delay, ok := receiver.RetryDelay(err); ok {
		return receiver.RetryAfter(delay, clean)
	}
	if receiver.IsPermanent(err) {
		return receiver.Permanent(clean)
	}
	return clean
}

func scrubText(s string, key secret.Text) string {
	if key.IsZero() {
		return s
	}
	for _, form := range []string{key.Reveal(), url.QueryEscape(key.Reveal())} {
		s = strings.ReplaceAll(s, form, "<secret>")
	}
	return s
}

// firstWords shortens what a provider says for an error or receipt.
func firstWords(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
	if r := []rune(s); len(r) > 200 {
		return string(r[:199]) + "…"
	}
	return s
}
