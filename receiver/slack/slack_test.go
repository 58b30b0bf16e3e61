package slack_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/channeltest"
	"github.com/bongsu/bongsu/receiver/inbox"
	"github.com/bongsu/bongsu/receiver/slack"
)

func TestMain(m *testing.M) { channeltest.Main(m) }

const (
	token = "xoxb-불꽃-secret"
	hook  = "T0/B0/s3cretHook"
)

func TestBot(t *testing.T) {
	t.Parallel()
	refusal := func(code string) channeltest.Case {
		return channeltest.Case{Name: code, Fault: inbox.Fault{Medium: inbox.Slack, Code: 200, Text: fmt.Sprintf(`{"ok":false,"error":%q}`, code)}}
	}
	b := bundle(startBot)
	b.Keyed, b.Thread = true, channeltest.Edits
	for _, code := range []string{"internal_error", "fatal_error", "request_timeout", "service_unavailable", "never_heard_of"} {
		b.Temporary = append(b.Temporary, refusal(code))
	}
	for _, code := range []string{"channel_not_found", "not_in_channel", "is_archived", "invalid_auth", "account_inactive", "token_revoked", "msg_too_long", "no_permission"} {
		b.Permanent = append(b.Permanent, refusal(code))
	}
	for _, code := range []string{"ratelimited", "rate_limited"} {
		c := refusal(code)
		c.After = 30 * time.Second
		b.Delayed = append(b.Delayed, c)
	}
	b.Echo = func(secret string) inbox.Fault {
		return inbox.Fault{Medium: inbox.Slack, Code: 200, Text: `{"ok":false,"error":"bad token ` + secret + `"}`}
	}
	channeltest.Exercise(t, b)
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	word := func(status int, word string) channeltest.Case {
		return channeltest.Case{Name: word, Fault: inbox.Fault{Medium: inbox.Slack, Code: status, Text: word}}
	}
	b := bundle(startWebhook)
	b.Temporary = append(b.Temporary, word(200, "<html>a proxy</html>"), word(500, "rollup_error"))
	b.Permanent = append(b.Permanent, word(404, "no_service"), word(403, "invalid_token"), word(404, "channel_not_found"), word(410, "channel_is_archived"), word(400, "invalid_payload"), word(400, "unheard_of"))
	b.Echo = func(secret string) inbox.Fault {
		return inbox.Fault{Medium: inbox.Slack, Code: 403, Text: "invalid_token " + secret}
	}
	channeltest.Exercise(t, b)
}

// bundle has what both modes have in common.
func bundle(start func(*testing.T) channeltest.Rig) channeltest.Bundle {
	status := func(code int, header ...string) inbox.Fault {
		f := inbox.Fault{Medium: inbox.Slack, Code: code, Text: "<html>the watch tower says so</html>"}
		if len(header) > 0 {
			f.Header = http.Header{"Retry-After": header}
		}
		return f
	}
	return channeltest.Bundle{
		Medium: inbox.Slack,
		Start:  start,
		Temporary: []channeltest.Case{
			{Name: "500", Fault: status(500)},
			{Name: "503", Fault: status(503)},
			{Name: "301", Fault: inbox.Fault{Medium: inbox.Slack, Code: 301, Header: http.Header{"Location": {"/messages.json"}}}},
			{Name: "200 of HTML", Fault: status(200)},
			{Name: "dropped", Fault: inbox.Fault{Medium: inbox.Slack, Drop: true}},
		},
		Permanent: []channeltest.Case{{Name: "404", Fault: status(404)}},
		Delayed: []channeltest.Case{
			{Name: "429", Fault: status(429), After: 30 * time.Second},
			{Name: "429 with seconds", Fault: status(429, "17"), After: 17 * time.Second},
		},
		Stalls: []inbox.Fault{{At: inbox.Accept}, {At: inbox.Reply}},
		Fits:   fits,
	}
}

// fits: up to 12,000 units whole, but for white space where sections meet,
// else cut with a mark.
func fits(sent receiver.Message, got inbox.Message) error {
	bare := func(s string) string { return strings.Join(strings.Fields(s), "") }
	if bare(got.Text) == bare(sent.Text) {
		return nil
	}
	if n := len(got.Text); n < 11900 {
		return fmt.Errorf("cut to %d bytes, want nearly 12000 units", n)
	}
	return channeltest.CutFrom(bare(sent.Text), bare(got.Text), "…")
}

func startBot(t *testing.T) channeltest.Rig {
	far := channeltest.Start(t, inbox.Options{Slack: inbox.SlackOptions{Token: token, Channels: []string{"#봉수대"}}})
	return build(t, far, token, fmt.Sprintf(`
channel: {api_url: %q, api_token_file: %q, channel: "#봉수대"}`, far.URL+"/slack/api", file(t, token)))
}

