package receiver_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bongsu/bongsu/receiver"
)

const oneChannel = `
timezone: UTC
channels:
  mail: {fake: {to: [a@x, b@x]}}
routes:
  - channels: [mail]
`

const first = "first notification"

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestDuplicateWebhookIsOneMessage(t *testing.T) {
	t.Parallel()
	onStage(t, oneChannel, func(s *stage) {
		body := webhookBody("주문", first, firing("주문지연", "severity", "critical"))
		s.post(body)
		s.pass(time.Second)
		// The other Alertmanager of a pair: the same state, other bytes.
		s.post([]byte(strings.Replace(string(body), "am:9093", "am-2:9093", 1)))
		s.pass(time.Minute)
		got := s.far("mail").lines()
		slices.Sort(got)
		diff(t, "messages", []string{"a@x: [FIRING] critical 주문지연", "b@x: [FIRING] critical 주문지연"}, got)
		if n := s.metric("bongsu_receiver_deduplicated_total", "mail", "duplicate"); n != 2 {
			t.Errorf("duplicates: got %v, want 2", n)
		}
	})
}

func TestFiringAndResolvedKeepOrderAndThread(t *testing.T) {
	t.Parallel()
	onStage(t, strings.Replace(oneChannel, ", b@x", "", 1), func(s *stage) {
		mail := s.far("mail")
		mail.fails(func(receiver.Message) error { return errors.New("451 come back later") })
		s.post(webhookBody("g", first, firing("A")))
		s.pass(2 * time.Second)
		s.post(webhookBody("g", "all alerts resolved", resolved("A")))
		s.pass(2 * time.Second)
		if got := mail.messages(); len(got) > 0 {
			t.Fatalf("got %d messages while the far side is ill", len(got))
		}
		mail.works()
		s.pass(10 * time.Minute)
		diff(t, "messages", []string{"a@x: [FIRING] A", "a@x: [RESOLVED] A"}, mail.lines())
		got := mail.messages()
		if got[0].ThreadRef != "" || got[1].ThreadRef != "ref-"+got[0].Key {
			t.Errorf("thread: got %q then %q, want the second to follow the first", got[0].ThreadRef, got[1].ThreadRef)
		}
		if got[0].Status != receiver.Firing || got[1].Status != receiver.Resolved {
			t.Errorf("statuses: got %s, %s", got[0].Status, got[1].Status)
		}
	})
}

func TestRetryDoesNotRepeatOthers(t *testing.T) {
	t.Parallel()
	onStage(t, oneChannel, func(s *stage) {
		mail := s.far("mail")
		mail.fails(func(m receiver.Message) error {
			if m.To == "a@x" && m.Attempt < 4 {
				return errors.New("mailbox is busy")
			}
			return nil
		})
		s.post(webhookBody("g", first, firing("A")))
		s.pass(10 * time.Minute)
		got := mail.lines()
		slices.Sort(got)
		diff(t, "messages", []string{"a@x: [FIRING] A", "b@x: [FIRING] A"}, got)
		diff(t, "deliveries", []string{"a@x delivered 4", "b@x delivered 1"}, s.states())
		keys := map[string]string{}
		for _, m := range mail.attempts() {
			if k := keys[m.To]; k != "" && k != m.Key {
				t.Errorf("key of %s changed from %s to %s", m.To, k, m.Key)
			}
			keys[m.To] = m.Key
		}
		if n := s.metric("bongsu_receiver_attempts_total", "mail", "retry"); n != 3 {
			t.Errorf("retries: got %v, want 3", n)
		}
	})
}

const twoChannels = `
channels:
  chat: {fake: {to: ["#ops"], concurrency: 1}}
  mail: {fake: {to: [a@x]}}
routes:
  - channels: [chat, mail]
`

