package postgres

import (
	"testing"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

// woken waits until s has heard of something, far less than polling takes.
func woken(tb testing.TB, s *Store, why string) {
	tb.Helper()
	select {
	case <-s.Due():
	case <-time.After(20 * time.Second):
		tb.Fatalf("Due is silent after %s", why)
	}
}

// quiet takes what Due has left.
func quiet(s *Store) {
	select {
	case <-s.Due():
	default:
	}
}

func TestOtherReplicasHear(t *testing.T) {
	t.Parallel()
	st := newStorage(t, need(t))
	stores := st.replicas(t, 2)
	here, there := stores[0], stores[1]
	mustPut(t, here, "가게", 1)
	woken(t, there, "another's Put")
	j := mustClaim(t, there, 1)[0]
	dead := delivered(j)
	dead.Outcome, dead.Cause = receiver.OutcomeDead, receiver.CausePermanent
	if err := there.Settle(t.Context(), dead); err != nil {
		t.Fatal(err)
	}
	quiet(here)
	quiet(there)
	hand, err := OpenShared(t.Context(), st.dsn(st.schema, ""), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := hand.Retry(t.Context(), start, j.ID); n != 1 || err != nil {
		t.Fatalf("Retry = %d, %v", n, err)
	}
	woken(t, here, "a Retry by hand")
	woken(t, there, "a Retry by hand")
	if err := hand.Close(); err != nil {
		t.Error(err)
	}
}

// One storage hears nothing of another in the same database, and none of its
// own through the server.
func TestNobodyElseHears(t *testing.T) {
	t.Parallel()
	need(t)
	one, other := newStorage(t, shared).open(t, Options{}), newStorage(t, shared).open(t, Options{})
	defer closeStore(t, one)
	defer closeStore(t, other)
	mustPut(t, one, "가게", 1)
	woken(t, one, "its own Put")
	// What comes through the server comes in order, so it would be here before.
	if err := shared.exec(`SELECT pg_notify('bongsu_` + one.instance + `', 'x'), pg_notify('bongsu_` + other.instance + `', 'x')`); err != nil {
		t.Fatal(err)
	}
	woken(t, one, "a notification")
	woken(t, other, "a notification")
	if len(one.due) > 0 || len(other.due) > 0 {
		t.Error("a store was woken twice")
	}
}

func TestListenerComesBack(t *testing.T) {
	t.Parallel()
	st := newStorage(t, need(t))
	stores := st.replicas(t, 2)
	for range 3 {
		if err := st.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '` + st.schema + `' AND query LIKE 'LISTEN%'`); err != nil {
			t.Fatal(err)
		}
		for _, s := range stores {
			woken(t, s, "reconnecting") // it signals for what it may have missed
		}
	}
	mustPut(t, stores[0], "가게", 1)
	woken(t, stores[1], "another's Put, after it had reconnected")
}

// BenchmarkWake is how long after its commit another replica hears of a Put.
func BenchmarkWake(b *testing.B) {
	st := newStorage(b, need(b))
	stores := st.replicas(b, 2)
	var waited time.Duration
	for i := 0; b.Loop(); i++ {
		mustPut(b, stores[0], "가게", i)
		committed := time.Now()
		woken(b, stores[1], "Put")
		waited += time.Since(committed)
	}
	b.ReportMetric(float64(waited.Microseconds())/float64(b.N), "us_after_commit")
}
