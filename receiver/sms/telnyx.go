package sms

import (
	"context"
	"net/http"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/internal/strictyaml"
)

// telnyxSettings are the settings of provider: telnyx.
type telnyxSettings struct {
	Shared *shared `yaml:",inline"`
	Row    *row    `yaml:",inline"`
	World  *world  `yaml:",inline"`

	APIKey             secret.Text `yaml:"api_key"`
	APIKeyFile         string      `yaml:"api_key_file"`
	MessagingProfileID string      `yaml:"messaging_profile_id"`
}

// telnyx is the messaging API v2 of Telnyx. It is left to find the encoding
// itself: what it replaces by its smart encoding only makes a text shorter.
//
// Source: https://developers.telnyx.com/api/messaging/send-message
type telnyx struct{ endpoint, profile string }

// telnyxReply has the codes whose meaning differs from that of the status.
//
// Source: https://developers.telnyx.com/development/api-fundamentals/api-errors
func telnyxReply() reply {
	return reply{
		id:      []string{"data.id"},
		code:    []string{"errors.*.code", "data.errors.*.code"},
		message: []string{"errors.*.detail", "errors.*.title", "data.errors.*.detail"},
		verdicts: map[string]verdict{
			"10007": retry, // unexpected error
			"10008": retry, // request timeout
			"10011": later, // too many requests
		},
	}
}

func loadTelnyx(l *loader, ch *Channel) {
	set := telnyxSettings{Shared: &l.shared, Row: &l.row, World: &l.world}
	l.row.APIURL = "https://api.telnyx.com"
	if !l.decode(&set) {
		return
	}
	if l.shared.From == "" && set.MessagingProfileID == "" {
		l.bad(strictyaml.Path{"from"}, "expected from, messaging_profile_id or both")
	}
	ch.secret = l.credential("api_key", set.APIKey, set.APIKeyFile, true)
	t := telnyx{endpoint: l.endpoint("/v2/messages"), profile: set.MessagingProfileID}
	ch.provider = provider{request: t.request, judge: l.reply(telnyxReply()).judge, segments: 10}
}

func (x telnyx) request(ctx context.Context, t text) (*http.Request, error) {
	req, err := newJSON(ctx, x.endpoint, struct {
		From    string `json:"from,omitempty"`
		Profile string `json:"messaging_profile_id,omitempty"`
		To      string `json:"to"`
		Text    string `json:"text"`
	}{t.From, x.profile, t.To, t.Text})
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+t.Secret)
	return req, nil
}