func TestRetryAfterPausesThatChannelAlone(t *testing.T) {
	t.Parallel()
	onStage(t, twoChannels, func(s *stage) {
		chat, mail := s.far("chat"), s.far("mail")
		chat.fails(func(receiver.Message) error { return receiver.RetryAfter(time.Minute, errors.New("429")) })
		s.post(webhookBody("g", first, firing("A")))
		s.pass(time.Second)
		chat.works()
		s.post(webhookBody("h", first, firing("B")))
		s.pass(57 * time.Second)
		diff(t, "chat while paused", []string(nil), chat.lines())
		diff(t, "mail meanwhile", []string{"a@x: [FIRING] A", "a@x: [FIRING] B"}, mail.lines())
		if n := s.metric("bongsu_receiver_channel_paused", "chat"); n != 1 {
			t.Errorf("channel_paused: got %v, want 1", n)
		}
		// A reload does not forget what the far side asked for.
		if err := s.receiver.Reload(); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		diff(t, "chat after a reload", []string(nil), chat.lines())
		s.pass(time.Minute)
		got := chat.lines()
		slices.Sort(got)
		diff(t, "chat after the pause", []string{"#ops: [FIRING] A", "#ops: [FIRING] B"}, got)
		if n := len(chat.attempts()); n != 3 {
			t.Errorf("attempts: got %d, want 3", n)
		}
	})
}

func TestPauseIsBounded(t *testing.T) {
	t.Parallel()
	onStage(t, twoChannels, func(s *stage) {
		chat := s.far("chat")
		chat.fails(func(receiver.Message) error { return receiver.RetryAfter(10000*time.Hour, errors.New("429")) })
		s.post(webhookBody("g", first, firing("A")))
		s.pass(time.Second)
		chat.works()
		s.pass(time.Hour + time.Second)
		diff(t, "chat", []string{"#ops: [FIRING] A"}, chat.lines())
	})
}

func TestPermanentFailureIsDead(t *testing.T) {
	t.Parallel()
	onStage(t, oneChannel, func(s *stage) {
		s.far("mail").fails(func(m receiver.Message) error {
			if m.To == "a@x" {
				return receiver.Permanent(errors.New("550 no such user"))
			}
			return nil
		})
		s.post(webhookBody("g", first, firing("A")))
		s.pass(10 * time.Minute)
		diff(t, "deliveries", []string{"a@x dead 1 permanent", "b@x delivered 1"}, s.states())
		if n := s.metric("bongsu_receiver_dead_deliveries", "mail"); n != 1 {
			t.Errorf("dead_deliveries: got %v, want 1", n)
		}
	})
}

func TestExpiryIsTheLastAttempt(t *testing.T) {
	t.Parallel()
	onStage(t, "retry: {max_backoff: 1m, expire: 10m}\n"+strings.Replace(oneChannel, ", b@x", "", 1), func(s *stage) {
		mail := s.far("mail")
		mail.fails(func(receiver.Message) error { return errors.New("451") })
		s.post(webhookBody("g", first, firing("A")))
		s.pass(9 * time.Minute)
		if d := s.deliveries()[0]; d.State != receiver.Pending {
			t.Fatalf("before its time: got %s", d.State)
		}
		s.pass(2 * time.Minute)
		d := s.deliveries()[0]
		if d.State != receiver.Dead || d.Cause != receiver.CauseExpired || d.LastError != "451" {
			t.Errorf("got %s %s %q, want dead expired 451", d.State, d.Cause, d.LastError)
		}
		if late := d.FinishedAt.Sub(d.CreatedAt); late < 10*time.Minute || late > 10*time.Minute+2*time.Second {
			t.Errorf("given up after %s, want 10m", late)
		}
		n := len(mail.attempts())
		s.pass(10 * time.Minute)
		if more := len(mail.attempts()); more != n {
			t.Errorf("%d attempts after death", more-n)
		}
	})
}

