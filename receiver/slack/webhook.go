package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	slackapi "github.com/slack-go/slack"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/receiver"
)

// Webhook posts by an incoming webhook, the lesser mode: Slack doesn't tell
// what became of the message, so nothing is ever edited. It is safe for
// concurrent use.
type Webhook struct {
	url    credential
	client *http.Client
}

// Send implements receiver.Channel. The receipt has no Ref, and its ID is the
// delivery's own key.
func (w *Webhook) Send(ctx context.Context, m receiver.Message) (receiver.Receipt, error) {
	c := compose(m)
	if c.title == "" {
		return receiver.Receipt{}, receiver.Permanent(errors.New("slack webhook: the message is empty"))
	}
	url, err := w.url.read()
	if err != nil {
		return receiver.Receipt{}, err
	}
	if err := w.post(ctx, url.Reveal(), c); err != nil {
		return receiver.Receipt{}, scrub(fmt.Errorf("slack webhook: %w", err), url)
	}
	return receiver.Receipt{ID: m.Key, Detail: "posted"}, nil
}

// post does not use slack-go's: it drops the word that says what is wrong.
func (w *Webhook) post(ctx context.Context, url string, c content) error {
	no := false
	body, err := json.Marshal(slackapi.WebhookMessage{
		Text: c.title, Attachments: c.attachments, UnfurlLinks: &no, UnfurlMedia: &no,
	})
	if err != nil {
		return receiver.Permanent(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return receiver.Permanent(errors.New("malformed URL")) // it is the secret
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := w.client.Do(req)
	if err != nil {
		return fromLibrary(ctx, secret.RedactError(err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fromLibrary(ctx, err)
	}
	return judge(resp, strings.TrimSpace(string(answer)))
}

// judge: "ok" is success, another single word is an error code.
func judge(resp *http.Response, word string) error {
	switch {
	case resp.StatusCode == http.StatusOK && word == "ok":
		return nil
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 || !isWord(word):
		if resp.StatusCode == http.StatusOK {
			return errors.New("answer 200 that is not Slack's")
		}
		return byStatus(resp.StatusCode, resp.Header.Get("Retry-After"))
	case verdictOf(word) == retry && resp.StatusCode >= 400:
		return fmt.Errorf("%s: %w", word, byStatus(resp.StatusCode, ""))
	}
	return outcome(refused{code: word})
}

func isWord(s string) bool {
	return s != "" && len(s) < 64 && !strings.ContainsFunc(s, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') })
}
