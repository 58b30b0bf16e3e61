package outboxtest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bongsu/bongsu/receiver"
)

// orderLaws: what a recipient hears first, and what belongs together.
var orderLaws = []law{
	{"a thread is claimed one at a time, the oldest first", func(b *bench) {
		for _, a := range []string{"a", "b", "c"} {
			b.acceptNext("g", a)
			b.pass(time.Second)
		}
		b.acceptNext("other", "a")
		var got []string
		for range 3 {
			jobs := b.claim(10)
			for _, j := range jobs {
				got = append(got, j.Thread.GroupKey+j.Alerts[0].Fingerprint)
				b.settle(b.delivered(j))
			}
		}
		if diff := cmp.Diff([]string{"ga", "othera", "gb", "gc"}, got); diff != "" {
			b.Error(diff)
		}
	}},
	{"a delivery that waits for its retry holds back its thread", func(b *bench) {
		b.acceptNext("g", "a")
		b.acceptNext("g", "b")
		first := b.one()
		b.settle(b.retry(first, time.Hour))
		b.pass(time.Minute)
		b.none("the oldest waits")
		b.pass(time.Hour)
		if j := b.one(); j.ID != first.ID {
			b.Errorf("claimed %v before %v", j, first)
		}
	}},
	{"a dead delivery lets its thread go on", func(b *bench) {
		b.acceptNext("g", "a")
		b.acceptNext("g", "b")
		b.settle(b.dead(b.one()))
		if j := b.one(); j.Alerts[0].Fingerprint != "b" {
			b.Errorf("claimed %v", j)
		}
	}},
	{"what is put behind a leased delivery waits for it", func(b *bench) {
		b.acceptNext("g", "a")
		first := b.one()
		b.acceptNext("g", "b")
		b.none("the first is leased")
		b.pass(lease)
		if j := b.one(); j.ID != first.ID {
			b.Errorf("claimed %v before %v", j, first)
		}
	}},
	{"a retried dead delivery waits for the one that is leased", func(b *bench) {
		b.acceptNext("g", "a")
		b.acceptNext("g", "b")
		first := b.one()
		b.settle(b.dead(first))
		second := b.one()
		b.desk("Retry", b.s.Retry, 1, first.ID)
		b.none("the second is leased")
		b.settle(b.retry(second, 0))
		if j := b.one(); j.ID != first.ID {
			b.Errorf("claimed %v before %v", j, first)
		}
	}},
	{"a retried dead delivery goes before one whose lease ran out", func(b *bench) {
		b.acceptNext("g", "a")
		b.acceptNext("g", "b")
		first := b.one()
		b.settle(b.dead(first))
		late := b.one()
		b.desk("Retry", b.s.Retry, 1, first.ID)
		b.pass(lease)
		j := b.one()
		if j.ID != first.ID {
			b.Errorf("claimed %v before %v", j, first)
		}
		b.settle(b.delivered(late)) // late, but nobody else has it
		b.settle(b.delivered(j))
		b.none("all is settled")
	}},
	{"threads of one group do not wait for each other", func(b *bench) {
		b.notify(
			routed(thread("g", channel, "x"), firing("a")),
			routed(thread("g", channel, "y"), firing("a")),
		)
		if jobs := b.claim(10); len(jobs) != 2 {
			b.Errorf("claimed %d, want 2", len(jobs))
		}
	}},
	{"a receipt's ref reaches the next of the thread", func(b *bench) {
		k := thread("g", channel, "x")
		b.notify(routed(k, firing("a")), routed(thread("g", channel, "y"), firing("a")))
		for _, j := range b.claim(2) {
			if j.ThreadRef != "" {
				b.Errorf("first of its thread has ref %q", j.ThreadRef)
			}
			st := b.delivered(j)
			st.Receipt.Ref = "글-" + j.Thread.To
			b.settle(st)
		}
		b.notify(routed(k, firing("a", "b")))
		b.refIs(b.one(), "글-x", "") // no new ref: the last one stays
		b.notify(routed(k, resolved("a", "b")))
		b.refIs(b.one(), "글-x", "글-2")
		b.notify(routed(k, []receiver.AlertState{later("a")}))
		b.refIs(b.one(), "", "새-글") // a new episode
		b.notify(routed(k, append(firing("c"), later("a"))))
		b.refIs(b.one(), "새-글", "")
	}},
	{"only a delivered attempt leaves a ref", func(b *bench) {
		b.acceptNext("g", "a")
		st := b.retry(b.one(), 0)
		st.Receipt.Ref = "no"
		b.settle(st)
		b.refIs(b.one(), "", "")
	}},
	{"an old episode's receipt is not the new one's ref", func(b *bench) {
		k := thread("g", channel, "x")
		b.expect(receiver.News, routed(k, firing("a")))
		first := b.one()
		b.expect(receiver.News, routed(k, resolved("a")))
		b.expect(receiver.News, routed(k, []receiver.AlertState{later("a")}))
		st := b.delivered(first)
		st.Receipt.Ref = "old"
		b.settle(st)
		b.refIs(b.one(), "old", "") // the resolve, of the old episode still
		b.refIs(b.one(), "", "new")
		b.expect(receiver.News, routed(k, append(firing("b"), later("a"))))
		b.refIs(b.one(), "new", "")
	}},
	{"an old episode's late receipt does not replace the new one's ref", func(b *bench) {
		k := thread("g", channel, "x")
		b.expect(receiver.News, routed(k, firing("a")))
		first := b.one()
		b.settle(b.dead(first))
		b.expect(receiver.News, routed(k, resolved("a")))
		b.refIs(b.one(), "", "")
		b.expect(receiver.News, routed(k, []receiver.AlertState{later("a")}))
		b.refIs(b.one(), "", "new")
		b.desk("Retry", b.s.Retry, 1, first.ID)
		b.refIs(b.one(), "", "old")
		b.expect(receiver.News, routed(k, append(firing("b"), later("a"))))
		b.refIs(b.one(), "new", "")
	}},
	{"random walks keep the order", randomWalk},
}

