package inbox_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bongsu/bongsu/receiver/inbox"
)

func TestTwilio(t *testing.T) {
	t.Parallel()
	in, base := start(t, inbox.Options{Twilio: inbox.TwilioOptions{AccountSID: "AC0", AuthToken: "t", Unsubscribed: []string{"+15550000000"}}})
	const to, from = "+821012345678", "+15005550006"
	for _, c := range []struct {
		name, token, to, from, service, body, want string
	}{
		{"hangul", "t", to, from, "", strings.Repeat("글", 71), `201 "num_segments":"2"`},
		{"gsm", "t", to, from, "", strings.Repeat("a", 160), `201 "num_segments":"1"`},
		{"escape", "t", to, from, "", strings.Repeat("{", 81), `201 "num_segments":"2"`},
		{"service", "t", to, "", "MG0", "글", `201 "num_segments":"0"`},
		{"token", "x", to, from, "", "글", `401 "code":20003`},
		{"number", "t", "010-1234", from, "", "글", `400 "code":21211`},
		{"no from", "t", to, "", "", "글", `400 "code":21603`},
		{"no body", "t", to, from, "", "", `400 "code":21602`},
		{"1600", "t", to, from, "", strings.Repeat("글", 1600), `201 "status":"queued"`},
		{"1601", "t", to, from, "", strings.Repeat("글", 1601), `400 "code":21617`},
		{"stop", "t", "+15550000000", from, "", "글", `400 "code":21610`},
	} {
		form := url.Values{"To": {c.to}, "From": {c.from}, "MessagingServiceSid": {c.service}, "Body": {c.body}}
		code, body := post(t, base+"/twilio/2010-04-01/Accounts/AC0/Messages.json", "application/x-www-form-urlencoded", form.Encode(), func(r *http.Request) {
			r.SetBasicAuth("AC0", c.token)
		})
		status, part, _ := strings.Cut(c.want, " ")
		if fmt.Sprint(code) != status || !strings.Contains(body, part) {
			t.Errorf("%s: got %d %s, want %s", c.name, code, body, c.want)
		}
	}
	if n := len(in.Messages()); n != 5 {
		t.Errorf("got %d messages, want 5", n)
	}
}

func TestPlainSMS(t *testing.T) {
	t.Parallel()
	in, base := start(t, inbox.Options{})
	body := `{"to":"+821012345678","from":"021234","text":"봉수","key":"k1"}`
	_, first := post(t, base+"/sms/", "application/json", body)
	_, second := post(t, base+"/sms/", "application/json", body)
	if first != second || !strings.Contains(first, "accepted") {
		t.Errorf("got %s, then %s", first, second)
	}
	if ms := in.Messages(); ms[0].Repeated || !ms[1].Repeated || ms[0].Text != "봉수" {
		t.Errorf("got %+v", ms)
	}
	if code, _ := get(t, base+"/sms/?"+url.Values{"to": {"+821012345678"}, "text": {"질의"}}.Encode()); code != 200 {
		t.Errorf("GET: got %d", code)
	}
	for _, bad := range []string{`{"to":"+821012345678"}`, `{"text":"글"}`, `{`} {
		if code, _ := post(t, base+"/sms/", "application/json", bad); code != 400 {
			t.Errorf("%s: got %d", bad, code)
		}
	}
}