func TestCrashBetweenSendAndSettle(t *testing.T) {
	t.Parallel()
	onStage(t, strings.Replace(oneChannel, ", b@x", "", 1), func(s *stage) {
		// Another process claims the delivery and dies with it.
		s.stop()
		s.post(webhookBody("g", first, firing("A")))
		jobs, err := s.store.Claim(context.Background(), receiver.Claim{Worker: "dead", Channel: "mail", Limit: 1, Now: time.Now(), Lease: time.Minute})
		if err != nil || len(jobs) != 1 {
			t.Fatalf("claim: %d jobs, %v", len(jobs), err)
		}
		s.run()
		s.pass(50 * time.Second)
		diff(t, "before the lease ends", []string(nil), s.far("mail").lines())
		s.pass(15 * time.Second)
		diff(t, "after it", []string{"a@x: [FIRING] A"}, s.far("mail").lines())
		h, err := s.store.Show(context.Background(), jobs[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		var outcomes []string
		for _, a := range h.Attempts {
			outcomes = append(outcomes, a.Worker+" "+string(a.Outcome))
		}
		diff(t, "history", []string{"dead started", "test delivered"}, outcomes)
	})
}

func TestOutcomeAfterTakeover(t *testing.T) {
	t.Parallel()
	onStage(t, strings.Replace(oneChannel, ", b@x", "", 1), func(s *stage) {
		mail := s.far("mail")
		mail.answer = func(ctx context.Context, m receiver.Message) (receiver.Receipt, error) {
			if m.Attempt == 1 {
				time.Sleep(2 * time.Minute) // deaf to ctx, longer than the lease
			}
			return receiver.Receipt{ID: "receipt"}, nil
		}
		s.post(webhookBody("g", first, firing("A")))
		s.pass(3 * time.Minute)
		diff(t, "deliveries", []string{"a@x delivered 2"}, s.states())
		if n := s.metric("bongsu_receiver_fenced_total", "mail"); n != 1 {
			t.Errorf("fenced: got %v, want 1", n)
		}
		if n := s.metric("bongsu_receiver_deliveries_total", "mail", "delivered"); n != 1 {
			t.Errorf("delivered: got %v, want 1: the late outcome does not count", n)
		}
	})
}

func TestLostWakeUp(t *testing.T) {
	t.Parallel()
	onStage(t, oneChannel, func(s *stage) {
		s.post(webhookBody("g", first, firing("A")))
		s.pass(2 * time.Second)
		diff(t, "deliveries", []string{"a@x delivered 1", "b@x delivered 1"}, s.states())
	}, func(inner receiver.Store) receiver.Store { return mute{inner} })
}

// mute is a store that wakes nobody.
type mute struct{ receiver.Store }

func (mute) Due() <-chan struct{} { return nil }

func TestPanicIsAFailedAttempt(t *testing.T) {
	t.Parallel()
	onStage(t, oneChannel, func(s *stage) {
		s.far("mail").fails(func(m receiver.Message) error {
			if m.Attempt == 1 {
				panic("token=hunter2")
			}
			return nil
		})
		s.post(webhookBody("g", first, firing("A")))
		s.pass(time.Minute)
		diff(t, "deliveries", []string{"a@x delivered 2", "b@x delivered 2"}, s.states())
		if strings.Contains(s.log.String(), "hunter2") {
			t.Error("the log shows the value of the panic")
		}
	})
}

func TestHangingSendEndsAtItsTimeout(t *testing.T) {
	t.Parallel()
	onStage(t, strings.Replace(oneChannel, ", b@x", "", 1), func(s *stage) {
		mail := s.far("mail")
		mail.answer = func(ctx context.Context, m receiver.Message) (receiver.Receipt, error) {
			if m.Attempt == 1 {
				<-ctx.Done()
				return receiver.Receipt{}, ctx.Err()
			}
			return receiver.Receipt{}, nil
		}
		s.post(webhookBody("g", first, firing("A")))
		s.pass(29 * time.Second)
		diff(t, "meanwhile", []string{"a@x pending 1"}, s.states())
		s.pass(5 * time.Second)
		diff(t, "in the end", []string{"a@x delivered 2"}, s.states())
	})
}

func TestStopLetsSendsFinishThenCutsThem(t *testing.T) {
	t.Parallel()
	onStage(t, oneChannel, func(s *stage) {
		s.far("mail").answer = func(ctx context.Context, m receiver.Message) (receiver.Receipt, error) {
			wait := 5 * time.Second // less than the grace
			if m.To == "b@x" {
				wait = 20 * time.Second // more
			}
			select {
			case <-time.After(wait):
				return receiver.Receipt{}, nil
			case <-ctx.Done():
				return receiver.Receipt{}, ctx.Err()
			}
		}
		s.post(webhookBody("g", first, firing("A")))
		s.pass(time.Second)
		began := time.Now()
		s.stop()
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("stop took %s, want the grace of 10s", took)
		}
		diff(t, "deliveries", []string{"a@x delivered 1", "b@x pending 1"}, s.states())
		s.far("mail").works()
		s.run()
		s.pass(time.Minute)
		diff(t, "after a new start", []string{"a@x delivered 1", "b@x delivered 2"}, s.states())
	})
}

func TestReload(t *testing.T) {
	t.Parallel()
	onStage(t, twoChannels, func(s *stage) {
		s.config("channels: {}\nroutes: []\n")
		if err := s.receiver.Reload(); err == nil {
			t.Fatal("reload of a bad config: no error")
		}
		if n := s.metric("bongsu_receiver_config_last_reload_successful"); n != 0 {
			t.Errorf("config_last_reload_successful: got %v, want 0", n)
		}
		s.post(webhookBody("g", first, firing("A")))
		s.pass(time.Second)
		diff(t, "with the last good config", []string{"#ops: [FIRING] A"}, s.far("chat").lines())

		// chat goes away with work left, and comes back.
		s.far("chat").fails(func(receiver.Message) error { return errors.New("ill") })
		s.post(webhookBody("h", first, firing("B")))
		s.pass(time.Second)
		s.config("channels: {mail: {fake: {to: [a@x]}}}\nroutes: [{channels: [mail]}]\n")
		if err := s.receiver.Reload(); err != nil {
			t.Fatal(err)
		}
		s.far("chat").works()
		s.pass(10 * time.Minute)
		diff(t, "chat while not configured", []string{"#ops: [FIRING] A"}, s.far("chat").lines())
		if n := s.metric("bongsu_receiver_pending_deliveries", "chat"); n != 1 {
			t.Errorf("pending_deliveries of chat: got %v, want 1", n)
		}
		if !strings.Contains(s.log.String(), "deliveries wait for a channel that is not configured") {
			t.Error("the log does not tell of the waiting delivery")
		}
		s.config(twoChannels)
		if err := s.receiver.Reload(); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Minute)
		diff(t, "chat in the end", []string{"#ops: [FIRING] A", "#ops: [FIRING] B"}, s.far("chat").lines())
		if n := s.metric("bongsu_receiver_config_last_reload_successful"); n != 1 {
			t.Errorf("config_last_reload_successful: got %v, want 1", n)
		}
	})
}