func startWebhook(t *testing.T) channeltest.Rig {
	far := channeltest.Start(t, inbox.Options{Slack: inbox.SlackOptions{Hook: hook}})
	return build(t, far, hook, fmt.Sprintf(`
channel: {webhook_url_file: %q}`, file(t, far.URL+"/slack/hook/"+hook)))
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func build(t *testing.T, far *channeltest.Far, secret, yaml string) channeltest.Rig {
	t.Helper()
	b, log := channeltest.Build(t, slack.Kind, yaml)
	return channeltest.Rig{Far: far, Built: b, Log: log, Secrets: []string{secret}}
}

func TestBadConfigs(t *testing.T) {
	t.Parallel()
	channeltest.BadConfigs(t, slack.Kind)
}

func TestExamples(t *testing.T) {
	t.Parallel()
	channeltest.Examples(t, slack.Kind)
}

func message(key, ref string, status receiver.Status) receiver.Message {
	return receiver.Message{
		Key: key, To: "#봉수대", Subject: "제목 " + key, Text: "글 " + key,
		Status: status, Severity: "warning", ThreadRef: ref, Attempt: 1,
	}
}

func mustSend(t *testing.T, r channeltest.Rig, m receiver.Message) receiver.Receipt {
	t.Helper()
	receipt, err := r.Built.Channel.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

func TestEditShowsTheNewState(t *testing.T) {
	t.Parallel()
	r := startBot(t)
	first := mustSend(t, r, message("1", "", receiver.Firing))
	if want := inbox.SlackChannelID("#봉수대") + "/" + first.ID; first.Ref != want {
		t.Errorf("got ref %q, want %q", first.Ref, want)
	}
	if got := r.Far.Messages()[0]; got.Color != "#ecb22e" || got.Subject != "제목 1" || got.Text != "글 1" {
		t.Errorf("got %+v", got)
	}
	second := mustSend(t, r, message("2", first.Ref, receiver.Resolved))
	if second.Ref != first.Ref || second.Detail != "edited" {
		t.Errorf("got %+v", second)
	}
	if got := r.Far.Messages(); len(got) != 1 || got[0].Color != "#2eb67d" || got[0].Text != "글 2" || got[0].Earlier[0].Text != "글 1" {
		t.Errorf("got %+v", got)
	}
}

func TestPostsAnew(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"message_not_found", "edit_window_closed", "cant_update_message"} {
		r := startBot(t)
		first := mustSend(t, r, message("1", "", receiver.Firing))
		r.Far.Fail(inbox.Fault{Medium: inbox.Slack, Code: 200, Text: fmt.Sprintf(`{"ok":false,"error":%q}`, code)})
		second := mustSend(t, r, message("2", first.Ref, receiver.Resolved))
		if second.Ref == first.Ref || len(r.Far.Messages()) != 2 {
			t.Errorf("%s: got %+v, %d messages", code, second, len(r.Far.Messages()))
		}
	}
	r := startBot(t)
	first := mustSend(t, r, message("1", "", receiver.Firing))
	r.Far.Delete(inbox.Slack, first.ID)
	if second := mustSend(t, r, message("2", first.Ref, receiver.Firing)); second.Ref == first.Ref {
		t.Errorf("deleted by hand: got %+v", second)
	}
	if third := mustSend(t, r, message("3", "not a ref", receiver.Firing)); third.Detail != "posted" {
		t.Errorf("a ref that is none: got %+v", third)
	}
}

// TestFailedEditIsNotPosted: only what can't be edited is posted again.
func TestFailedEditIsNotPosted(t *testing.T) {
	t.Parallel()
	r := startBot(t)
	first := mustSend(t, r, message("1", "", receiver.Firing))
	r.Far.Fail(inbox.Fault{Medium: inbox.Slack, Code: 503, Text: "<html>"})
	if _, err := r.Built.Channel.Send(t.Context(), message("2", first.Ref, receiver.Resolved)); err == nil || receiver.IsPermanent(err) {
		t.Errorf("got %v, want an error that is tried again", err)
	}
	if n := len(r.Far.Messages()); n != 1 {
		t.Errorf("got %d messages, want the first alone", n)
	}
}

func TestUpdateMessageFalse(t *testing.T) {
	t.Parallel()
	far := channeltest.Start(t, inbox.Options{})
	r := build(t, far, token, fmt.Sprintf(`
channel: {api_url: %q, api_token: %q, channel: [C0123456789, "#ops"], update_message: false}`, far.URL+"/slack/api/", token))
	first := mustSend(t, r, message("1", "", receiver.Firing))
	mustSend(t, r, message("2", first.Ref, receiver.Resolved))
	if n := len(far.Messages()); n != 2 {
		t.Errorf("got %d messages, want 2", n)
	}
}

func TestTitleIsPlainText(t *testing.T) {
	t.Parallel()
	r := startBot(t)
	m := message("1", "", receiver.Firing)
	m.Subject, m.Text = "<!channel> 5 > 3 & 2", "<https://example.org|링크>"
	mustSend(t, r, m)
	if got := r.Far.Messages()[0]; got.Subject != "&lt;!channel&gt; 5 &gt; 3 &amp; 2" || got.Text != m.Text {
		t.Errorf("got %q, %q", got.Subject, got.Text)
	}
}

func TestTitleAlone(t *testing.T) {
	t.Parallel()
	r := startBot(t)
	ref := mustSend(t, r, message("1", "", receiver.Firing)).Ref
	m := message("2", ref, receiver.Firing)
	m.Text = ""
	mustSend(t, r, m)
	if got := r.Far.Messages()[0]; got.Text != "" || got.Subject != "제목 2" {
		t.Errorf("got %q, %q", got.Subject, got.Text)
	}
	m.Subject = " "
	if _, err := r.Built.Channel.Send(t.Context(), m); !receiver.IsPermanent(err) {
		t.Errorf("got %v, want a permanent error", err)
	}
}
