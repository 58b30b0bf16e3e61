package sms

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/bongsu/bongsu/internal/secret"
)

// solapiSettings are the settings of provider: solapi.
type solapiSettings struct {
	Shared *shared         `yaml:",inline"`
	Row    *row            `yaml:",inline"`
	Korean *koreanSettings `yaml:",inline"`

	APIKey        string      `yaml:"api_key"`
	APISecret     secret.Text `yaml:"api_secret"`
	APISecretFile string      `yaml:"api_secret_file"`
}

// solapi is the messages API v4 of Solapi, once CoolSMS.
//
// Source: https://developers.solapi.com/references/messages/sendManyDetail
type solapi struct {
	endpoint, key string
	signing       signing
}

// solapiReply: what it takes has the code 2000; what it refuses stands in a
// list of its own, whatever the status.
func solapiReply() reply {
	return reply{
		id:      []string{"messageList.0.messageId", "groupInfo.groupId"},
		code:    []string{"failedMessageList.*.statusCode", "messageList.*.statusCode", "errorCode"},
		message: []string{"failedMessageList.*.statusMessage", "errorMessage"},
		verdicts: map[string]verdict{
			"2000": accepted,
		},
	}
}

func loadSolapi(l *loader, ch *Channel) {
	set := solapiSettings{Shared: &l.shared, Row: &l.row, Korean: &l.korean}
	l.row.APIURL = "https://api.solapi.com"
	if !l.decode(&set) {
		return
	}
	l.need("api_key", set.APIKey)
	ch.secret = l.credential("api_secret", set.APISecret, set.APISecretFile, true)
	s := solapi{endpoint: l.endpoint("/messages/v4/send-many/detail"), key: set.APIKey, signing: l.signing}
	ch.provider = provider{request: s.request, judge: l.reply(solapiReply()).judge, korean: true}
}

func (s solapi) request(ctx context.Context, t text) (*http.Request, error) {
	type message struct {
		To      string            `json:"to"`
		From    string            `json:"from"`
		Type    string            `json:"type"`
		Subject string            `json:"subject,omitempty"`
		Text    string            `json:"text"`
		Fields  map[string]string `json:"customFields,omitempty"`
	}
	m := message{To: t.Domestic(), From: t.From, Type: t.Kind(), Subject: t.Title, Text: t.Text}
	if t.Key != "" {
		m.Fields = map[string]string{"bongsu": t.Key}
	}
	req, err := newJSON(ctx, s.endpoint, struct {
		Messages []message `json:"messages"`
		ShowList bool      `json:"showMessageList"`
	}{[]message{m}, true})
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", s.authorization(t.Secret))
	return req, nil
}

// authorization signs a time and a salt, but nothing of the request.
//
// Source: https://developers.solapi.com/references/authentication/api-key
func (s solapi) authorization(secret string) string {
	date, salt := s.signing.now().UTC().Format(time.RFC3339), s.signing.salt()
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(date + salt))
	return fmt.Sprintf("HMAC-SHA256 apiKey=%s, date=%s, salt=%s, signature=%s", s.key, date, salt, hex.EncodeToString(mac.Sum(nil)))
}
