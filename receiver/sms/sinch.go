package sms

import (
	"context"
	"net/http"
	"net/url"
	"regexp"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/internal/strictyaml"
)

// sinchSettings are the settings of provider: sinch.
type sinchSettings struct {
	Shared *shared `yaml:",inline"`
	Row    *row    `yaml:",inline"`
	World  *world  `yaml:",inline"`

	Region        string      `yaml:"region"`
	ServicePlanID string      `yaml:"service_plan_id"`
	APIToken      secret.Text `yaml:"api_token"`
	APITokenFile  string      `yaml:"api_token_file"`
}

// sinch is a service plan of Sinch.
//
// Source: https://developers.sinch.com/docs/sms/api-reference/
type sinch struct{ endpoint string }

// sinchReply: its codes are words that say no more than the status.
func sinchReply() reply {
	return reply{
		id:      []string{"id"},
		code:    []string{"code"},
		message: []string{"text", "message"},
	}
}

var sinchRegion = regexp.MustCompile(`^[a-z]{2,8}$`)

func loadSinch(l *loader, ch *Channel) {
	set := sinchSettings{Shared: &l.shared, Row: &l.row, World: &l.world, Region: "us"}
	if !l.decode(&set) {
		return
	}
	l.need("service_plan_id", set.ServicePlanID)
	l.need("from", l.shared.From)
	if !sinchRegion.MatchString(set.Region) {
		l.bad(strictyaml.Path{"region"}, "region: expected one such as us, eu, au, br, ca")
	}
	if l.row.APIURL == "" {
		l.row.APIURL = "https://" + set.Region + ".sms.api.sinch.com"
	}
	ch.secret = l.credential("api_token", set.APIToken, set.APITokenFile, true)
	s := sinch{endpoint: l.endpoint("/xms/v1/" + url.PathEscape(set.ServicePlanID) + "/batches")}
	ch.provider = provider{request: s.request, judge: l.reply(sinchReply()).judge}
}

func (s sinch) request(ctx context.Context, t text) (*http.Request, error) {
	req, err := newJSON(ctx, s.endpoint, struct {
		From string   `json:"from"`
		To   []string `json:"to"`
		Body string   `json:"body"`
	}{t.From, []string{t.To}, t.Text})
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+t.Secret)
	return req, nil
}
