package outboxtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bongsu/bongsu/receiver"
)

// lifeLaws: opening, waking, closing.
var lifeLaws = []law{
	{"reopening keeps all", func(b *bench) {
		b.settled()
		b.quarantine("이유")
		k := thread("delivered", channel, "oncall@example.org")
		before, stats := b.list(receiver.Filter{Limit: 10}), b.stats()
		b.reopen()
		if diff := cmp.Diff(before, b.list(receiver.Filter{Limit: 10})); diff != "" {
			b.Error(diff)
		}
		if diff := cmp.Diff(stats, b.stats()); diff != "" {
			b.Error(diff)
		}
		b.expect(receiver.Duplicate, routed(k, firing("a")))
		b.expect(receiver.News, routed(k, resolved("a")))
	}},
	{"a lease outlives its worker's process, but not its storage's only user", func(b *bench) {
		b.accept("g")
		j := b.one()
		b.reopen()
		if !b.engine.Alone {
			b.none("leased")
			b.settle(b.retry(j, 0))
		}
		if next := b.one(); next.ID != j.ID || next.Attempt != 2 {
			b.Errorf("claimed %+v", next.Delivery)
		}
	}},
	{"keys survive reopening, and differ between storages", func(b *bench) {
		b.accept("g")
		one := b.list(receiver.Filter{Limit: 1})[0].Key
		b.reopen()
		if again := b.list(receiver.Filter{Limit: 1})[0].Key; again != one {
			b.Errorf("key %q became %q", one, again)
		}
		other := newBench(b.T, b.newEngine)
		other.accept("g")
		if key := other.list(receiver.Filter{Limit: 1})[0].Key; key == one {
			b.Errorf("two storages gave the key %q", key)
		}
	}},
	{"due tells of news, of retries and of the next in a thread", func(b *bench) {
		b.acceptNext("g", "a")
		b.wakes("Put")
		b.acceptNext("g", "b")
		b.wakes("Put")
		first := b.one()
		b.settle(b.delivered(first))
		b.wakes("Settle")
		second := b.one()
		b.settle(b.dead(second))
		b.desk("Retry", b.s.Retry, 1, second.ID)
		b.wakes("Retry")
	}},
	{"a caller that has gone keeps nobody else waiting", func(b *bench) {
		gone, cancel := context.WithCancel(b.Context())
		cancel()
		together(32, func(i int) {
			ctx := b.Context()
			if i%2 == 0 {
				ctx = gone
			}
			n := b.notification("{}")
			_, err := b.s.Put(ctx, &n, []receiver.Routed{routed(thread(fmt.Sprint(i), channel, "x"), firing("a"))})
			if i%2 == 1 && err != nil {
				b.Errorf("Put: %v", err)
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				b.Errorf("Put: %v, want context.Canceled", err)
			}
		})
		if n := len(b.list(receiver.Filter{Limit: 100})); n < 16 {
			b.Errorf("%d deliveries, want those of the 16 who waited", n)
		}
	}},
	{"closing while busy keeps what was acknowledged", func(b *bench) {
		var (
			mu    sync.Mutex
			kept  = map[string]bool{}
			ready = make(chan struct{})
			once  sync.Once
		)
		closed := make(chan error, 1)
		go func() {
			<-ready
			closed <- b.s.Close()
		}()
		s := b.s
		together(16, func(c int) {
			for i := 0; ; i++ {
				n := b.notification("{}")
				group := fmt.Sprint(c, "/", i)
				_, err := s.Put(b.Context(), &n, []receiver.Routed{routed(thread(group, channel, "x"), firing("a"))})
				if err != nil {
					if !errors.Is(err, receiver.ErrClosed) {
						b.Errorf("Put while closing: %v, want ErrClosed", err)
					}
					return
				}
				mu.Lock()
				kept[group] = true
				if len(kept) > 100 {
					once.Do(func() { close(ready) })
				}
				mu.Unlock()
			}
		})
		if err := <-closed; err != nil {
			b.Errorf("close: %v", err)
		}
		b.reopen()
		for _, d := range b.list(receiver.Filter{Limit: 1 << 20}) {
			delete(kept, d.Thread.GroupKey)
		}
		if len(kept) != 0 {
			b.Errorf("%d acknowledged notifications are lost", len(kept))
		}
	}},
	{"a closed store says so", func(b *bench) {
		b.accept("g")
		j := b.one()
		if err := b.s.Close(); err != nil {
			b.Fatal(err)
		}
		n := b.notification("{}")
		ctx := b.Context()
		calls := map[string]func() error{
			"Put":         func() error { _, err := b.s.Put(ctx, &n, nil); return err },
			"Quarantine":  func() error { return b.s.Quarantine(ctx, receiver.Quarantined{}) },
			"Settle":      func() error { return b.s.Settle(ctx, b.delivered(j)) },
			"List":        func() error { _, err := b.s.List(ctx, receiver.Filter{Limit: 1}); return err },
			"Show":        func() error { _, err := b.s.Show(ctx, j.ID); return err },
			"Stats":       func() error { _, err := b.s.Stats(ctx, b.now); return err },
			"Quarantined": func() error { _, err := b.s.Quarantined(ctx, 1); return err },
			"Retry":       func() error { _, err := b.s.Retry(ctx, b.now, 1); return err },
			"Discard":     func() error { _, err := b.s.Discard(ctx, b.now, 1); return err },
			"Prune":       func() error { _, err := b.s.Prune(ctx, b.now); return err },
			"Claim": func() error {
				_, err := b.s.Claim(ctx, receiver.Claim{Channel: channel, Limit: 1, Now: b.now, Lease: lease})
				return err
			},
		}
		for name, call := range calls {
			if err := call(); !errors.Is(err, receiver.ErrClosed) {
				b.Errorf("%s = %v, want ErrClosed", name, err)
			}
		}
		if err := b.s.Close(); err != nil {
			b.Errorf("second Close = %v", err)
		}
	}},
}

// wakes wants a value from Due, and takes it.
func (b *bench) wakes(after string) {
	b.Helper()
	select {
	case <-b.s.Due():
	case <-time.After(5 * time.Second):
		b.Errorf("Due is silent after %s", after)
	}
}

func (b *bench) stats() receiver.Stats {
	b.Helper()
	st, err := b.s.Stats(b.Context(), b.now)
	if err != nil {
		b.Fatalf("Stats: %v", err)
	}
	return st
}
