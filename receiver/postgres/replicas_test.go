package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/bongsu/bongsu/receiver"
)

// replicas opens so many stores on one storage, all at once.
func (st storage) replicas(tb testing.TB, n int) []*Store {
	tb.Helper()
	stores := make([]*Store, n)
	inParallel(n, n, func(i int) {
		s, err := Open(tb.Context(), st.dsn(st.schema, "&pool_max_conns=6"), Options{})
		if err != nil {
			tb.Errorf("Open: %v", err)
			return
		}
		stores[i] = s
		tb.Cleanup(func() { closeStore(tb, s) })
	})
	if tb.Failed() {
		tb.FailNow()
	}
	return stores
}

// Replicas that start at once make the schema once, and have one name.
func TestReplicasStartAtOnce(t *testing.T) {
	t.Parallel()
	stores := newStorage(t, need(t)).replicas(t, 6)
	for _, s := range stores {
		if s.instance != stores[0].instance || s.instance == "" {
			t.Errorf("instances %q and %q", s.instance, stores[0].instance)
		}
	}
}

// The two Alertmanagers of a pair speak to two replicas at the same moment.
func TestSameStateByTwoReplicasIsOneDelivery(t *testing.T) {
	t.Parallel()
	stores := newStorage(t, need(t)).replicas(t, 2)
	const changes = 200
	for i := range changes {
		var news, duplicates atomic.Int32
		inParallel(4, 4, func(n int) {
			v, err := put(t.Context(), stores[n%2], "가게", i)
			switch {
			case err != nil:
				t.Errorf("Put: %v", err)
			case v == receiver.News:
				news.Add(1)
			case v == receiver.Duplicate:
				duplicates.Add(1)
			}
		})
		if news.Load() != 1 || duplicates.Load() != 3 {
			t.Fatalf("change %d: %d news and %d duplicates, want 1 and 3", i, news.Load(), duplicates.Load())
		}
	}
	if ds, err := stores[0].List(t.Context(), receiver.Filter{Limit: 1000}); err != nil || len(ds) != changes {
		t.Errorf("%d deliveries, %v, want %d", len(ds), err, changes)
	}
}

// Groups of Puts that speak to the same threads in different orders wait for
// each other in one order.
func TestCrossingPutsDoNotDeadlock(t *testing.T) {
	t.Parallel()
	st := newStorage(t, need(t))
	stores := st.replicas(t, 3)
	inParallel(24, 600, func(i int) {
		r := rand.New(rand.NewPCG(uint64(i), 1))
		n, _ := change("", i)
		var rs []receiver.Routed
		for _, g := range r.Perm(20)[:8] {
			_, one := change(fmt.Sprint("가게 ", g, "-", i/100), i)
			rs = append(rs, one...)
		}
		if _, err := stores[i%3].Put(t.Context(), n, rs); err != nil {
			t.Errorf("Put: %v", err)
		}
	})
	for _, s := range stores {
		if n := retried(t, s); n > 0 {
			t.Errorf("%v transactions were run again", n)
		}
	}
}

// Each delivery is claimed by exactly one replica, and those of a thread in
// their order, whoever has them.
func TestReplicasShareTheWork(t *testing.T) {
	t.Parallel()
	st := newStorage(t, need(t))
	l := newLoad(st.replicas(t, 3)...)
	l.run(t, 6, 3, func() { l.await(t, 1500) })
	l.check(t, st)
	if l.failed.Load() > 0 {
		t.Errorf("%d calls failed", l.failed.Load())
	}
	if got := int64(len(l.settled)); got != l.count.Load() {
		t.Errorf("%d deliveries were settled, want %d", got, l.count.Load())
	}
}

