//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bongsu/bongsu/receiver/inbox"
)

const (
	kills       = 10
	clients     = 8
	concurrency = 4 // of mailonly.yml
)

// The receiver is killed with -9 at ten random moments under load. Whatever it
// answered with 2xx arrives; what comes twice was being sent when it died, and
// says by its Message-ID that it is a repetition.
func TestE2EKilledUnderLoad(t *testing.T) {
	s := newStage(t)
	s.write(t, "mailonly.yml")
	s.rename(t, "mailonly.yml", "receiver.yml")

	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	load := &load{url: url(s.Receiver, "/webhook")}
	p := s.startReceiver(t)
	for range clients {
		load.wg.Go(func() { load.run(ctx) })
	}
	for k := range kills {
		load.await(t, load.acked.Load()+int64(20+rand.IntN(300)))
		p.kill(syscall.SIGKILL)
		t.Logf("kill %d after %d accepted", k+1, load.acked.Load())
		p = s.startReceiver(t)
	}
	load.await(t, load.acked.Load()+50)
	enough()
	load.wg.Wait()

	accepted := load.accepted()
	ms := s.await(t, fmt.Sprintf("%d accepted notifications", len(accepted)), func(ms []inbox.Message) bool {
		return len(subjects(ms)) >= len(accepted) && missing(accepted, subjects(ms)) == ""
	})
	arrived := subjects(ms)
	twice := 0
	for subject, keys := range arrived {
		twice += len(keys) - 1
		for _, key := range keys {
			if key != keys[0] {
				t.Errorf("notification %s came as two different mails: %v", subject, keys)
			}
		}
	}
	t.Logf("%d accepted, %d arrived, %d repeated with the same Message-ID", len(accepted), len(arrived), twice)
	if twice > kills*concurrency {
		t.Errorf("%d repetitions, at most the %d sends in flight at each of %d kills may be repeated", twice, concurrency, kills)
	}
}

// load posts webhooks, each of a group of its own, and remembers those that were
// answered with 2xx.
type load struct {
	url   string
	wg    sync.WaitGroup
	next  atomic.Int64
	acked atomic.Int64
	mu    sync.Mutex
	ns    []string
}

func (l *load) run(ctx context.Context) {
	for ctx.Err() == nil {
		n := strconv.FormatInt(l.next.Add(1), 10)
		if l.post(ctx, n) {
			l.mu.Lock()
			l.ns = append(l.ns, n)
			l.mu.Unlock()
			l.acked.Add(1)
		}
	}
}

func (l *load) post(ctx context.Context, n string) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, strings.NewReader(payload(n)))
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode/100 == 2
}

func (l *load) accepted() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ns
}

func (l *load) await(t *testing.T, acked int64) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d accepted", acked), func() error {
		if got := l.acked.Load(); got < acked {
			return fmt.Errorf("%d are accepted", got)
		}
		return nil
	})
}

// payload is what Alertmanager posts for one firing alert in a group of its own.
func payload(n string) string {
	return fmt.Sprintf(`{"receiver":"ops","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"Load","severity":"critical","n":%q},
"annotations":{"summary":"봉화 %s"},"startsAt":"2026-11-22T10:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"f%s"}],
"groupLabels":{"n":%q},"commonLabels":{"alertname":"Load","severity":"critical","n":%q},"commonAnnotations":{"summary":"봉화 %s"},
"externalURL":"http://127.0.0.1:9093","version":"4","groupKey":"{}:{n=%s}","truncatedAlerts":0}`, n, n, n, n, n, n, n)
}

// subjects returns the Message-IDs of all mails by subject.
func subjects(ms []inbox.Message) map[string][]string {
	by := map[string][]string{}
	for _, m := range ms {
		by[m.Subject] = append(by[m.Subject], m.Key)
	}
	return by
}

func missing(want []string, got map[string][]string) string {
	for _, n := range want {
		if len(got[n]) == 0 {
			return n
		}
	}
	return ""
}
