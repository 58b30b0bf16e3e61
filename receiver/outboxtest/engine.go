// Package outboxtest is the law of receiver.Store as tests: every storage
// engine passes Exercise.
//
// What is particular to an engine (its files, its locks, its speed, what it
// does when killed) is tested beside the engine.
package outboxtest

import (
	"strings"
	"testing"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

// Engine makes stores over one storage of its own, empty at first.
type Engine struct {
	// Open opens a store on the storage, or fails the test. It is called again
	// after the store before was closed, and must find what that one kept.
	Open func(t *testing.T) receiver.Store
	// Alone: one store at a time can have the storage, so that whoever opens it
	// knows that all leases in it are a dead store's, and ends them.
	Alone bool
}

// Exercise runs the whole suite. newEngine is called once for each test in it,
// from parallel tests; the storages must not know of each other.
func Exercise(t *testing.T, newEngine func(t *testing.T) Engine) {
	t.Helper()
	for _, group := range [][]law{acceptLaws, claimLaws, settleLaws, orderLaws, ledgerLaws, deskLaws, pruneLaws, lifeLaws} {
		for _, l := range group {
			t.Run(l.name, func(t *testing.T) {
				t.Parallel()
				l.check(newBench(t, newEngine))
			})
		}
	}
}

// law is one promise and the check of it.
type law struct {
	name  string
	check func(*bench)
}

// bench is what each check works at: an open store, and a clock that moves only
// when told.
type bench struct {
	*testing.T
	newEngine func(*testing.T) Engine
	engine    Engine
	s         receiver.Store
	now       time.Time
}

// Channel and lease that the checks use where it does not matter.
const (
	channel = "mail"
	lease   = time.Minute
	window  = 4 * time.Hour
)

func newBench(t *testing.T, newEngine func(*testing.T) Engine) *bench {
	b := &bench{T: t, newEngine: newEngine, engine: newEngine(t), now: time.Date(2026, 11, 22, 9, 30, 0, 123e6, time.UTC)}
	b.s = b.engine.Open(t)
	t.Cleanup(func() {
		if err := b.s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

// reopen closes the store and opens another on the same storage.
func (b *bench) reopen() {
	b.Helper()
	if err := b.s.Close(); err != nil {
		b.Fatalf("close: %v", err)
	}
	b.s = b.engine.Open(b.T)
}

func (b *bench) pass(d time.Duration) { b.now = b.now.Add(d) }

// firing and resolved are states of alerts that started at the same time.
func firing(names ...string) []receiver.AlertState   { return states(receiver.Firing, names) }
func resolved(names ...string) []receiver.AlertState { return states(receiver.Resolved, names) }

func states(s receiver.Status, names []string) []receiver.AlertState {
	as := make([]receiver.AlertState, len(names))
	for i, n := range names {
		// Nanoseconds and a zone, as Alertmanager sends them.
		at := time.Date(2026, 11, 22, 18, 0, 0, 123456789, time.FixedZone("KST", 9*3600))
		as[i] = receiver.AlertState{Fingerprint: n, Status: s, StartsAt: at}
	}
	return as
}

// thread names the thread of a group, for one recipient on one channel.
func thread(group, channel, to string) receiver.ThreadKey {
	return receiver.ThreadKey{Receiver: "당직", GroupKey: group, Channel: channel, To: to}
}

func routed(k receiver.ThreadKey, as []receiver.AlertState) receiver.Routed {
	return receiver.Routed{Thread: k, Alerts: as, Window: window, Resolved: true}
}

// notify puts a notification and returns it with its verdicts.
func (b *bench) notify(rs ...receiver.Routed) (receiver.Notification, []receiver.Verdict) {
	b.Helper()
	n := b.notification("{}")
	vs, err := b.s.Put(b.Context(), &n, rs)
	if err != nil {
		b.Fatalf("Put: %v", err)
	}
	if len(vs) != len(rs) {
		b.Fatalf("Put returned %d verdicts for %d", len(vs), len(rs))
	}
	return n, vs
}

func (b *bench) notification(raw string) receiver.Notification {
	return receiver.Notification{ReceivedAt: b.now, Receiver: "당직", GroupKey: `{}:{가게="서울"}`, Raw: []byte(raw)}
}

// accept puts one firing alert into a group of its own, for one recipient.
func (b *bench) accept(group string) {
	b.Helper()
	b.expect(receiver.News, routed(thread(group, channel, "oncall@example.org"), firing("a")))
}

// acceptNext makes another delivery in the group's thread.
func (b *bench) acceptNext(group, alert string) {
	b.Helper()
	b.expect(receiver.News, routed(thread(group, channel, "oncall@example.org"), firing(alert)))
}

// expect puts r and checks the verdict.
func (b *bench) expect(want receiver.Verdict, r receiver.Routed) {
	b.Helper()
	if _, vs := b.notify(r); vs[0] != want {
		b.Fatalf("verdict %q, want %q", vs[0], want)
	}
}

func (b *bench) claimOf(channel string, limit int) []receiver.Job {
	b.Helper()
	jobs, err := b.s.Claim(b.Context(), receiver.Claim{Worker: "작업자", Channel: channel, Limit: limit, Now: b.now, Lease: lease})
	if err != nil {
		b.Fatalf("Claim: %v", err)
	}
	return jobs
}

func (b *bench) claim(limit int) []receiver.Job {
	b.Helper()
	return b.claimOf(channel, limit)
}

// one claims and wants exactly one job.
func (b *bench) one() receiver.Job {
	b.Helper()
	jobs := b.claim(10)
	if len(jobs) != 1 {
		b.Fatalf("claimed %d, want 1: %v", len(jobs), names(jobs))
	}
	return jobs[0]
}

func (b *bench) none(why string) {
	b.Helper()
	if jobs := b.claim(10); len(jobs) != 0 {
		b.Fatalf("%s: claimed %v", why, names(jobs))
	}
}

func (b *bench) settle(st receiver.Settlement) {
	b.Helper()
	if err := b.s.Settle(b.Context(), st); err != nil {
		b.Fatalf("Settle %+v: %v", st, err)
	}
}

func (b *bench) delivered(j receiver.Job) receiver.Settlement {
	return receiver.Settlement{ID: j.ID, Attempt: j.Attempt, Outcome: receiver.OutcomeDelivered, At: b.now}
}

func (b *bench) dead(j receiver.Job) receiver.Settlement {
	return receiver.Settlement{
		ID: j.ID, Attempt: j.Attempt, Outcome: receiver.OutcomeDead, Cause: receiver.CausePermanent,
		At: b.now, Error: "550 그런 사람 없음",
	}
}

func (b *bench) retry(j receiver.Job, in time.Duration) receiver.Settlement {
	return receiver.Settlement{
		ID: j.ID, Attempt: j.Attempt, Outcome: receiver.OutcomeRetry,
		At: b.now, NotBefore: b.now.Add(in), Error: "451 나중에",
	}
}

func (b *bench) show(id int64) receiver.History {
	b.Helper()
	h, err := b.s.Show(b.Context(), id)
	if err != nil {
		b.Fatalf("Show(%d): %v", id, err)
	}
	return h
}

func (b *bench) list(f receiver.Filter) []receiver.Delivery {
	b.Helper()
	ds, err := b.s.List(b.Context(), f)
	if err != nil {
		b.Fatalf("List(%+v): %v", f, err)
	}
	return ds
}

func names(jobs []receiver.Job) string {
	var ns []string
	for _, j := range jobs {
		ns = append(ns, j.String()+" of "+j.Thread.GroupKey)
	}
	return strings.Join(ns, ", ")
}
