package inbox_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bongsu/bongsu/receiver/inbox"
)

func slackPost(t *testing.T, base, method, body string) (int, string) {
	t.Helper()
	return post(t, base+"/slack/api/"+method, "application/json; charset=utf-8", body, func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer xoxb-1")
	})
}

func section(n int) string {
	return fmt.Sprintf(`{"type":"section","text":{"type":"mrkdwn","text":%q}}`, strings.Repeat("글", n))
}

func TestSlackRules(t *testing.T) {
	t.Parallel()
	in, base := start(t, inbox.Options{Slack: inbox.SlackOptions{Token: "xoxb-1", Channels: []string{"#ops"}}})
	ops := inbox.SlackChannelID("#ops")
	many := func(n int, item string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
	}
	for _, c := range []struct{ name, method, body, want string }{
		{"by name", "chat.postMessage", `{"channel":"#ops","text":"글"}`, ""},
		{"by ID", "chat.postMessage", `{"channel":"` + ops + `","text":"글"}`, ""},
		{"no channel", "chat.postMessage", `{"text":"글"}`, "channel_not_found"},
		{"other channel", "chat.postMessage", `{"channel":"#dev","text":"글"}`, "channel_not_found"},
		{"no text", "chat.postMessage", `{"channel":"#ops"}`, "no_text"},
		{"50 blocks", "chat.postMessage", `{"channel":"#ops","blocks":` + many(50, section(1)) + `}`, ""},
		{"51 blocks", "chat.postMessage", `{"channel":"#ops","blocks":` + many(51, section(1)) + `}`, "invalid_blocks"},
		{"section of 3000", "chat.postMessage", `{"channel":"#ops","blocks":[` + section(3000) + `]}`, ""},
		{"section of 3001", "chat.postMessage", `{"channel":"#ops","blocks":[` + section(3001) + `]}`, "invalid_blocks"},
		{"empty section", "chat.postMessage", `{"channel":"#ops","blocks":[` + section(0) + `]}`, "invalid_blocks"},
		{"13000 in all", "chat.postMessage", `{"channel":"#ops","blocks":` + many(5, section(2600)) + `}`, ""},
		{"in attachments too", "chat.postMessage", `{"channel":"#ops","attachments":[{"blocks":` + many(5, section(2700)) + `}]}`, "msg_blocks_too_long"},
		{"101 attachments", "chat.postMessage", `{"channel":"#ops","attachments":` + many(101, `{"text":"글"}`) + `}`, "too_many_attachments"},
		{"no JSON", "chat.postMessage", `{`, "invalid_json"},
		{"update by name", "chat.update", `{"channel":"#ops","ts":"1.2","text":"글"}`, "channel_not_found"},
		{"update of nothing", "chat.update", `{"channel":"` + ops + `","ts":"1.2","text":"글"}`, "message_not_found"},
		{"auth.test", "auth.test", `{}`, ""},
		{"no such method", "chat.shout", `{}`, "unknown_method"},
	} {
		code, body := slackPost(t, base, c.method, c.body)
		want := `"ok":true`
		if c.want != "" {
			want = fmt.Sprintf(`"error":%q`, c.want)
		}
		if code != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: got %d %s, want %s", c.name, code, body, want)
		}
	}
	seen := map[string]bool{}
	for _, m := range in.Messages() {
		if m.To != ops || m.ToName != "#ops" || seen[m.ID] {
			t.Errorf("got %s to %s (%s)", m.ID, m.To, m.ToName)
		}
		seen[m.ID] = true
	}
}

func TestSlackForm(t *testing.T) {
	t.Parallel()
	in, base := start(t, inbox.Options{Slack: inbox.SlackOptions{Token: "xoxb-1"}})
	form := url.Values{
		"token": {"xoxb-1"}, "channel": {"ops"}, "text": {"제목"},
		"attachments": {`[{"color":"#e01e5a","title":"봉수","blocks":[` + section(2) + `]}]`},
		"metadata":    {`{"event_type":"x","event_payload":{"key":"k1"}}`},
	}
	const kind = "application/x-www-form-urlencoded"
	if code, body := post(t, base+"/slack/api/chat.postMessage", kind, form.Encode()); code != 200 || !strings.Contains(body, `"ok":true`) {
		t.Fatalf("got %d %s", code, body)
	}
	if m := in.Messages()[0]; m.Subject != "제목" || m.Text != "봉수\n글글" || m.Color != "#e01e5a" || m.Key != "k1" {
		t.Errorf("got %+v", m)
	}
	for token, want := range map[string]string{"": "not_authed", "xoxb-2": "invalid_auth"} {
		form.Set("token", token)
		if _, body := post(t, base+"/slack/api/chat.postMessage", kind, form.Encode()); !strings.Contains(body, want) {
			t.Errorf("token %q: got %s, want %s", token, body, want)
		}
	}
}

func TestSlackHook(t *testing.T) {
	t.Parallel()
	in, base := start(t, inbox.Options{Slack: inbox.SlackOptions{Hook: "T0/B0/x"}})
	for _, c := range []struct{ path, kind, body, want string }{
		{"T0/B0/x", "application/json", `{"text":"글"}`, "200 ok"},
		{"T0/B0/x", "application/x-www-form-urlencoded", "payload=" + url.QueryEscape(`{"text":"글"}`), "200 ok"},
		{"T0/B0/x", "application/json", `{`, "400 invalid_payload"},
		{"T0/B0/x", "application/json", `{}`, "400 no_text"},
		{"T0/B0/y", "application/json", `{"text":"글"}`, "403 invalid_token"},
		{"nowhere", "application/json", `{"text":"글"}`, "404 no_service"},
	} {
		code, body := post(t, base+"/slack/hook/"+c.path, c.kind, c.body)
		if got := fmt.Sprint(code, " ", body); got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.path, c.body, got, c.want)
		}
	}
	if n := len(in.Messages()); n != 2 {
		t.Errorf("got %d messages", n)
	}
}
