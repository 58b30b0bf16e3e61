package sms

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/internal/strictyaml"
	"github.com/bongsu/bongsu/receiver"
)

// twilioSettings are the settings of provider: twilio.
type twilioSettings struct {
	Shared *shared `yaml:",inline"`
	Row    *row    `yaml:",inline"`
	World  *world  `yaml:",inline"`

	AccountSID          string      `yaml:"account_sid"`
	AuthToken           secret.Text `yaml:"auth_token"`
	AuthTokenFile       string      `yaml:"auth_token_file"`
	MessagingServiceSID string      `yaml:"messaging_service_sid"`
}

// twilio is the account that messages are created in.
//
// Source: https://www.twilio.com/docs/messaging/api/message-resource
type twilio struct {
	endpoint, sid, service string
	verdicts               map[string]verdict
}

// twilioVerdicts are the error codes whose meaning differs from that of the
// HTTP status they come with, or which are worth telling apart.
//
// Source: https://www.twilio.com/docs/api/errors
func twilioVerdicts() map[string]verdict {
	return map[string]verdict{
		"14107": later, // message rate exceeded
		"20003": final, // authenticate
		"20429": later, // too many requests
		"20500": retry, // internal server error
		"20503": retry, // service unavailable
		"21211": final, // invalid To
		"21408": final, // region not enabled
		"21602": final, // no Body
		"21603": final, // no From
		"21606": final, // From can't send SMS
		"21610": final, // recipient has unsubscribed
		"21611": later, // From's queue is full
		"21612": final, // no route from From to To
		"21614": final, // To is no mobile number
		"21617": final, // Body too long
		"30001": retry, // queue overflow
		"30002": final, // account suspended
	}
}

func loadTwilio(l *loader, ch *Channel) {
	set := twilioSettings{Shared: &l.shared, Row: &l.row, World: &l.world}
	l.row.APIURL = "https://api.twilio.com"
	if !l.decode(&set) {
		return
	}
	if set.AccountSID == "" {
		l.bad(nil, "account_sid: missing")
	}
	if (l.shared.From == "") == (set.MessagingServiceSID == "") {
		l.bad(strictyaml.Path{"messaging_service_sid"}, "expected exactly one of from, messaging_service_sid")
	}
	ch.secret = l.credential("auth_token", set.AuthToken, set.AuthTokenFile, true)
	t := &twilio{
		endpoint: l.endpoint("/2010-04-01/Accounts/" + url.PathEscape(set.AccountSID) + "/Messages.json"),
		sid:      set.AccountSID,
		service:  set.MessagingServiceSID,
		verdicts: merge(twilioVerdicts(), l.row.Verdicts),
	}
	ch.provider = provider{request: t.request, judge: t.judge}
}

func (t *twilio) request(ctx context.Context, m text) (*http.Request, error) {
	form := url.Values{"To": {m.To}, "Body": {m.Text}}
	if t.service != "" {
		form.Set("MessagingServiceSid", t.service)
	} else {
		form.Set("From", m.From)
	}
	req, err := newForm(ctx, t.endpoint, form)
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(t.sid, m.Secret)
	return req, nil
}

func (t *twilio) judge(a answer) (receiver.Receipt, error) {
	var body struct {
		SID          string `json:"sid"`
		Status       any    `json:"status"` // a word, or the HTTP status of an error
		Code         int    `json:"code"`
		Message      string `json:"message"`
		ErrorCode    int    `json:"error_code"`
		ErrorMessage string `json:"error_message"`
	}
	broken := json.Unmarshal(a.body, &body)
	if a.status >= 200 && a.status < 300 {
		switch {
		case broken != nil || body.SID == "":
			return receiver.Receipt{}, fmt.Errorf("answer %d without a sid", a.status)
		case body.ErrorCode != 0:
			return receiver.Receipt{}, t.refusal(a, body.ErrorCode, body.ErrorMessage)
		}
		return receiver.Receipt{ID: body.SID, Detail: fmt.Sprint(body.Status)}, nil
	}
	return receiver.Receipt{}, t.refusal(a, body.Code, body.Message)
}

func (t *twilio) refusal(a answer, code int, message string) error {
	err := fmt.Errorf("answer %d, error %d: %s", a.status, code, oneLine(message))
	if code == 0 {
		err = fmt.Errorf("answer %d", a.status)
	}
	for _, key := range []string{strconv.Itoa(code), statusCode(a.status)} {
		if v, ok := t.verdicts[key]; ok && v != accepted {
			return v.apply(a, err)
		}
	}
	if a.status < 300 {
		return receiver.Permanent(err) // created, and failed for good there
	}
	return byStatus(a.status).apply(a, err)
}
