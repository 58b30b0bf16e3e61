package sms

import (
	"context"
	"net/http"
	"net/url"

	"github.com/bongsu/bongsu/internal/secret"
)

// nhnSettings are the settings of provider: nhn.
type nhnSettings struct {
	Shared *shared         `yaml:",inline"`
	Row    *row            `yaml:",inline"`
	Korean *koreanSettings `yaml:",inline"`

	AppKey        secret.Text `yaml:"app_key"`
	SecretKey     secret.Text `yaml:"secret_key"`
	SecretKeyFile string      `yaml:"secret_key_file"`
	APIVersion    string      `yaml:"api_version"`
	SecretHeader  string      `yaml:"secret_header"`
}

// nhn is the SMS service of NHN Cloud. It answers 200 to what it refuses.
//
// Source: https://github.com/TOAST-DOCS/SMS, ko/api-guide.md
type nhn struct{ endpoint, header string }

// nhnReply: one code is of the request, one of the recipient.
//
// Source: https://github.com/TOAST-DOCS/SMS, ko/error-code.md
func nhnReply() reply {
	table := map[string]verdict{
		"0":     accepted,
		"-2021": retry, // could not be put into their queue
		"-9999": retry, // system error
	}
	return reply{
		id:      []string{"body.data.requestId"},
		code:    []string{"header.resultCode", "body.data.sendResultList.*.resultCode"},
		message: []string{"body.data.sendResultList.*.resultMessage", "header.resultMessage"},
		verdicts: codes(final, `
			-1000 -1001 -1002 -1003 -1004 -1005 -1006 -1007 -1008
			-2001 -2014 -2015 -2018 -2019 -2022 -2023 -2024
			-2103 -2105 -2114 -2312 -2313 -6001
			-9995 -9996 -9997 -9998`, table),
	}
}

func loadNHN(l *loader, ch *Channel) {
	set := nhnSettings{
		Shared: &l.shared, Row: &l.row, Korean: &l.korean,
		APIVersion: "v3.0", SecretHeader: "X-Secret-Key",
	}
	l.row.APIURL = "https://api-sms.cloud.toast.com"
	if !l.decode(&set) {
		return
	}
	l.need("app_key", set.AppKey.Reveal())
	l.need("api_version", set.APIVersion)
	l.need("secret_header", set.SecretHeader)
	ch.secret = l.credential("secret_key", set.SecretKey, set.SecretKeyFile, true)
	ch.hidden = []secret.Text{set.AppKey}
	path := "/sms/" + url.PathEscape(set.APIVersion) + "/appKeys/" + url.PathEscape(set.AppKey.Reveal()) + "/sender/"
	n := nhn{endpoint: l.endpoint(path), header: set.SecretHeader}
	ch.provider = provider{request: n.request, judge: l.reply(nhnReply()).judge, korean: true}
}

func (n nhn) request(ctx context.Context, t text) (*http.Request, error) {
	type recipient struct {
		No string `json:"recipientNo"`
	}
	target := n.endpoint + "sms"
	if t.Long {
		target = n.endpoint + "mms" // an LMS is an MMS without a picture there
	}
	req, err := newJSON(ctx, target, struct {
		Title string      `json:"title,omitempty"`
		Body  string      `json:"body"`
		From  string      `json:"sendNo"`
		Key   string      `json:"senderGroupingKey,omitempty"`
		To    []recipient `json:"recipientList"`
	}{t.Title, t.Text, t.From, t.Key, []recipient{{t.Domestic()}}})
	if err != nil {
		return nil, err
	}
	req.Header.Set(n.header, t.Secret)
	return req, nil
}
