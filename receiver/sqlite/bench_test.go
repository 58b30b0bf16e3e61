package sqlite_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/sqlite"
)

// BenchmarkPut accepts notifications of 4 KB, each on disk before the next of
// its client. x_floor is how many were accepted for each 4 KB append and fsync
// that the same disk did in the same run.
func BenchmarkPut(b *testing.B) {
	for _, clients := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			dir := b.TempDir()
			s := open(b, filepath.Join(dir, "outbox.db"), sqlite.Options{})
			defer closeStore(b, s)
			feed := newFeed()
			floor := syncRate(b, dir)
			took := make([]time.Duration, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			inParallel(clients, b.N, func(i int) {
				started := time.Now()
				feed.put(b, s, i)
				took[i] = time.Since(started)
			})
			b.StopTimer()
			floor = (floor + syncRate(b, dir)) / 2
			rate := float64(b.N) / b.Elapsed().Seconds()
			slices.Sort(took)
			b.ReportMetric(rate, "accepts/s")
			b.ReportMetric(rate/floor, "x_floor")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99_ms")
		})
	}
}

// BenchmarkDrain claims in batches and settles each delivery durably, as the
// receiver's workers do with a channel that takes no time.
func BenchmarkDrain(b *testing.B) {
	dir := b.TempDir()
	s := open(b, filepath.Join(dir, "outbox.db"), sqlite.Options{})
	defer closeStore(b, s)
	feed := newFeed()
	feed.groups = b.N
	inParallel(64, b.N, func(i int) { feed.put(b, s, i) })
	floor := syncRate(b, dir)
	b.ResetTimer()
	const workers = 4
	var left atomic.Int64
	left.Store(int64(b.N))
	inParallel(workers, workers, func(int) {
		for left.Load() > 0 {
			jobs := claim(b, s, 64)
			inParallel(16, len(jobs), func(i int) { settle(b, s, jobs[i]) })
			left.Add(-int64(len(jobs)))
		}
	})
	b.StopTimer()
	rate := float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(rate, "deliveries/s")
	b.ReportMetric(rate/floor, "x_floor")
}

// BenchmarkClaimMillion works on a store that holds a million deliveries, a
// hundred thousand of them pending, and reports what the page, the metrics and
// the workers pay.
func BenchmarkClaimMillion(b *testing.B) {
	if testing.Short() {
		b.Skip("filling the store takes a minute")
	}
	path := filepath.Join(b.TempDir(), "outbox.db")
	closeStore(b, open(b, path, sqlite.Options{}))
	fill(b, path, 1_000_000, 100_000)
	s := open(b, path, sqlite.Options{})
	defer closeStore(b, s)
	for _, c := range []struct {
		name string
		do   func() error
	}{
		{"claim", func() error { claim(b, s, 16); return nil }},
		{"stats", func() error { _, err := s.Stats(b.Context(), start); return err }},
		{"list all", lists(b, s, receiver.Filter{Limit: 50})},
		{"list dead", lists(b, s, receiver.Filter{State: receiver.Dead, Limit: 50})},
		{"list delivered", lists(b, s, receiver.Filter{State: receiver.Delivered, Limit: 50})},
		{"list channel", lists(b, s, receiver.Filter{Channel: "rare", Limit: 50})},
		{"list cause", lists(b, s, receiver.Filter{Cause: receiver.CauseExpired, Limit: 50})},
		{"list middle", lists(b, s, receiver.Filter{Channel: "mail", Before: 500_000, Limit: 50})},
		{"show", func() error { _, err := s.Show(b.Context(), 123_456); return err }},
	} {
		b.Run(c.name, func(b *testing.B) {
			var worst time.Duration
			for b.Loop() {
				started := time.Now()
				if err := c.do(); err != nil {
					b.Fatal(err)
				}
				worst = max(worst, time.Since(started))
			}
			b.ReportMetric(worst.Seconds()*1000, "worst_ms")
		})
	}
}

func lists(b *testing.B, s *sqlite.Store, f receiver.Filter) func() error {
	return func() error {
		_, err := s.List(b.Context(), f)
		return err
	}
}

// fill writes deliveries in bulk: one in a hundred dead, one in a thousand on a
// rare channel, the newest pending.
func fill(b *testing.B, path string, stored, pending int) {
	b.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for _, q := range []string{
		`CREATE TEMP TABLE k AS WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < %[1]d) SELECT i FROM k`,
		`INSERT INTO thread (id, receiver, group_key, channel, recipient, episode, alerts, firing, updated_at, touched_at)
			SELECT i, 'ops', '{}:{alertname="A' || i || '"}', CASE WHEN i %% 1000 = 0 THEN 'rare' ELSE 'mail' END, 'oncall@example.org',
			1, '[]', 1, 0, 0 FROM k WHERE i <= %[1]d / 2`,
		`INSERT INTO notification (id, received_at, receiver, group_key, enc, body)
			SELECT i, 1790000000000 + i, 'ops', '{}:{alertname="A' || i || '"}', 'raw', zeroblob(300) FROM k`,
		`INSERT INTO delivery (id, notification_id, thread_id, channel, episode, alerts, reminder, state, cause, attempt, created_at, not_before, finished_at, due_at)
			SELECT i, i, 1 + i / 2 %% (%[1]d / 2), CASE WHEN (1 + i / 2 %% (%[1]d / 2)) %% 1000 = 0 THEN 'rare' ELSE 'mail' END, 1, '[]', 0,
			CASE WHEN i > %[1]d - %[2]d THEN 'pending' WHEN i %% 100 = 0 THEN 'dead' ELSE 'delivered' END,
			CASE WHEN i > %[1]d - %[2]d THEN '' WHEN i %% 10000 = 0 THEN 'expired' WHEN i %% 100 = 0 THEN 'permanent' ELSE '' END, 1,
			1790000000000 + i, 1790000000000 + i, 0, CASE WHEN i > %[1]d - %[2]d AND i %% 2 = 0 THEN 1790000000000 + i END FROM k`,
	} {
		if _, err := db.Exec(strings.ReplaceAll(fmt.Sprintf(q+"/*%[1]d%[2]d*/", stored, pending), "%%", "%")); err != nil {
			b.Fatal(err)
		}
	}
}

