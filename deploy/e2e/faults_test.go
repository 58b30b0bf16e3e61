//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	neturl "net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bongsu/bongsu/receiver/inbox"
)

// hook stands between Alertmanager and the receiver, and can answer for it.
type hook struct {
	status atomic.Int32 // answered instead of asking the receiver, unless 0
	delay  atomic.Int64 // before the receiver's answer is passed on
	calls  atomic.Int32 // that reached the receiver
	heard  atomic.Int32 // whose answer was heard
	since  time.Time    // of the alert, which Prometheus never changes
	proxy  *httputil.ReverseProxy
}

func newHook(t *testing.T, s *stage) *hook {
	t.Helper()
	h := &hook{since: time.Now().Add(-time.Minute), proxy: httputil.NewSingleHostReverseProxy(&neturl.URL{Scheme: "http", Host: s.Receiver})}
	s.Hook = serveHTTP(t, h)
	return h
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status := h.status.Load(); status != 0 {
		w.WriteHeader(int(status))
		return
	}
	h.calls.Add(1)
	slow := &slowWriter{ResponseWriter: w, delay: time.Duration(h.delay.Load()), gone: r.Context().Done()}
	h.proxy.ServeHTTP(slow, r)
	if r.Context().Err() == nil {
		h.heard.Add(1)
	}
}

// slowWriter holds the answer back: the receiver has accepted by then.
type slowWriter struct {
	http.ResponseWriter
	delay time.Duration
	gone  <-chan struct{}
}

func (w *slowWriter) WriteHeader(status int) {
	select {
	case <-time.After(w.delay):
	case <-w.gone:
	}
	w.ResponseWriter.WriteHeader(status)
}

// post gives Alertmanager the alert, firing, or resolved a second ago.
func (h *hook) post(t *testing.T, alertmanager string, resolved bool) {
	t.Helper()
	ends := ""
	if resolved {
		ends = fmt.Sprintf(`,"endsAt":%q`, time.Now().Add(-time.Second).UTC().Format(time.RFC3339Nano))
	}
	body := fmt.Sprintf(`[{"labels":{"alertname":"봉화","severity":"critical"},"annotations":{"summary":"연기가 보입니다"},"startsAt":%q%s}]`,
		h.since.UTC().Format(time.RFC3339Nano), ends)
	eventually(t, "Alertmanager takes an alert", func() error {
		res, err := http.Post("http://"+alertmanager+"/api/v2/alerts", "application/json", strings.NewReader(body))
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s", res.Status)
		}
		return nil
	})
}

// await waits until a counter has come so far.
func await(t *testing.T, what string, counter *atomic.Int32, want int32) {
	t.Helper()
	eventually(t, what, func() error {
		if got := counter.Load(); got < want {
			return fmt.Errorf("%d have come", got)
		}
		return nil
	})
}

// once wants one mail, one SMS, and one Slack message for each change so far.
func (s *stage) once(t *testing.T, changes int) {
	t.Helper()
	ms := s.await(t, fmt.Sprintf("%d changes on three media", changes), func(ms []inbox.Message) bool {
		slack := of(ms, inbox.Slack)
		return len(of(ms, inbox.Email)) >= changes && len(of(ms, inbox.SMS)) >= changes && len(slack) >= 1 && len(slack[0].Earlier) >= changes-1
	})
	mails, sms, chats := of(ms, inbox.Email), of(ms, inbox.SMS), of(ms, inbox.Slack)
	if len(mails) != changes || len(sms) != changes || len(chats) != 1 || len(chats[0].Earlier) != changes-1 {
		t.Errorf("%d mails, %d SMS, %d Slack messages, want %d of each, as edits of one in Slack", len(mails), len(sms), len(chats), changes)
	}
}

func (s *stage) alertmanagerDir(t *testing.T, name, groupInterval string) string {
	t.Helper()
	s.Interval = groupInterval
	s.write(t, "faults.yml")
	s.rename(t, "faults.yml", "alertmanager.yml")
	dir := filepath.Join(s.Dir, name)
	writeFile(t, dir, "alertmanager.yml", readFile(t, s.path("alertmanager.yml")))
	return dir
}

// Alertmanager forgets what it has sent when it is killed, and says it again.
func TestE2EAlertmanagerKilled(t *testing.T) {
	s := newStage(t)
	h := newHook(t, s)
	s.write(t, "receiver.yml")
	s.startReceiver(t)
	dir := s.alertmanagerDir(t, "am", "5s")
	am := newAlertmanager(t, dir, s.Alertmanager)
	h.post(t, s.Alertmanager, false)
	s.once(t, 1)
	am.kill(syscall.SIGKILL)
	newAlertmanager(t, dir, s.Alertmanager)
	h.post(t, s.Alertmanager, false)
	await(t, "two webhooks", &h.heard, 2)
	s.once(t, 1)
	h.post(t, s.Alertmanager, true)
	s.once(t, 2)
}

// The receiver takes longer to answer than Alertmanager waits, which then says
// the same again and again.
func TestE2ESlowAnswers(t *testing.T) {
	s := newStage(t)
	h := newHook(t, s)
	h.delay.Store(int64(12 * time.Second)) // a flush gives up after 10 s
	s.write(t, "receiver.yml")
	s.startReceiver(t)
	newAlertmanager(t, s.alertmanagerDir(t, "am", "5s"), s.Alertmanager)
	h.post(t, s.Alertmanager, false)
	await(t, "webhooks that nobody hears the answer of", &h.calls, 3)
	h.delay.Store(0)
	await(t, "one whose answer is heard", &h.heard, 1)
	s.once(t, 1)
	h.post(t, s.Alertmanager, true)
	s.once(t, 2)
}

// Both Alertmanagers of a pair try while the receiver answers 500, and both get
// through when it is well.
func TestE2EPairAfterOutage(t *testing.T) {
	s := newStage(t)
	h := newHook(t, s)
	h.status.Store(http.StatusInternalServerError)
	s.write(t, "receiver.yml")
	s.startReceiver(t)
	other, gossip := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	peer := []string{"--cluster.peer-timeout=1s", "--cluster.settle-timeout=1s"}
	startAlertmanager(t, s.alertmanagerDir(t, "am1", "30s"), s.Alertmanager, append(peer, "--cluster.listen-address="+gossip)...)
	startAlertmanager(t, s.alertmanagerDir(t, "am2", "30s"), other, append(peer, "--cluster.listen-address=127.0.0.1:"+freePort(t), "--cluster.peer="+gossip)...)
	h.post(t, s.Alertmanager, false)
	h.post(t, other, false)
	<-time.After(6 * time.Second) // the outage itself, over before either has given up
	h.status.Store(0)
	await(t, "two webhooks", &h.heard, 2)
	s.once(t, 1)
	h.post(t, s.Alertmanager, true)
	h.post(t, other, true)
	s.once(t, 2)
}
