package sms

import (
	"context"
	"net/http"
	"net/url"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/internal/strictyaml"
)

// aligoSettings are the settings of provider: aligo.
type aligoSettings struct {
	Shared *shared         `yaml:",inline"`
	Row    *row            `yaml:",inline"`
	Korean *koreanSettings `yaml:",inline"`

	UserID   string      `yaml:"user_id"`
	Key      secret.Text `yaml:"key"`
	KeyFile  string      `yaml:"key_file"`
	TestMode bool        `yaml:"test_mode"`
	Reply    aligoPaths  `yaml:"reply"`
}

// aligoPaths is where its answers have what matters. They are documented by
// those who read them, and so may be set.
type aligoPaths struct {
	ID      string `yaml:"id"`
	Code    string `yaml:"code"`
	Message string `yaml:"message"`
}

// aligo is the SMS API of Aligo. It answers 200 to what it refuses.
//
// Source: https://smartsms.aligo.in/admin/api/spec.html
type aligo struct {
	endpoint, user string
	test           bool
}

// aligoReply: 1 is success, and what is below zero none.
func aligoReply(at aligoPaths) reply {
	return reply{
		id:      some(at.ID),
		code:    some(at.Code),
		message: some(at.Message),
		verdicts: map[string]verdict{
			"1":    accepted,
			"-101": final, // key, user or address not known
			"-102": final,
		},
	}
}

// some is a list without a path that is empty.
func some(path string) []string {
	if path == "" {
		return nil
	}
	return []string{path}
}

func loadAligo(l *loader, ch *Channel) {
	set := aligoSettings{
		Shared: &l.shared, Row: &l.row, Korean: &l.korean,
		Reply: aligoPaths{ID: "msg_id", Code: "result_code", Message: "message"},
	}
	l.row.APIURL = "https://apis.aligo.in"
	if !l.decode(&set) {
		return
	}
	l.need("user_id", set.UserID)
	if set.Reply.Code == "" {
		l.bad(strictyaml.Path{"reply", "code"}, "reply: code: missing")
	}
	ch.secret = l.credential("key", set.Key, set.KeyFile, true)
	a := aligo{endpoint: l.endpoint("/send/"), user: set.UserID, test: set.TestMode}
	ch.provider = provider{request: a.request, judge: l.reply(aligoReply(set.Reply)).judge, korean: true}
}

func (a aligo) request(ctx context.Context, t text) (*http.Request, error) {
	form := url.Values{
		"key": {t.Secret}, "user_id": {a.user}, "sender": {t.From}, "receiver": {t.Domestic()},
		"msg": {t.Text}, "msg_type": {t.Kind()},
	}
	if t.Long {
		form.Set("title", t.Title)
	}
	if a.test {
		form.Set("testmode_yn", "Y")
	}
	return newForm(ctx, a.endpoint, form)
}
