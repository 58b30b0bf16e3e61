package sms

import (
	"context"
	"net/http"
	"net/url"

	"github.com/bongsu/bongsu/internal/secret"
)

// vonageSettings are the settings of provider: vonage.
type vonageSettings struct {
	Shared *shared `yaml:",inline"`
	Row    *row    `yaml:",inline"`
	World  *world  `yaml:",inline"`

	APIKey        string      `yaml:"api_key"`
	APISecret     secret.Text `yaml:"api_secret"`
	APISecretFile string      `yaml:"api_secret_file"`
}

// vonage is the SMS API of Vonage, once Nexmo. It answers 200 to everything.
//
// Source: https://developer.vonage.com/en/api/sms
type vonage struct{ endpoint, key string }

// vonageReply: a long text has an answer for each of its parts.
//
// Source: https://developer.vonage.com/en/api-errors/sms
func vonageReply() reply {
	return reply{
		id:      []string{"messages.0.message-id"},
		code:    []string{"messages.*.status"},
		message: []string{"messages.*.error-text"},
		verdicts: map[string]verdict{
			"0":  accepted,
			"1":  later, // throttled
			"2":  final, // missing parameter
			"3":  final, // invalid parameter
			"4":  final, // invalid credentials
			"5":  retry, // internal error
			"6":  final, // invalid message, such as an unheard-of prefix
			"7":  final, // number barred
			"8":  final, // account barred
			"9":  final, // no credit left
			"10": later, // too many connections
			"11": final, // account not enabled for HTTP
			"12": final, // too long
			"14": final, // invalid signature
			"15": final, // invalid sender
		},
	}
}

func loadVonage(l *loader, ch *Channel) {
	set := vonageSettings{Shared: &l.shared, Row: &l.row, World: &l.world}
	l.row.APIURL = "https://rest.nexmo.com"
	if !l.decode(&set) {
		return
	}
	l.need("api_key", set.APIKey)
	l.need("from", l.shared.From)
	ch.secret = l.credential("api_secret", set.APISecret, set.APISecretFile, true)
	v := vonage{endpoint: l.endpoint("/sms/json"), key: set.APIKey}
	ch.provider = provider{request: v.request, judge: l.reply(vonageReply()).judge}
}

func (v vonage) request(ctx context.Context, t text) (*http.Request, error) {
	kind := "text"
	if !isGSM7(t.Text) {
		kind = "unicode"
	}
	return newForm(ctx, v.endpoint, url.Values{
		"api_key": {v.key}, "api_secret": {t.Secret},
		"from": {digits(t.From)}, "to": {digits(t.To)}, "text": {t.Text}, "type": {kind},
	})
}
