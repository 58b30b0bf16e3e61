package sms

import (
	"context"
	"net/http"
	"net/url"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/internal/strictyaml"
)

// plivoSettings are the settings of provider: plivo.
type plivoSettings struct {
	Shared *shared `yaml:",inline"`
	Row    *row    `yaml:",inline"`
	World  *world  `yaml:",inline"`

	AuthID        string      `yaml:"auth_id"`
	AuthToken     secret.Text `yaml:"auth_token"`
	AuthTokenFile string      `yaml:"auth_token_file"`
	PowerpackUUID string      `yaml:"powerpack_uuid"`
}

// plivo is an account of Plivo.
//
// Source: https://www.plivo.com/docs/messaging/api/message/send-a-message
type plivo struct{ endpoint, id, powerpack string }

// plivoReply: it tells errors in words alone, so the status judges them.
func plivoReply() reply {
	return reply{
		id:      []string{"message_uuid.0"},
		message: []string{"error", "error.message", "message"},
	}
}

func loadPlivo(l *loader, ch *Channel) {
	set := plivoSettings{Shared: &l.shared, Row: &l.row, World: &l.world}
	l.row.APIURL = "https://api.plivo.com"
	if !l.decode(&set) {
		return
	}
	l.need("auth_id", set.AuthID)
	if (l.shared.From == "") == (set.PowerpackUUID == "") {
		l.bad(strictyaml.Path{"powerpack_uuid"}, "expected exactly one of from, powerpack_uuid")
	}
	ch.secret = l.credential("auth_token", set.AuthToken, set.AuthTokenFile, true)
	p := plivo{
		endpoint: l.endpoint("/v1/Account/" + url.PathEscape(set.AuthID) + "/Message/"),
		id:       set.AuthID, powerpack: set.PowerpackUUID,
	}
	ch.provider = provider{request: p.request, judge: l.reply(plivoReply()).judge}
}

func (p plivo) request(ctx context.Context, t text) (*http.Request, error) {
	req, err := newJSON(ctx, p.endpoint, struct {
		Src       string `json:"src,omitempty"`
		Powerpack string `json:"powerpack_uuid,omitempty"`
		Dst       string `json:"dst"`
		Text      string `json:"text"`
	}{digits(t.From), p.powerpack, digits(t.To), t.Text})
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(p.id, t.Secret)
	return req, nil
}
