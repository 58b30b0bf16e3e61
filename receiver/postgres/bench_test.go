package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bongsu/bongsu/receiver"
)

// BenchmarkPut accepts notifications of 4 KB, each committed before the next of
// its client. x_floor is how many were accepted for each row of 4 KB that one
// client committed to the same server in the same run.
func BenchmarkPut(b *testing.B) {
	for _, clients := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := warm(b)
			defer closeStore(b, s)
			feed := newFeed()
			floor := commitRate(b, s)
			took := make([]time.Duration, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			inParallel(clients, b.N, func(i int) {
				started := time.Now()
				feed.put(b, s, i)
				took[i] = time.Since(started)
			})
			b.StopTimer()
			floor = (floor + commitRate(b, s)) / 2
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
	s := warm(b)
	defer closeStore(b, s)
	feed := newFeed()
	feed.groups = b.N
	inParallel(64, b.N, func(i int) { feed.put(b, s, i) })
	floor := commitRate(b, s)
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	inParallel(4, 4, func(int) {
		for left.Load() > 0 {
			jobs, err := claimUpTo(b.Context(), s, 64)
			if err != nil {
				b.Error(err)
				return
			}
			inParallel(16, len(jobs), func(i int) {
				if err := s.Settle(b.Context(), delivered(jobs[i])); err != nil {
					b.Error(err)
				}
			})
			left.Add(-int64(len(jobs)))
		}
	})
	b.StopTimer()
	rate := float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(rate, "deliveries/s")
	b.ReportMetric(rate/floor, "x_floor")
}

// warm opens a store whose tables the server has seen in use, all settled.
func warm(b *testing.B) *Store {
	b.Helper()
	st := newStorage(b, need(b))
	s := st.open(b, Options{})
	inParallel(16, 2000, func(i int) { mustPut(b, s, fmt.Sprint("가게 ", i), 1) })
	jobs := mustClaim(b, s, 2000)
	inParallel(16, len(jobs), func(i int) {
		if err := s.Settle(b.Context(), delivered(jobs[i])); err != nil {
			b.Error(err)
		}
	})
	closeStore(b, s)
	if err := st.exec(`VACUUM ANALYZE`); err != nil {
		b.Fatal(err)
	}
	return st.open(b, Options{})
}

// commitRate is the server's floor: rows of 4 KB that one client commits, one
// by one, a second.
func commitRate(b *testing.B, s *Store) float64 {
	b.Helper()
	n, row := 0, make([]byte, 4096)
	var took time.Duration
	err := s.pool.AcquireFunc(b.Context(), func(c *pgxpool.Conn) error {
		if _, err := c.Exec(b.Context(), `CREATE TABLE IF NOT EXISTS floor (row bytea)`); err != nil {
			return err
		}
		started := time.Now()
		for ; time.Since(started) < 300*time.Millisecond; n++ {
			if _, err := c.Exec(b.Context(), `INSERT INTO floor VALUES ($1)`, row); err != nil {
				return err
			}
		}
		took = time.Since(started)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return float64(n) / took.Seconds()
}

// BenchmarkClaimMillion works on a store that holds a million deliveries, a
// hundred thousand of them pending, and reports what the page, the metrics and
// the workers pay.
func BenchmarkClaimMillion(b *testing.B) {
	if testing.Short() {
		b.Skip("filling the store takes a minute")
	}
	st := newStorage(b, need(b))
	closeStore(b, st.open(b, Options{}))
	fill(b, st, 1_000_000, 100_000)
	s := st.open(b, Options{QueryTimeout: time.Minute})
	defer closeStore(b, s)
	for _, c := range []struct {
		name string
		do   func() error
	}{
		{"claim", func() error { _, err := claimUpTo(b.Context(), s, 16); return err }},
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

func lists(b *testing.B, s *Store, f receiver.Filter) func() error {
	return func() error {
		_, err := s.List(b.Context(), f)
		return err
	}
}

// fill writes deliveries in bulk: one in a hundred dead, one in a thousand on a
// rare channel, the newest pending.
func fill(b *testing.B, st storage, stored, pending int) {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), st.dsn(st.schema, ""))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	*st.filled = true
	replace := strings.NewReplacer("$ALL", fmt.Sprint(stored), "$DONE", fmt.Sprint(stored-pending))
	for _, q := range []string{
		`INSERT INTO thread (key, receiver, group_key, channel, recipient, episode, firing, touched_at)
			SELECT sha256(i::text::bytea), 'ops', '{}:{alertname="A' || i || '"}', CASE WHEN i % 1000 = 0 THEN 'rare' ELSE 'mail' END, 'oncall@example.org', 1, true, 0
			FROM generate_series(1, $ALL / 2) i`,
		`INSERT INTO notification (received_at, receiver, group_key, enc, body)
			SELECT 1790000000000 + i, 'ops', '{}:{alertname="A' || i || '"}', 'raw', decode(repeat('00', 300), 'hex') FROM generate_series(1, $ALL) i`,
		`INSERT INTO delivery (notification_id, thread_id, channel, episode, alerts, reminder, state, cause, attempt, created_at, not_before, due_at)
			SELECT i, th, CASE WHEN th % 1000 = 0 THEN 'rare' ELSE 'mail' END, 1, '[]', false,
			CASE WHEN i > $DONE THEN 'pending' WHEN i % 100 = 0 THEN 'dead' ELSE 'delivered' END,
			CASE WHEN i > $DONE THEN '' WHEN i % 10000 = 0 THEN 'expired' WHEN i % 100 = 0 THEN 'permanent' ELSE '' END, 0,
			1790000000000 + i, 1790000000000 + i, CASE WHEN i > $DONE AND i % 2 = 0 THEN 1790000000000 + i END
			FROM (SELECT i, 1 + i / 2 % ($ALL / 2) AS th FROM generate_series(1, $ALL) i) k`,
		`VACUUM ANALYZE thread`, `VACUUM ANALYZE notification`, `VACUUM ANALYZE delivery`,
	} {
		if _, err := conn.Exec(b.Context(), replace.Replace(q)); err != nil {
			b.Fatal(err)
		}
	}
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

func (f *feed) put(tb testing.TB, s *Store, i int) {
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
