package sms

import (
	"context"
	"net/http"
	"net/url"

	"github.com/bongsu/bongsu/internal/secret"
)

// messageBirdSettings are the settings of provider: messagebird.
type messageBirdSettings struct {
	Shared *shared `yaml:",inline"`
	Row    *row    `yaml:",inline"`
	World  *world  `yaml:",inline"`

	AccessKey     secret.Text `yaml:"access_key"`
	AccessKeyFile string      `yaml:"access_key_file"`
}

// messageBird is the REST API of MessageBird, now Bird.
//
// Source: https://developers.messagebird.com/api/sms-messaging/
type messageBird struct{ endpoint string }

// messageBirdReply: what it takes it answers with 201, and a status for the
// recipient that is a word of success, or of a delivery that failed at once.
func messageBirdReply() reply {
	return reply{
		id:      []string{"id"},
		code:    []string{"errors.*.code", "recipients.items.*.status"},
		message: []string{"errors.*.description"},
		verdicts: map[string]verdict{
			"2":               final, // request not allowed
			"9":               final, // missing parameter
			"10":              final, // invalid parameter
			"20":              final, // not found
			"25":              final, // no credit left
			"98":              final, // no such path
			"99":              retry, // internal error
			"delivery_failed": final,
		},
		unknown: accepted, // sent, buffered, scheduled…
	}
}

// referenceBytes is how much of a delivery's key it takes for its reference.
const referenceBytes = 60

func loadMessageBird(l *loader, ch *Channel) {
	set := messageBirdSettings{Shared: &l.shared, Row: &l.row, World: &l.world}
	l.row.APIURL = "https://rest.messagebird.com"
	if !l.decode(&set) {
		return
	}
	l.need("from", l.shared.From)
	ch.secret = l.credential("access_key", set.AccessKey, set.AccessKeyFile, true)
	m := messageBird{endpoint: l.endpoint("/messages")}
	ch.provider = provider{request: m.request, judge: l.reply(messageBirdReply()).judge, segments: 9}
}

func (m messageBird) request(ctx context.Context, t text) (*http.Request, error) {
	coding := "plain"
	if !isGSM7(t.Text) {
		coding = "unicode"
	}
	form := url.Values{
		"originator": {digits(t.From)}, "recipients": {digits(t.To)}, "body": {t.Text}, "datacoding": {coding},
	}
	if t.Key != "" && len(t.Key) <= referenceBytes {
		form.Set("reference", t.Key)
	}
	req, err := newForm(ctx, m.endpoint, form)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "AccessKey "+t.Secret)
	return req, nil
}