// refIs checks j's ref and settles it as delivered with the next.
func (b *bench) refIs(j receiver.Job, want, next string) {
	b.Helper()
	if j.ThreadRef != want {
		b.Errorf("%v has ref %q, want %q", j, j.ThreadRef, want)
	}
	st := b.delivered(j)
	st.Receipt.Ref = next
	b.settle(st)
}

// later is an alert that fires again.
func later(name string) receiver.AlertState {
	a := firing(name)[0]
	a.StartsAt = a.StartsAt.Add(time.Hour)
	return a
}

// randomWalk does what workers, operators and crashes do in any order, and
// checks each claim against the law as Claim's comment tells it.
func randomWalk(b *bench) {
	r := rand.New(rand.NewPCG(1, 2))
	groups, held, serial := []string{"a", "b", "c"}, []receiver.Job{}, 0
	steps := 600
	if testing.Short() {
		steps = 150
	}
	for range steps {
		switch r.IntN(8) {
		case 0, 1, 2:
			serial++
			b.acceptNext(groups[r.IntN(len(groups))], fmt.Sprint(serial))
		case 3, 4:
			held = append(held, b.checkedClaim(1+r.IntN(3))...)
		case 5, 6:
			if len(held) == 0 {
				continue
			}
			i := r.IntN(len(held))
			b.settleSomehow(held[i], r.IntN(4))
			held = append(held[:i], held[i+1:]...)
		case 7:
			b.pass(time.Duration(r.IntN(60)) * time.Second)
			b.tamper(r)
		}
	}
}

func (b *bench) settleSomehow(j receiver.Job, how int) {
	b.Helper()
	st := []receiver.Settlement{b.delivered(j), b.delivered(j), b.dead(j), b.retry(j, 20*time.Second)}[how]
	taken := b.show(j.ID).Delivery
	err := b.s.Settle(b.Context(), st)
	if stillHis := taken.State == receiver.Pending && taken.Attempt == j.Attempt; stillHis != (err == nil) {
		b.Fatalf("Settle(%+v) = %v with %+v", st, err, taken)
	}
}

// tamper retries and discards at random.
func (b *bench) tamper(r *rand.Rand) {
	b.Helper()
	ds := b.list(receiver.Filter{Limit: 20})
	if len(ds) == 0 {
		return
	}
	d := ds[r.IntN(len(ds))]
	want := 0
	switch d.State {
	case receiver.Dead:
		want = 1
		b.desk("Retry", b.s.Retry, want, d.ID)
	case receiver.Pending:
		if r.IntN(3) == 0 {
			want = 1
			b.desk("Discard", b.s.Discard, want, d.ID)
		}
	default:
		b.desk("Retry", b.s.Retry, want, d.ID)
	}
}

// checkedClaim claims, and compares with what may be claimed by the law.
func (b *bench) checkedClaim(limit int) []receiver.Job {
	b.Helper()
	want := claimable(b.list(receiver.Filter{State: receiver.Pending, Limit: 10000}), b.now)
	jobs := b.claim(limit)
	if len(jobs) != min(limit, len(want)) {
		b.Fatalf("claimed %d of %d with limit %d", len(jobs), len(want), limit)
	}
	for _, j := range jobs {
		d, ok := want[j.ID]
		if !ok {
			b.Fatalf("claimed %v, which was not due, not first or not free", j)
		}
		if j.Attempt != d.Attempt+1 {
			b.Fatalf("%v: attempt %d after %d", j, j.Attempt, d.Attempt)
		}
	}
	return jobs
}

// claimable is the law in its plainest form: the oldest of each thread, if none
// of the thread is leased and it is due.
func claimable(pending []receiver.Delivery, now time.Time) map[int64]receiver.Delivery {
	oldest, leased := map[receiver.ThreadKey]receiver.Delivery{}, map[receiver.ThreadKey]bool{}
	for _, d := range pending { // newest first
		oldest[d.Thread] = d
		if d.LeaseUntil.After(now) {
			leased[d.Thread] = true
		}
	}
	due := map[int64]receiver.Delivery{}
	for k, d := range oldest {
		if !leased[k] && !d.NotBefore.After(now) {
			due[d.ID] = d
		}
	}
	return due
}
