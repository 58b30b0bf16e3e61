//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bongsu/bongsu/receiver/inbox"
)

// The mail server answers 451 and Slack 429 with Retry-After for a while: all of
// it arrives, nothing of it twice, and the SMS does not wait for either.
func TestE2EFarSidesInTrouble(t *testing.T) {
	s := newStage(t)
	s.write(t, "receiver.yml")
	s.startReceiver(t)
	s.Inbox.Fail(inbox.Fault{Medium: inbox.Email, Times: 12, Code: 451, Text: "4.7.1 greylisted, 잠시 후 다시"})
	s.Inbox.Fail(inbox.Fault{Medium: inbox.Slack, Times: 3, Code: 429, Text: `{"ok":false,"error":"ratelimited"}`, Header: http.Header{"Retry-After": {"1"}}})

	const groups = 5
	l := &load{url: url(s.Receiver, "/webhook")}
	for n := range groups {
		if !l.post(t.Context(), critical(n)) {
			t.Fatalf("webhook %d was not accepted", n)
		}
	}
	s.await(t, "the SMS, which nothing holds up", inbox.AtLeast(groups, inbox.SMS))
	ms := s.await(t, "everything", inbox.AtLeast(3*groups, ""))
	for _, medium := range []inbox.Medium{inbox.Email, inbox.SMS, inbox.Slack} {
		if got := len(of(ms, medium)); got != groups {
			t.Errorf("%d messages by %s, want %d", got, medium, groups)
		}
	}
	if i := slices.IndexFunc(ms, func(m inbox.Message) bool { return m.Repeated || len(m.Earlier) > 0 }); i >= 0 {
		t.Errorf("came twice: %+v", ms[i])
	}
	var body string
	eventually(t, "the metrics say so", func() (err error) {
		if body, err = get(t.Context(), url(s.Receiver, "/metrics")); err != nil {
			return err
		}
		for _, want := range []string{
			`bongsu_receiver_attempts_total{channel="mail",outcome="retry"} 12`,
			`bongsu_receiver_deliveries_total{channel="mail",outcome="delivered"} 5`,
			`bongsu_receiver_deliveries_total{channel="chat",outcome="delivered"} 5`,
		} {
			if !strings.Contains(body, want) {
				return fmt.Errorf("no %s", want)
			}
		}
		return nil
	})
	s.nothingSecret(t, body)
}

// critical is a group's number such that receiver.yml's first route takes it.
func critical(n int) string { return fmt.Sprintf("c%d", n) }

// nothingSecret looks for the stage's secrets in what the receiver shows.
func (s *stage) nothingSecret(t *testing.T, texts ...string) {
	t.Helper()
	for _, page := range []string{"/", "/api/v1/deliveries", "/deliveries/1", "/quarantine"} {
		body, err := get(t.Context(), url(s.Receiver, page))
		if err != nil {
			t.Error(err)
		}
		texts = append(texts, body)
	}
	for _, text := range texts {
		for _, secret := range []string{"암호-smtp", "token-e2e", "xoxb-e2e"} {
			if strings.Contains(text, secret) {
				t.Errorf("the secret %q is shown in: %.400s", secret, text)
			}
		}
	}
}
