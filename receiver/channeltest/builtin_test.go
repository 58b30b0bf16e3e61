package channeltest_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/channeltest"
	"github.com/bongsu/bongsu/receiver/email"
	"github.com/bongsu/bongsu/receiver/inbox"
	"github.com/bongsu/bongsu/receiver/slack"
	"github.com/bongsu/bongsu/receiver/sms"
)

func TestMain(m *testing.M) { channeltest.Main(m) }

// TestBuiltInTexts sends the built-in texts of both locales through every
// channel, from firing to resolved, and looks at the page.
func TestBuiltInTexts(t *testing.T) {
	t.Parallel()
	far := channeltest.Start(t, inbox.Options{})
	for _, locale := range []string{"en", "ko"} {
		for kind, section := range map[string]string{
			"email": fmt.Sprintf(`{smarthost: %q, from: "봉수 <bongsu@example.org>", to: oncall@example.org, tls_config: {ca_file: %q}, locale: %s}`, far.SMTP, far.CAFile, locale),
			"sms":   fmt.Sprintf(`{provider: twilio, api_url: "%s/twilio", account_sid: AC0, auth_token: t, from: "+15005550006", to: "+821012345678", locale: %s}`, far.URL, locale),
			"slack": fmt.Sprintf(`{api_url: "%s/slack/api/", api_token: t, channel: "#봉수대-%s", locale: %s}`, far.URL, locale, locale),
		} {
			kinds := receiver.Kinds{"email": email.Kind, "sms": sms.Kind, "slack": slack.Kind}
			b, _ := channeltest.Build(t, kinds[kind], "channel: "+section)
			story(t, b)
		}
	}
	all := far.Messages()
	if n := len(all); n != 10 {
		t.Errorf("got %d messages, want 4 mails, 4 SMS and 2 messages of Slack, edited", n)
	}
	for _, m := range all {
		if !strings.Contains(m.Subject+m.Text, "봉수대") || strings.Contains(m.Text, "?") {
			t.Errorf("%s got %q, %q", m.Medium, m.Subject, m.Text)
		}
		if m.Medium == inbox.SMS && m.Segments > 3 {
			t.Errorf("an SMS of %d segments: %s", m.Segments, m.Text)
		}
	}
	page := fetch(t, far.URL+"/")
	if strings.Count(page, "<article") != 10 {
		t.Errorf("the page shows %d messages", strings.Count(page, "<article"))
	}
	if path := os.Getenv("INBOX_PAGE"); path != "" {
		if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// story sends what one alert says when it fires and when it is over.
func story(t *testing.T, b receiver.Built) {
	t.Helper()
	r, err := receiver.NewRenderer(receiver.Wording{Locale: b.Common.Locale}, b.Texts)
	if err != nil {
		t.Fatal(err)
	}
	ref := ""
	for i, status := range []receiver.Status{receiver.Firing, receiver.Resolved} {
		m, err := r.Render(job(b.To[0], status))
		if err != nil {
			t.Fatal(err)
		}
		m.Key, m.ThreadRef = fmt.Sprint(b.Common.Locale, i), ref
		receipt, err := b.Channel.Send(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		ref = receipt.Ref
	}
}

func job(to string, status receiver.Status) receiver.Job {
	began := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	ended := time.Time{}
	if status == receiver.Resolved {
		ended = began.Add(7 * time.Minute)
	}
	raw := fmt.Sprintf(`{"receiver":"ops","status":%q,"version":"4","groupKey":"{}:{}","truncatedAlerts":0,"externalURL":"http://am.example.org",
		"groupLabels":{"alertname":"봉수대 연기"},"commonLabels":{"alertname":"봉수대 연기","severity":"critical","instance":"db-1"},
		"commonAnnotations":{"summary":"남산 봉수대에 연기가 보입니다 🔥","description":"5 > 3 & 연기"},
		"alerts":[{"status":%q,"labels":{"alertname":"봉수대 연기","severity":"critical","instance":"db-1"},
		"annotations":{"summary":"남산 봉수대에 연기가 보입니다 🔥","description":"5 > 3 & 연기"},
		"startsAt":%q,"endsAt":%q,"generatorURL":"http://prometheus.example.org/graph","fingerprint":"f1"}]}`,
		status, status, began.Format(time.RFC3339), ended.Format(time.RFC3339))
	j := receiver.Job{Notification: receiver.Notification{ReceivedAt: began, Receiver: "ops", Raw: []byte(raw)}}
	j.Thread.To = to
	j.Attempt = 1
	j.Alerts = []receiver.AlertState{{Fingerprint: "f1", Status: status, StartsAt: began}}
	return j
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