// syncRate is the disk's floor: 4 KB appended to a file and synced, a second.
func syncRate(b *testing.B, dir string) float64 {
	b.Helper()
	f, err := os.CreateTemp(dir, "floor")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	started, n := time.Now(), 0
	for ; time.Since(started) < 200*time.Millisecond; n++ {
		if _, err := f.Write(page); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(started).Seconds()
}

// feed makes notifications of about 4 KB, as Alertmanager sends them.
type feed struct {
	bodies [][]byte
	groups int
}

func newFeed() *feed {
	f := &feed{groups: 5000}
	for i := range 64 {
		var alerts []string
		for j := range 5 {
			alerts = append(alerts, fmt.Sprintf(`{"status":"firing","labels":{"alertname":"ShopQueueSlow","instance":"10.0.%d.%d:8080",`+
				`"job":"shop","severity":"critical","가게":"서울-%d"},"annotations":{"summary":"주문 %d건이 밀려 있습니다",`+
				`"description":"The order queue of instance 10.0.%d.%d has been longer than 100 for 10 minutes; customers wait %d seconds on average.",`+
				`"runbook_url":"https://runbooks.example.org/shop/queue-slow#%x"},"startsAt":"2026-11-22T09:30:%02d.%09dZ",`+
				`"endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus:9090/graph?g0.expr=shop_queue_length%%3E100&g0.tab=1",`+
				`"fingerprint":"%016x"}`, i, j, i, i*j, i, j, i+j, i*7919+j, i%60, i*j*1237, uint64(i*8+j)*0x9e3779b97f4a7c15))
		}
		f.bodies = append(f.bodies, fmt.Appendf(nil, `{"receiver":"ops","status":"firing","alerts":[%s],"groupLabels":{"alertname":"ShopQueueSlow"},`+
			`"commonLabels":{"alertname":"ShopQueueSlow","job":"shop","severity":"critical"},"commonAnnotations":{},`+
			`"externalURL":"http://alertmanager:9093","version":"4","groupKey":"{}:{alertname=\"ShopQueueSlow\",shard=\"%d\"}","truncatedAlerts":0}`,
			strings.Join(alerts, ","), i))
	}
	return f
}

var start = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

func (f *feed) put(tb testing.TB, s *sqlite.Store, i int) {
	group := fmt.Sprintf(`{}:{alertname="ShopQueueSlow",shard="%d"}`, i%f.groups)
	n := receiver.Notification{ReceivedAt: start, Receiver: "ops", GroupKey: group, Raw: f.bodies[i%len(f.bodies)]}
	at := start.Add(time.Duration(i/f.groups) * time.Minute)
	var alerts []receiver.AlertState
	for j := range 5 {
		alerts = append(alerts, receiver.AlertState{Fingerprint: fmt.Sprintf("%016x", j), Status: receiver.Firing, StartsAt: at})
	}
	vs, err := s.Put(tb.Context(), &n, []receiver.Routed{{
		Thread: receiver.ThreadKey{Receiver: "ops", GroupKey: group, Channel: "mail", To: "oncall@example.org"},
		Alerts: alerts, Window: time.Hour, Resolved: true,
	}})
	if err != nil || vs[0] != receiver.News {
		tb.Errorf("Put = %v, %v", vs, err)
	}
}

func claim(tb testing.TB, s *sqlite.Store, limit int) []receiver.Job {
	jobs, err := s.Claim(tb.Context(), receiver.Claim{
		Worker: "w", Channel: "mail", Limit: limit, Now: start.Add(time.Hour), Lease: time.Hour,
	})
	if err != nil {
		tb.Errorf("Claim: %v", err)
	}
	return jobs
}

func settle(tb testing.TB, s *sqlite.Store, j receiver.Job) {
	err := s.Settle(tb.Context(), receiver.Settlement{
		ID: j.ID, Attempt: j.Attempt, Outcome: receiver.OutcomeDelivered, At: start.Add(time.Hour),
		Receipt: receiver.Receipt{ID: "250 ok"},
	})
	if err != nil {
		tb.Errorf("Settle: %v", err)
	}
}

// inParallel calls f with 0 to n-1 from so many goroutines.
func inParallel(goroutines, n int, f func(i int)) {
	var (
		wg   sync.WaitGroup
		next atomic.Int64
	)
	for range goroutines {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}

func closeStore(tb testing.TB, s *sqlite.Store) {
	tb.Helper()
	if err := s.Close(); err != nil {
		tb.Error(err)
	}
}
