package sms

import (
	"context"
	"net/http"

	"github.com/bongsu/bongsu/internal/secret"
)

// infobipSettings are the settings of provider: infobip.
type infobipSettings struct {
	Shared *shared `yaml:",inline"`
	Row    *row    `yaml:",inline"`
	World  *world  `yaml:",inline"`

	APIKey     secret.Text `yaml:"api_key"`
	APIKeyFile string      `yaml:"api_key_file"`
	AuthScheme string      `yaml:"auth_scheme"`
}

// infobip is the SMS API v3 of Infobip. Each account has a host of its own.
//
// Source: https://www.infobip.com/docs/api/channels/sms
type infobip struct{ endpoint, scheme string }

// infobipReply: a recipient is refused within a 200. The status's group says
// what it comes to; its name is finer, for verdicts of the settings.
//
// Source: https://www.infobip.com/docs/essentials/api-essentials/response-status-and-error-codes
func infobipReply() reply {
	return reply{
		id:      []string{"messages.0.messageId"},
		hint:    []string{"messages.*.status.name", "errorCode"},
		code:    []string{"messages.*.status.groupId"},
		message: []string{"messages.*.status.description", "description", "requestError.serviceException.text"},
		verdicts: map[string]verdict{
			"0": accepted,
			"1": accepted, // pending
			"2": final,    // undeliverable
			"3": accepted, // delivered
			"4": retry,    // expired
			"5": final,    // rejected
		},
	}
}

func loadInfobip(l *loader, ch *Channel) {
	set := infobipSettings{Shared: &l.shared, Row: &l.row, World: &l.world, AuthScheme: "App"}
	if !l.decode(&set) {
		return
	}
	l.need("from", l.shared.From)
	ch.secret = l.credential("api_key", set.APIKey, set.APIKeyFile, true)
	i := infobip{endpoint: l.endpoint("/sms/3/messages"), scheme: set.AuthScheme}
	ch.provider = provider{request: i.request, judge: l.reply(infobipReply()).judge}
}

func (i infobip) request(ctx context.Context, t text) (*http.Request, error) {
	type destination struct {
		To string `json:"to"`
	}
	type content struct {
		Text string `json:"text"`
	}
	type message struct {
		Sender       string        `json:"sender"`
		Destinations []destination `json:"destinations"`
		Content      content       `json:"content"`
	}
	req, err := newJSON(ctx, i.endpoint, map[string][]message{
		"messages": {{digits(t.From), []destination{{digits(t.To)}}, content{t.Text}}},
	})
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", i.scheme+" "+t.Secret)
	return req, nil
}
