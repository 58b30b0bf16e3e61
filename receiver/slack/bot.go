package slack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	slackapi "github.com/slack-go/slack"

	"github.com/bongsu/bongsu/receiver"
)

// Bot posts and edits with a bot's token. It is safe for concurrent use.
type Bot struct {
	api    string // with a slash at its end
	token  credential
	client *http.Client
	update bool
}

// Send implements receiver.Channel. The first message of a thread is posted,
// the next ones replace it in place; one that can't be edited any more is
// posted anew. The receipt's Ref is "CHANNELID/ts": Slack edits by the
// channel's ID alone.
func (b *Bot) Send(ctx context.Context, m receiver.Message) (receiver.Receipt, error) {
	c := compose(m)
	if c.title == "" {
		return receiver.Receipt{}, receiver.Permanent(errors.New("slack: the message is empty"))
	}
	token, err := b.token.read()
	if err != nil {
		return receiver.Receipt{}, err
	}
	api := slackapi.New(token.Reveal(), slackapi.OptionAPIURL(b.api), slackapi.OptionHTTPClient(bounded{b.client}))
	r, err := b.send(ctx, api, m, c)
	if err != nil {
		return receiver.Receipt{}, scrub(fmt.Errorf("slack: %w", err), token)
	}
	return r, nil
}

func (b *Bot) send(ctx context.Context, api *slackapi.Client, m receiver.Message, c content) (receiver.Receipt, error) {
	options := c.options(m.Key)
	channel, ts, ok := parseRef(m.ThreadRef)
	if !ok || !b.update {
		return post(ctx, api, m.To, options, "posted")
	}
	_, _, _, err := api.UpdateMessageContext(ctx, channel, ts, options...)
	err = fromLibrary(ctx, err)
	switch {
	case err == nil:
		return receiver.Receipt{ID: ts, Ref: m.ThreadRef, Detail: "edited"}, nil
	case mustPost(err):
		return post(ctx, api, m.To, options, "posted anew, the old one can't be edited")
	}
	return receiver.Receipt{}, fmt.Errorf("chat.update: %w", err)
}

func post(ctx context.Context, api *slackapi.Client, to string, options []slackapi.MsgOption, detail string) (receiver.Receipt, error) {
	channel, ts, err := api.PostMessageContext(ctx, to, options...)
	if err := fromLibrary(ctx, err); err != nil {
		return receiver.Receipt{}, fmt.Errorf("chat.postMessage: %w", err)
	}
	return receiver.Receipt{ID: ts, Ref: channel + "/" + ts, Detail: detail}, nil
}

// options carry the key as metadata, which readers don't see: by it a
// repetition after a lost answer can be known.
func (c content) options(key string) []slackapi.MsgOption {
	return []slackapi.MsgOption{
		slackapi.MsgOptionText(c.title, false),
		slackapi.MsgOptionAttachments(c.attachments...),
		slackapi.MsgOptionDisableLinkUnfurl(),
		slackapi.MsgOptionDisableMediaUnfurl(),
		slackapi.MsgOptionMetadata(slackapi.SlackMetadata{EventType: "bongsu_delivery", EventPayload: map[string]any{"key": key}}),
	}
}

// maxAnswer is how much of an answer is read.
const maxAnswer = 1 << 20

// bounded is the HTTP client that slack-go is given, which reads all there is.
type bounded struct{ client *http.Client }

// Do sends the request.
func (b bounded) Do(req *http.Request) (*http.Response, error) {
	resp, err := b.client.Do(req)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

// parseRef splits what a receipt of this channel holds.
func parseRef(ref string) (channel, ts string, ok bool) {
	channel, ts, ok = strings.Cut(ref, "/")
	return channel, ts, ok && channel != "" && ts != ""
}