// Everything at once on few threads, from three replicas: leases that run out,
// operators, pruning. The laws between the rows are checked at the end.
func TestReplicasInEachOthersWay(t *testing.T) {
	t.Parallel()
	st := newStorage(t, need(t))
	stores := st.replicas(t, 3)
	var clock, serial atomic.Int64
	now := func() time.Time { return start.Add(time.Duration(clock.Add(1)) * 100 * time.Millisecond) }
	inParallel(12, 1500, func(i int) {
		ctx, s := t.Context(), stores[i%3]
		var err error
		switch rand.IntN(10) {
		default:
			_, err = put(ctx, s, fmt.Sprint("가게 ", rand.IntN(5)), int(serial.Add(1)))
		case 4, 5, 6, 7:
			err = claimAndSettle(ctx, s, now)
		case 8:
			err = tamper(ctx, s, now())
		case 9:
			_, err = s.Prune(ctx, start.Add(-time.Hour)) // all were received at start: none
		}
		if err != nil && !errors.Is(err, receiver.ErrFenced) {
			t.Errorf("%v", err)
		}
	})
}

// claimAndSettle settles most of what it gets, and forgets the rest.
func claimAndSettle(ctx context.Context, s *Store, now func() time.Time) error {
	jobs, err := s.Claim(ctx, receiver.Claim{Worker: "w", Channel: "mail", Limit: 3, Now: now(), Lease: 2 * time.Second})
	for _, j := range jobs {
		st := delivered(j)
		switch rand.IntN(4) {
		case 0:
			continue
		case 1:
			st.Outcome, st.Cause = receiver.OutcomeDead, receiver.CausePermanent
		case 2:
			st.Outcome, st.NotBefore = receiver.OutcomeRetry, now()
		}
		if err := s.Settle(ctx, st); err != nil {
			return err
		}
	}
	return err
}

func tamper(ctx context.Context, s *Store, now time.Time) error {
	ds, err := s.List(ctx, receiver.Filter{Limit: 10})
	if err != nil {
		return err
	}
	var ids []int64
	for _, d := range ds {
		ids = append(ids, d.ID)
	}
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	if rand.IntN(2) == 0 {
		_, err = s.Retry(ctx, now, ids...)
	} else {
		_, err = s.Discard(ctx, now, ids[:len(ids)/3]...)
	}
	return err
}

// A replica whose connections the server ends, again and again.
func TestConnectionsAreCut(t *testing.T) {
	t.Parallel()
	st := newStorage(t, need(t))
	l := newLoad(st.replicas(t, 2)...)
	l.run(t, 8, 2, func() {
		for range 8 {
			l.await(t, 100)
			// Those of this storage alone, for other tests use the server too.
			err := st.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '` + st.schema + `'`)
			if err != nil {
				t.Error(err)
			}
		}
		l.await(t, 100)
	})
	l.check(t, st)
	if retried(t, l.stores[0]) == 0 {
		t.Error("no transaction was run again: were the connections cut?")
	}
}

// The server restarts under load, once as it should and once as in a crash.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	server := own(t)
	st := newStorage(t, server)
	l := newLoad(st.replicas(t, 2)...)
	l.run(t, 8, 2, func() {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
			l.await(t, 200)
			failed := l.failed.Load()
			server.stop(sig)
			if _, err := put(t.Context(), l.stores[0], "아무도 없다", 1); err == nil || errors.Is(err, receiver.ErrClosed) {
				t.Errorf("Put without a server: %v", err)
			}
			if err := server.start(); err != nil {
				t.Error(err)
				return
			}
			l.await(t, 200)
			t.Logf("%v: %d calls failed", sig, l.failed.Load()-failed)
		}
	})
	l.check(t, st)
	if err := poll(func() error {
		for _, s := range l.stores {
			if s.listening() == 0 {
				return errors.New("a replica does not listen")
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// Close does not wait for ever for a server that is gone, and tells everyone.
func TestCloseWithoutServer(t *testing.T) {
	t.Parallel()
	server := own(t)
	s := newStorage(t, server).open(t, Options{})
	mustPut(t, s, "가게", 1)
	server.stop(syscall.SIGQUIT)
	defer func() { _ = server.start() }()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := put(t.Context(), s, "가게", 2+i); err == nil {
				t.Error("Put without a server went through")
			}
		})
	}
	closeStore(t, s)
	wg.Wait()
}

func retried(tb testing.TB, s *Store) float64 {
	tb.Helper()
	return testutil.ToFloat64(s.metrics.retries)
}
