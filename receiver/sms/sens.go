package sms

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/bongsu/bongsu/internal/secret"
)

// sensSettings are the settings of provider: sens.
type sensSettings struct {
	Shared *shared         `yaml:",inline"`
	Row    *row            `yaml:",inline"`
	Korean *koreanSettings `yaml:",inline"`

	ServiceID     string      `yaml:"service_id"`
	AccessKey     string      `yaml:"access_key"`
	SecretKey     secret.Text `yaml:"secret_key"`
	SecretKeyFile string      `yaml:"secret_key_file"`
}

// sens is a project of Naver Cloud's Simple & Easy Notification Service.
//
// Source: https://api.ncloud-docs.com/docs/sens-sms-send
type sens struct {
	endpoint, path, access string
	now                    func() time.Time
}

// sensReply: it accepts with 202, and repeats that in its body. A clock that is
// more than five minutes off makes every request a 401.
func sensReply() reply {
	return reply{
		id:       []string{"requestId"},
		code:     []string{"statusCode", "error.errorCode"},
		message:  []string{"errorMessage", "error.message", "error.details", "errors.0", "statusName"},
		verdicts: map[string]verdict{"202": accepted},
	}
}

func loadSENS(l *loader, ch *Channel) {
	set := sensSettings{Shared: &l.shared, Row: &l.row, Korean: &l.korean}
	l.row.APIURL = "https://sens.apigw.ntruss.com"
	if !l.decode(&set) {
		return
	}
	l.need("service_id", set.ServiceID)
	l.need("access_key", set.AccessKey)
	ch.secret = l.credential("secret_key", set.SecretKey, set.SecretKeyFile, true)
	path := "/sms/v2/services/" + url.PathEscape(set.ServiceID) + "/messages"
	s := sens{endpoint: l.endpoint(path), path: path, access: set.AccessKey, now: l.signing.now}
	ch.provider = provider{request: s.request, judge: l.reply(sensReply()).judge, korean: true}
}

func (s sens) request(ctx context.Context, t text) (*http.Request, error) {
	type recipient struct {
		To string `json:"to"`
	}
	req, err := newJSON(ctx, s.endpoint, struct {
		Type        string      `json:"type"`
		ContentType string      `json:"contentType"`
		CountryCode string      `json:"countryCode"`
		From        string      `json:"from"`
		Subject     string      `json:"subject,omitempty"`
		Content     string      `json:"content"`
		Messages    []recipient `json:"messages"`
	}{t.Kind(), "COMM", "82", t.From, t.Title, t.Text, []recipient{{t.Domestic()}}})
	if err != nil {
		return nil, err
	}
	at := strconv.FormatInt(s.now().UnixMilli(), 10)
	req.Header.Set("x-ncp-apigw-timestamp", at)
	req.Header.Set("x-ncp-iam-access-key", s.access)
	req.Header.Set("x-ncp-apigw-signature-v2", s.sign(at, t.Secret))
	return req, nil
}

// sign covers the method, the path and the time, but not the body.
//
// Source: https://api.ncloud-docs.com/docs/common-ncpapi
func (s sens) sign(at, key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(http.MethodPost + " " + s.path + "\n" + at + "\n" + s.access))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
