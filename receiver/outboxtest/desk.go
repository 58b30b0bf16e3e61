package outboxtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

// deskLaws: what operators do by hand.
var deskLaws = []law{
	{"retry makes a dead delivery pending, its history stays", func(b *bench) {
		b.accept("g")
		j := b.one()
		b.settle(b.dead(j))
		b.pass(time.Hour)
		b.desk("Retry", b.s.Retry, 1, j.ID)
		d := b.show(j.ID).Delivery
		if d.State != receiver.Pending || d.Cause != "" || !d.FinishedAt.IsZero() || !d.NotBefore.Equal(b.now) {
			b.Errorf("delivery %+v", d)
		}
		next := b.one()
		if next.Attempt != 2 || next.Key != j.Key {
			b.Errorf("claimed %+v", next.Delivery)
		}
		b.fenced(b.delivered(j))
		b.settle(b.delivered(next))
		if h := b.show(j.ID); len(h.Attempts) != 2 || h.Attempts[0].Outcome != receiver.OutcomeDead {
			b.Errorf("attempts %+v", h.Attempts)
		}
	}},
	{"retry leaves alone what is not dead", func(b *bench) {
		b.accept("delivered")
		done := b.one()
		b.settle(b.delivered(done))
		b.accept("leased")
		held := b.one()
		b.accept("pending")
		waiting := b.list(receiver.Filter{Limit: 1})[0]
		b.desk("Retry", b.s.Retry, 0, done.ID, held.ID, waiting.ID, 4711)
		b.desk("Retry", b.s.Retry, 0)
		b.settle(b.delivered(held))
	}},
	{"discard ends a pending delivery, and its thread goes on", func(b *bench) {
		b.acceptNext("g", "a")
		b.acceptNext("g", "b")
		first := b.list(receiver.Filter{Limit: 2})[1]
		b.desk("Discard", b.s.Discard, 1, first.ID)
		d := b.show(first.ID).Delivery
		if d.State != receiver.Dead || d.Cause != receiver.CauseDiscarded || !d.FinishedAt.Equal(b.now) {
			b.Errorf("delivery %+v", d)
		}
		if j := b.one(); j.Alerts[0].Fingerprint != "b" {
			b.Errorf("claimed %v", j)
		}
	}},
	{"discard fences the attempt under way", func(b *bench) {
		b.accept("g")
		j := b.one()
		b.desk("Discard", b.s.Discard, 1, j.ID)
		b.fenced(b.delivered(j))
		if d := b.show(j.ID).Delivery; d.Cause != receiver.CauseDiscarded || !d.LeaseUntil.IsZero() {
			b.Errorf("delivery %+v", d)
		}
	}},
	{"discard counts what it moved", func(b *bench) {
		b.accept("delivered")
		done := b.one()
		b.settle(b.delivered(done))
		b.accept("dead")
		dead := b.one()
		b.settle(b.dead(dead))
		b.desk("Discard", b.s.Discard, 1, done.ID, dead.ID, 4711)
		b.desk("Discard", b.s.Discard, 0, dead.ID)
		b.desk("Retry", b.s.Retry, 1, dead.ID)
		b.one()
	}},
	{"a whole thread can be retried, and keeps its order", func(b *bench) {
		var ids []int64
		for i := range 5 {
			b.acceptNext("g", fmt.Sprint(i))
			j := b.one()
			b.settle(b.dead(j))
			ids = append(ids, j.ID)
		}
		b.desk("Retry", b.s.Retry, 5, ids[3], ids[1], ids[0], ids[4], ids[2])
		for _, want := range ids {
			j := b.one()
			if j.ID != want {
				b.Fatalf("claimed %d, want %d", j.ID, want)
			}
			b.settle(b.delivered(j))
		}
	}},
}

// desk does something by hand and checks how many it moved.
func (b *bench) desk(name string, f func(context.Context, time.Time, ...int64) (int, error), want int, ids ...int64) {
	b.Helper()
	got, err := f(b.Context(), b.now, ids...)
	if err != nil || got != want {
		b.Fatalf("%s(%v) = %d, %v, want %d", name, ids, got, err, want)
	}
}

// pruneLaws: what goes with time, and what stays.
var pruneLaws = []law{
	{"prune takes what is old and settled", func(b *bench) {
		b.settled()
		b.quarantine("오래됨")
		done := b.list(receiver.Filter{State: receiver.Delivered, Limit: 1})[0]
		b.notify() // no route wanted it
		b.pass(time.Hour)
		b.quarantine("새것")
		b.accept("young")
		b.settle(b.delivered(b.lastClaimed()))
		b.pruned(4) // delivered, dead, discarded, unrouted
		if _, err := b.s.Show(b.Context(), done.ID); !errors.Is(err, receiver.ErrNotFound) {
			b.Errorf("Show = %v, want ErrNotFound", err)
		}
		if ds := b.list(receiver.Filter{Limit: 10}); len(ds) != 3 {
			b.Errorf("%d deliveries are left, want young, waiting and phone", len(ds))
		}
		if qs, err := b.s.Quarantined(b.Context(), 10); err != nil || len(qs) != 1 || qs[0].Reason != "새것" {
			b.Errorf("Quarantined = %+v, %v", qs, err)
		}
		b.pruned(0)
	}},
	{"prune keeps a notification while any of its deliveries is pending", func(b *bench) {
		b.notify(routed(thread("g", channel, "x"), firing("a")), routed(thread("g", "phone", "x"), firing("a")))
		b.settle(b.delivered(b.one()))
		b.pass(time.Hour)
		b.pruned(0)
		for _, j := range b.claimOf("phone", 1) {
			b.settle(b.delivered(j))
		}
		b.pruned(1)
	}},
	{"prune takes many", func(b *bench) {
		together(8, func(int) {
			for range 75 {
				n := b.notification("{}")
				if _, err := b.s.Put(b.Context(), &n, nil); err != nil {
					b.Errorf("Put: %v", err)
				}
			}
		})
		b.pass(time.Hour)
		b.pruned(600)
	}},
	{"prune keeps what threads know of firing alerts", func(b *bench) {
		k := thread("g", channel, "x")
		b.expect(receiver.News, routed(k, firing("a")))
		b.settle(b.delivered(b.one()))
		b.pass(time.Hour)
		b.pruned(1)
		b.expect(receiver.Duplicate, routed(k, firing("a")))
		b.expect(receiver.News, routed(k, resolved("a")))
	}},
	{"ids and keys do not come back after prune", func(b *bench) {
		b.accept("g")
		j := b.one()
		b.settle(b.delivered(j))
		b.pass(time.Hour)
		b.pruned(1)
		b.reopen()
		b.accept("h")
		if next := b.one(); next.ID <= j.ID || next.NotificationID <= j.NotificationID || next.Key == j.Key {
			b.Errorf("claimed %+v after %+v", next.Delivery, j.Delivery)
		}
	}},
}

// pruned prunes what is older than half an hour.
func (b *bench) pruned(want int) {
	b.Helper()
	got, err := b.s.Prune(b.Context(), b.now.Add(-30*time.Minute))
	if err != nil || got != want {
		b.Fatalf("Prune = %d, %v, want %d", got, err, want)
	}
}

// lastClaimed claims all and returns the newest, leaving the rest leased.
func (b *bench) lastClaimed() receiver.Job {
	b.Helper()
	jobs := b.claim(100)
	if len(jobs) == 0 {
		b.Fatal("nothing to claim")
	}
	return jobs[len(jobs)-1]
}
