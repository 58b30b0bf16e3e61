package outboxtest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bongsu/bongsu/receiver"
)

// claimLaws: who gets what, and for how long.
var claimLaws = []law{
	{"claim hands out all that is needed to send", func(b *bench) {
		k := thread("g", channel, "x")
		n := b.notification(`{"안녕":1}`)
		if _, err := b.s.Put(b.Context(), &n, []receiver.Routed{routed(k, firing("a"))}); err != nil {
			b.Fatal(err)
		}
		b.pass(time.Second)
		j := b.one()
		want := receiver.Job{
			Delivery: receiver.Delivery{
				ID: j.ID, Key: j.Key, NotificationID: n.ID, Thread: k, Alerts: firing("a"),
				State: receiver.Pending, Attempt: 1,
				CreatedAt: n.ReceivedAt, NotBefore: n.ReceivedAt, LeaseUntil: b.now.Add(lease),
			},
			Notification: n,
		}
		if diff := cmp.Diff(want, j); diff != "" {
			b.Error(diff)
		}
		h := b.show(j.ID)
		attempts := []receiver.Attempt{{N: 1, Worker: "작업자", StartedAt: b.now, Outcome: receiver.OutcomeStarted}}
		if diff := cmp.Diff(attempts, h.Attempts); diff != "" {
			b.Error(diff)
		}
		if diff := cmp.Diff(j.Delivery, h.Delivery); diff != "" {
			b.Error(diff)
		}
	}},
	{"claim asks for one channel", func(b *bench) {
		b.notify(routed(thread("g", "phone", "x"), firing("a")))
		b.none("another channel's")
		if jobs := b.claimOf("phone", 1); len(jobs) != 1 {
			b.Errorf("claimed %d, want 1", len(jobs))
		}
	}},
	{"claim gives at most its limit, the longest due first", func(b *bench) {
		for i := range 5 {
			b.accept(fmt.Sprint(i))
			b.pass(time.Millisecond)
		}
		var got []string
		for _, limit := range []int{2, 2, 2} {
			for _, j := range b.claim(limit) {
				got = append(got, j.Thread.GroupKey)
			}
		}
		if diff := cmp.Diff([]string{"0", "1", "2", "3", "4"}, got); diff != "" {
			b.Error(diff)
		}
	}},
	{"claim refuses a claim that could not end", func(b *bench) {
		b.accept("g")
		for _, c := range []receiver.Claim{
			{Channel: channel, Limit: 1, Now: b.now},
			{Channel: channel, Lease: lease, Now: b.now},
		} {
			if jobs, err := b.s.Claim(b.Context(), c); err == nil {
				b.Errorf("Claim(%+v) = %v, want an error", c, names(jobs))
			}
		}
	}},
	{"a leased delivery is nobody else's", func(b *bench) {
		b.accept("g")
		b.one()
		b.pass(lease - time.Millisecond)
		b.none("leased")
	}},
	{"a lease that ran out gives the delivery to the next", func(b *bench) {
		b.accept("g")
		first := b.one()
		b.pass(lease)
		second := b.one()
		if second.ID != first.ID || second.Attempt != 2 || second.Key != first.Key {
			b.Errorf("claimed %+v after %+v", second.Delivery, first.Delivery)
		}
		b.settle(b.delivered(second))
		h := b.show(first.ID)
		if len(h.Attempts) != 2 || h.Attempts[0].Outcome != receiver.OutcomeStarted || h.Attempts[1].Outcome != receiver.OutcomeDelivered {
			b.Errorf("attempts %+v", h.Attempts)
		}
	}},
	{"many workers never share a delivery", func(b *bench) {
		const workers, deliveries = 16, 100
		for i := range deliveries {
			b.accept(fmt.Sprint(i))
		}
		var (
			mu   sync.Mutex
			seen = map[int64]int{}
		)
		together(workers, func(i int) {
			for {
				jobs, err := b.s.Claim(b.Context(), receiver.Claim{
					Worker: fmt.Sprint(i), Channel: channel, Limit: 3, Now: b.now, Lease: lease,
				})
				if err != nil {
					b.Errorf("Claim: %v", err)
				}
				if len(jobs) == 0 {
					return
				}
				for _, j := range jobs {
					mu.Lock()
					seen[j.ID]++
					mu.Unlock()
					if err := b.s.Settle(b.Context(), b.delivered(j)); err != nil {
						b.Errorf("Settle: %v", err)
					}
				}
			}
		})
		for id, n := range seen {
			if n != 1 {
				b.Errorf("delivery %d was claimed %d times", id, n)
			}
		}
		if len(seen) != deliveries {
			b.Errorf("%d deliveries were claimed, want %d", len(seen), deliveries)
		}
	}},
}