func TestSendResolvedFalse(t *testing.T) {
	t.Parallel()
	config := "channels: {sms: {fake: {to: [\"+821012345678\"], send_resolved: false}}}\nroutes: [{channels: [sms]}]\n"
	onStage(t, config, func(s *stage) {
		s.post(webhookBody("g", first, firing("A")))
		s.post(webhookBody("g", "all alerts resolved", resolved("A")))
		s.pass(time.Minute)
		diff(t, "messages", []string{"+821012345678: [FIRING] A"}, s.far("sms").lines())
	})
}

func TestReminderPasses(t *testing.T) {
	t.Parallel()
	onStage(t, strings.Replace(oneChannel, ", b@x", "", 1), func(s *stage) {
		s.post(webhookBody("g", first, firing("A")))
		s.pass(10 * time.Minute)
		s.post(webhookBody("g", "repeat interval elapsed", firing("A")))
		s.pass(time.Minute)
		diff(t, "messages", []string{"a@x: [FIRING] A", "a@x: [STILL FIRING] A"}, s.far("mail").lines())
	})
}

func TestOldNotificationsArePruned(t *testing.T) {
	t.Parallel()
	onStage(t, "retention: 1h\n"+oneChannel, func(s *stage) {
		s.pass(30 * time.Minute)
		s.post(webhookBody("g", first, firing("A")))
		s.pass(59 * time.Minute)
		if n := len(s.deliveries()); n != 2 {
			t.Fatalf("before its time: %d deliveries, want 2", n)
		}
		s.pass(35 * time.Minute)
		if n := len(s.deliveries()); n != 0 {
			t.Errorf("got %d deliveries, want none", n)
		}
	})
}

func TestReady(t *testing.T) {
	t.Parallel()
	onStage(t, oneChannel, func(s *stage) {
		if err := s.receiver.Ready(); err != nil {
			t.Errorf("while running: %v", err)
		}
		s.stop()
		if err := s.receiver.Ready(); err == nil {
			t.Error("while not running: no error")
		}
		if w := s.request(http.MethodPost, "/webhook", webhookBody("g", first, firing("A"))); w.Code != http.StatusOK {
			t.Errorf("webhook while not running: got %d, want 200: it is kept", w.Code)
		}
	})
}
