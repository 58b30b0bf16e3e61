package sms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
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
	// hidden are secrets that stand in the settings and are not to be shown.
	hidden   []secret.Text
	composer composer
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
	l := c.composer.compose(m)
	if l.text == "" {
		return receiver.Receipt{}, receiver.Permanent(errors.New("the message is empty"))
	}
	key, err := c.secret.read()
	if err != nil {
		return receiver.Receipt{}, err
	}
	secrets := append([]secret.Text{key}, c.hidden...)
	r, err := c.post(ctx, text{
		To: m.To, From: c.from, Text: l.text, Title: l.title, Long: l.long, Key: m.Key, Secret: key.Reveal(),
	})
	if err != nil {
		return receiver.Receipt{}, scrub(fmt.Errorf("%s: %w", c.name, err), secrets)
	}
	r.Detail += ", " + l.size
	r.ID, r.Detail = scrubText(r.ID, secrets), short(scrubText(r.Detail, secrets))
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

// scrub cuts secrets from an error that repeats them, and what is too long to
// be read, and keeps its verdict. It is cut last, lest half a secret be left.
func scrub(err error, secrets []secret.Text) error {
	text := short(scrubText(err.Error(), secrets))
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

func scrubText(s string, secrets []secret.Text) string {
	for _, key := range secrets {
		if key.IsZero() {
			continue
		}
		for _, form := range written(key.Reveal()) {
			s = strings.ReplaceAll(s, form, "<secret>")
		}
	}
	return s
}

// written are the forms in which an answer may repeat s.
func written(s string) []string {
	forms := []string{s, strings.Trim(strconv.QuoteToASCII(s), `"`), url.QueryEscape(s), url.PathEscape(s)}
	if quoted, err := json.Marshal(s); err == nil {
		forms = append(forms, strings.Trim(string(quoted), `"`))
	}
	for _, f := range forms { // as PHP writes JSON
		forms = append(forms, strings.ReplaceAll(f, "/", `\/`))
	}
	return forms
}

// oneLine is what a provider says, for an error or receipt.
func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
}

// short is what of it is worth keeping.
func short(s string) string {
	if r := []rune(s); len(r) > 250 {
		return string(r[:249]) + "…"
	}
	return s
}