// settleLaws: how an attempt ends.
var settleLaws = []law{
	{"delivered is final", func(b *bench) {
		b.accept("g")
		j := b.one()
		b.pass(time.Second)
		st := b.delivered(j)
		st.Receipt = receiver.Receipt{ID: "SM1", Ref: "1700000000.1", Detail: "2 segments, 보냄"}
		b.settle(st)
		h := b.show(j.ID)
		want := j.Delivery
		want.State, want.FinishedAt, want.LeaseUntil, want.Receipt = receiver.Delivered, b.now, time.Time{}, st.Receipt
		if diff := cmp.Diff(want, h.Delivery); diff != "" {
			b.Error(diff)
		}
		attempt := receiver.Attempt{
			N: 1, Worker: "작업자", StartedAt: b.now.Add(-time.Second), FinishedAt: b.now,
			Outcome: receiver.OutcomeDelivered, Receipt: st.Receipt,
		}
		if diff := cmp.Diff([]receiver.Attempt{attempt}, h.Attempts); diff != "" {
			b.Error(diff)
		}
		b.pass(100 * lease)
		b.none("delivered")
	}},
	{"dead is not tried again", func(b *bench) {
		b.accept("g")
		j := b.one()
		b.settle(b.dead(j))
		d := b.show(j.ID).Delivery
		if d.State != receiver.Dead || d.Cause != receiver.CausePermanent || d.LastError != "550 그런 사람 없음" || !d.FinishedAt.Equal(b.now) {
			b.Errorf("delivery %+v", d)
		}
		b.pass(100 * lease)
		b.none("dead")
	}},
	{"retry is not claimed before its time", func(b *bench) {
		b.accept("g")
		j := b.one()
		b.settle(b.retry(j, time.Hour))
		d := b.show(j.ID).Delivery
		if d.State != receiver.Pending || d.LastError != "451 나중에" || !d.NotBefore.Equal(b.now.Add(time.Hour)) || !d.LeaseUntil.IsZero() {
			b.Errorf("delivery %+v", d)
		}
		b.pass(time.Hour - time.Millisecond)
		b.none("not before its time")
		b.pass(time.Millisecond)
		if next := b.one(); next.Attempt != 2 || next.Key != j.Key {
			b.Errorf("claimed %+v", next.Delivery)
		}
	}},
	{"a retry at once is due at once", func(b *bench) {
		b.accept("g")
		st := b.retry(b.one(), 0)
		st.NotBefore = time.Time{}
		b.settle(st)
		b.one()
	}},
	{"a late settle is fenced and changes nothing", func(b *bench) {
		b.accept("g")
		late := b.one()
		b.pass(lease)
		current := b.one()
		before := b.show(late.ID)
		for _, st := range []receiver.Settlement{b.delivered(late), b.dead(late), b.retry(late, time.Hour)} {
			st.Receipt.Ref = "late"
			b.fenced(st)
		}
		if diff := cmp.Diff(before, b.show(late.ID)); diff != "" {
			b.Error(diff)
		}
		b.settle(b.delivered(current))
	}},
	{"a settle after the lease counts if nobody took over", func(b *bench) {
		b.accept("g")
		j := b.one()
		b.pass(2 * lease)
		b.settle(b.delivered(j))
		b.none("delivered")
	}},
	{"an attempt is settled once", func(b *bench) {
		b.accept("g")
		j := b.one()
		b.settle(b.retry(j, time.Minute))
		b.fenced(b.delivered(j))
		b.pass(time.Minute)
		j = b.one()
		b.settle(b.delivered(j))
		b.fenced(b.delivered(j))
		b.fenced(b.dead(j))
	}},
	{"what was never claimed cannot be settled", func(b *bench) {
		b.accept("g")
		d := b.list(receiver.Filter{Limit: 1})[0]
		b.fenced(receiver.Settlement{ID: d.ID, Attempt: 0, Outcome: receiver.OutcomeDelivered, At: b.now})
		b.fenced(receiver.Settlement{ID: d.ID, Attempt: 1, Outcome: receiver.OutcomeDelivered, At: b.now})
		b.fenced(receiver.Settlement{ID: d.ID + 1000, Attempt: 1, Outcome: receiver.OutcomeDelivered, At: b.now})
		b.one()
	}},
	{"settle refuses what is no end", func(b *bench) {
		b.accept("g")
		j := b.one()
		for _, st := range []receiver.Settlement{
			{ID: j.ID, Attempt: 1, Outcome: receiver.OutcomeStarted, At: b.now},
			{ID: j.ID, Attempt: 1, Outcome: receiver.OutcomeDead, At: b.now},
			{ID: j.ID, Attempt: 1, At: b.now},
		} {
			if err := b.s.Settle(b.Context(), st); err == nil || errors.Is(err, receiver.ErrFenced) {
				b.Errorf("Settle(%+v) = %v, want a refusal", st, err)
			}
		}
		b.settle(b.delivered(j))
	}},
	{"of many settles of one attempt one counts", func(b *bench) {
		b.accept("g")
		j := b.one()
		results := make(chan error, 16)
		together(cap(results), func(int) { results <- b.s.Settle(b.Context(), b.delivered(j)) })
		done := 0
		for range cap(results) {
			switch err := <-results; {
			case err == nil:
				done++
			case !errors.Is(err, receiver.ErrFenced):
				b.Errorf("Settle: %v", err)
			}
		}
		if done != 1 {
			b.Errorf("%d settles counted, want 1", done)
		}
	}},
}

func (b *bench) fenced(st receiver.Settlement) {
	b.Helper()
	if err := b.s.Settle(b.Context(), st); !errors.Is(err, receiver.ErrFenced) {
		b.Errorf("Settle(%+v) = %v, want ErrFenced", st, err)
	}
}
