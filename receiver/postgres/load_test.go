package postgres

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

var start = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

// change is a notification that is news to its thread: alert i of the group.
func change(group string, i int) (*receiver.Notification, []receiver.Routed) {
	n := &receiver.Notification{ReceivedAt: start, Receiver: "당직", GroupKey: fmt.Sprintf("%s/%d", group, i), Raw: []byte(`{"요약":"주문이 밀렸습니다"}`)}
	return n, []receiver.Routed{{
		Thread:   receiver.ThreadKey{Receiver: "당직", GroupKey: group, Channel: "mail", To: "oncall@example.org"},
		Alerts:   []receiver.AlertState{{Fingerprint: "a", Status: receiver.Firing, StartsAt: start.Add(time.Duration(i) * time.Second)}},
		Window:   time.Hour,
		Resolved: true,
	}}
}

func put(ctx context.Context, s *Store, group string, i int) (receiver.Verdict, error) {
	n, rs := change(group, i)
	vs, err := s.Put(ctx, n, rs)
	if err != nil {
		return "", err
	}
	return vs[0], nil
}

func mustPut(tb testing.TB, s *Store, group string, i int) {
	tb.Helper()
	if v, err := put(tb.Context(), s, group, i); err != nil || v != receiver.News {
		tb.Fatalf("Put = %q, %v, want news", v, err)
	}
}

func claimUpTo(ctx context.Context, s *Store, limit int) ([]receiver.Job, error) {
	return s.Claim(ctx, receiver.Claim{Worker: "작업자", Channel: "mail", Limit: limit, Now: start, Lease: time.Minute})
}

func mustClaim(tb testing.TB, s *Store, limit int) []receiver.Job {
	tb.Helper()
	jobs, err := claimUpTo(tb.Context(), s, limit)
	if err != nil {
		tb.Fatalf("Claim: %v", err)
	}
	return jobs
}

func delivered(j receiver.Job) receiver.Settlement {
	return receiver.Settlement{ID: j.ID, Attempt: j.Attempt, Outcome: receiver.OutcomeDelivered, At: start, Receipt: receiver.Receipt{ID: "250 ok"}}
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

// load is producers and workers at stores, as fast as these go. Producers say
// again what was not acknowledged, as Alertmanager does.
type load struct {
	stores []*Store
	acked  sync.Map // notification's group key: Put had no error
	count  atomic.Int64
	failed atomic.Int64

	mu      sync.Mutex
	settled map[int64]bool
	sent    map[string][]int // by group: which changes were sent, in order
}

func newLoad(stores ...*Store) *load {
	return &load{stores: stores, settled: map[int64]bool{}, sent: map[string][]int{}}
}

// produce puts changes of one group until ctx ends.
func (l *load) produce(ctx context.Context, tb testing.TB, s *Store, group string) {
	for i := 0; ctx.Err() == nil; {
		v, err := put(context.Background(), s, group, i)
		switch {
		case err != nil:
			l.failed.Add(1)
			_ = pause(ctx, time.Millisecond)
			continue // it may be kept or not
		case v != receiver.News && v != receiver.Duplicate:
			tb.Errorf("verdict %q", v)
		}
		l.acked.Store(fmt.Sprintf("%s/%d", group, i), true)
		l.count.Add(1)
		i++
	}
}

// work delivers one after the other until ctx ends, then what is left.
func (l *load) work(ctx context.Context, tb testing.TB, s *Store) {
	for {
		over := ctx.Err() != nil
		jobs, err := claimUpTo(context.Background(), s, 8)
		if err != nil {
			l.failed.Add(1)
			_ = pause(context.Background(), time.Millisecond)
			continue
		}
		for _, j := range jobs {
			l.deliver(tb, s, j)
		}
		if len(jobs) > 0 {
			continue
		}
		if over {
			return
		}
		select {
		case <-s.Due():
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// deliver sends, and settles until it is known to be settled.
func (l *load) deliver(tb testing.TB, s *Store, j receiver.Job) {
	i := int(j.Alerts[0].StartsAt.Sub(start) / time.Second)
	l.mu.Lock()
	l.sent[j.Thread.GroupKey] = append(l.sent[j.Thread.GroupKey], i)
	if l.settled[j.ID] {
		tb.Errorf("%v was settled and is claimed again", j)
	}
	l.mu.Unlock()
	for failed := false; ; failed = true {
		err := s.Settle(context.Background(), delivered(j))
		switch {
		case err == nil, failed && err == receiver.ErrFenced: //nolint:errorlint // ErrFenced comes as it is; the answer before was lost
			l.mu.Lock()
			l.settled[j.ID] = true
			l.mu.Unlock()
			return
		case err == receiver.ErrFenced: //nolint:errorlint // as above
			tb.Errorf("Settle of %v, which nobody else has: %v", j, err)
			return
		}
		l.failed.Add(1)
		_ = pause(context.Background(), time.Millisecond)
	}
}

// run has producers and workers at every store until trouble returns.
func (l *load) run(tb testing.TB, producers, workers int, trouble func()) {
	ctx, cancel := context.WithCancel(tb.Context())
	var wg sync.WaitGroup
	for n, s := range l.stores {
		for i := range producers {
			wg.Go(func() { l.produce(ctx, tb, s, fmt.Sprintf("가게-%d-%d", n, i)) })
		}
		for range workers {
			wg.Go(func() { l.work(ctx, tb, s) })
		}
	}
	trouble()
	cancel()
	wg.Wait()
}

// await waits until so many more were acknowledged.
func (l *load) await(tb testing.TB, more int64) {
	tb.Helper()
	want := l.count.Load() + more
	if err := poll(func() error {
		if got := l.count.Load(); got < want {
			return fmt.Errorf("%d acknowledged, want %d", got, want)
		}
		return nil
	}); err != nil {
		tb.Error(err)
	}
}

// check wants all that was acknowledged to be kept, and sent in order; nothing
// is sent twice but for what a claim's or settle's lost answer explains.
func (l *load) check(tb testing.TB, st storage) {
	tb.Helper()
	kept := map[string]bool{}
	for _, key := range st.texts(tb, `SELECT group_key FROM notification`) {
		kept[key] = true
	}
	l.acked.Range(func(key, _ any) bool {
		if !kept[key.(string)] {
			tb.Errorf("notification %s was acknowledged and is lost", key)
		}
		return true
	})
	for group, is := range l.sent {
		for n := 1; n < len(is); n++ {
			if is[n] <= is[n-1] {
				tb.Errorf("%s: change %d was sent after %d", group, is[n], is[n-1])
			}
		}
	}
	tb.Logf("%d acknowledged, %d calls failed meanwhile", l.count.Load(), l.failed.Load())
}
