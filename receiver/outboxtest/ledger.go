package outboxtest

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bongsu/bongsu/receiver"
)

// ledgerLaws: what readers see.
var ledgerLaws = []law{
	{"list filters and pages, newest first", func(b *bench) {
		b.settled()
		for _, c := range []struct {
			f    receiver.Filter
			want []string
		}{
			{receiver.Filter{Limit: 10}, []string{"waiting", "phone", "discarded", "dead", "delivered"}},
			{receiver.Filter{Limit: 2}, []string{"waiting", "phone"}},
			{receiver.Filter{}, nil},
			{receiver.Filter{Limit: 10, State: receiver.Pending}, []string{"waiting", "phone"}},
			{receiver.Filter{Limit: 10, State: receiver.Pending, Channel: channel}, []string{"waiting"}},
			{receiver.Filter{Limit: 10, State: receiver.Dead}, []string{"discarded", "dead"}},
			{receiver.Filter{Limit: 10, Cause: receiver.CauseDiscarded}, []string{"discarded"}},
			{receiver.Filter{Limit: 10, State: receiver.Delivered, Cause: receiver.CauseDiscarded}, nil},
			{receiver.Filter{Limit: 10, Channel: "phone"}, []string{"phone"}},
			{receiver.Filter{Limit: 10, Channel: "nothing"}, nil},
		} {
			var got []string
			for _, d := range b.list(c.f) {
				got = append(got, d.Thread.GroupKey)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				b.Errorf("%+v: %s", c.f, diff)
			}
		}
	}},
	{"list pages by id without gaps", func(b *bench) {
		for i := range 25 {
			b.notify(routed(thread(fmt.Sprint(i), []string{"mail", "phone", "대화"}[i%3], "x"), firing("a")))
		}
		for _, state := range []receiver.State{"", receiver.Pending} {
			f, got := receiver.Filter{State: state, Limit: 4}, 0
			for {
				page := b.list(f)
				if len(page) == 0 {
					break
				}
				for _, d := range page {
					if f.Before != 0 && d.ID >= f.Before {
						b.Fatalf("id %d on the page before %d", d.ID, f.Before)
					}
					f.Before = d.ID
					got++
				}
			}
			if got != 25 {
				b.Errorf("state %q: pages hold %d, want 25", state, got)
			}
		}
	}},
	{"show of nothing is not found", func(b *bench) {
		if _, err := b.s.Show(b.Context(), 4711); !errors.Is(err, receiver.ErrNotFound) {
			b.Errorf("Show = %v, want ErrNotFound", err)
		}
	}},
	{"stats of nothing is empty and not nil", func(b *bench) {
		b.statsAre(receiver.Stats{
			Pending: map[string]int{}, Dead: map[string]int{}, OldestPending: map[string]time.Duration{},
		})
	}},
	{"stats count by channel", func(b *bench) {
		b.settled()
		b.pass(time.Hour)
		b.accept("young")
		b.quarantine("그것은 JSON이 아니다")
		b.statsAre(receiver.Stats{
			Pending:       map[string]int{channel: 2, "phone": 1},
			Dead:          map[string]int{channel: 1},
			OldestPending: map[string]time.Duration{channel: time.Hour, "phone": time.Hour},
			Quarantined:   1,
		})
	}},
	{"quarantine keeps what was not understood, newest first", func(b *bench) {
		for i := range 3 {
			b.quarantine(fmt.Sprintf("이유 %d", i))
			b.pass(time.Second)
		}
		qs, err := b.s.Quarantined(b.Context(), 2)
		if err != nil || len(qs) != 2 {
			b.Fatalf("Quarantined = %d, %v", len(qs), err)
		}
		want := receiver.Quarantined{
			ID: qs[1].ID, ReceivedAt: b.now.Add(-2 * time.Second), From: "127.0.0.1:1", Receiver: "당직",
			Reason: "이유 1", Raw: []byte("\xff봉수"), Truncated: true,
		}
		if diff := cmp.Diff(want, qs[1]); diff != "" {
			b.Error(diff)
		}
		if qs[0].ID <= qs[1].ID {
			b.Errorf("ids %d and %d are not newest first", qs[0].ID, qs[1].ID)
		}
	}},
}

// settled makes five deliveries that stand in five ways, named by their groups.
func (b *bench) settled() {
	b.Helper()
	b.accept("delivered")
	b.settle(b.delivered(b.one()))
	b.accept("dead")
	b.settle(b.dead(b.one()))
	b.accept("discarded")
	b.desk("Discard", b.s.Discard, 1, b.list(receiver.Filter{Limit: 1})[0].ID)
	b.notify(routed(thread("phone", "phone", "x"), firing("a")))
	b.accept("waiting")
}

func (b *bench) quarantine(reason string) {
	b.Helper()
	err := b.s.Quarantine(b.Context(), receiver.Quarantined{
		ReceivedAt: b.now, From: "127.0.0.1:1", Receiver: "당직", Reason: reason, Raw: []byte("\xff봉수"), Truncated: true,
	})
	if err != nil {
		b.Fatalf("Quarantine: %v", err)
	}
}

func (b *bench) statsAre(want receiver.Stats) {
	b.Helper()
	got, err := b.s.Stats(b.Context(), b.now)
	if err != nil {
		b.Fatalf("Stats: %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Error(diff)
	}
}
