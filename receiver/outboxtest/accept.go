package outboxtest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bongsu/bongsu/receiver"
)

// acceptLaws: what Put makes of a notification.
var acceptLaws = []law{
	{"put keeps a notification and its deliveries", func(b *bench) {
		n, vs := b.notify(
			routed(thread("g", "mail", "a@example.org"), firing("a", "b")),
			routed(thread("g", "phone", "+821012345678"), firing("b")),
		)
		if diff := cmp.Diff([]receiver.Verdict{receiver.News, receiver.News}, vs); diff != "" {
			b.Error(diff)
		}
		ds := b.list(receiver.Filter{Limit: 10})
		if len(ds) != 2 || ds[0].ID <= ds[1].ID || ds[0].Key == ds[1].Key || ds[0].Key == "" {
			b.Fatalf("deliveries %+v", ds)
		}
		want := receiver.Delivery{
			ID: ds[1].ID, Key: ds[1].Key, NotificationID: n.ID,
			Thread: thread("g", "mail", "a@example.org"), Alerts: firing("a", "b"),
			State: receiver.Pending, CreatedAt: b.now, NotBefore: b.now,
		}
		if diff := cmp.Diff(want, ds[1]); diff != "" {
			b.Error(diff)
		}
		if diff := cmp.Diff(firing("b"), ds[0].Alerts); diff != "" {
			b.Error(diff)
		}
	}},
	{"put keeps a notification that no route wants", func(b *bench) {
		one, vs := b.notify()
		two, _ := b.notify()
		if len(vs) != 0 || one.ID == 0 || two.ID <= one.ID {
			b.Errorf("verdicts %v, ids %d and %d", vs, one.ID, two.ID)
		}
	}},
	{"the same state again is a duplicate", func(b *bench) {
		k := thread("g", channel, "x")
		b.expect(receiver.News, routed(k, firing("a", "b")))
		b.pass(time.Minute)
		b.expect(receiver.Duplicate, routed(k, firing("b", "a")))
		b.expect(receiver.News, routed(thread("g", channel, "y"), firing("a", "b")))
		b.expect(receiver.News, routed(thread("h", channel, "x"), firing("a", "b")))
		b.expect(receiver.News, routed(thread("g", "phone", "x"), firing("a", "b")))
	}},
	{"the same state within one put is a duplicate", func(b *bench) {
		r := routed(thread("g", channel, "x"), firing("a"))
		_, vs := b.notify(r, r)
		if diff := cmp.Diff([]receiver.Verdict{receiver.News, receiver.Duplicate}, vs); diff != "" {
			b.Error(diff)
		}
	}},
	{"the window tells a reminder from a duplicate", func(b *bench) {
		r := routed(thread("g", channel, "x"), firing("a"))
		b.expect(receiver.News, r)
		b.pass(window - time.Millisecond)
		b.expect(receiver.Duplicate, r)
		b.pass(time.Millisecond)
		b.expect(receiver.Reminder, r)
		b.expect(receiver.Duplicate, r)
		if ds := b.list(receiver.Filter{Limit: 10}); len(ds) != 2 || !ds[0].Reminder || ds[1].Reminder {
			b.Errorf("deliveries %+v", ds)
		}
	}},
	{"alertmanager's reason tells a reminder", func(b *bench) {
		r := routed(thread("g", channel, "x"), firing("a"))
		r.Reason = "first notification"
		b.expect(receiver.News, r)
		b.pass(2 * window)
		b.expect(receiver.Duplicate, r)
		r.Reason = "repeat interval elapsed"
		b.expect(receiver.Reminder, r)
		b.pass(10 * time.Second) // the other Alertmanager of a pair
		b.expect(receiver.Duplicate, r)
	}},
	{"a late firing is stale", func(b *bench) {
		k := thread("g", channel, "x")
		b.expect(receiver.News, routed(k, firing("a")))
		b.expect(receiver.News, routed(k, resolved("a")))
		b.expect(receiver.Stale, routed(k, firing("a")))
		if ds := b.list(receiver.Filter{Limit: 10}); len(ds) != 2 {
			b.Errorf("%d deliveries, want 2", len(ds))
		}
	}},
	{"a resolve that nobody wants is silent, and remembered", func(b *bench) {
		r := routed(thread("g", channel, "x"), firing("a"))
		r.Resolved = false
		b.expect(receiver.News, r)
		r.Alerts = resolved("a")
		b.expect(receiver.Silent, r)
		b.expect(receiver.Duplicate, r)
		r.Alerts = firing("a")
		b.expect(receiver.Stale, r)
	}},
	{"the same state put by many at once is one delivery", func(b *bench) {
		const clients = 64
		r := routed(thread("g", channel, "x"), firing("a", "b"))
		var news atomic.Int32
		together(clients, func(int) {
			n := b.notification("{}")
			vs, err := b.s.Put(b.Context(), &n, []receiver.Routed{r})
			switch {
			case err != nil:
				b.Errorf("Put: %v", err)
			case vs[0] == receiver.News:
				news.Add(1)
			case vs[0] != receiver.Duplicate:
				b.Errorf("verdict %q", vs[0])
			}
		})
		if got := news.Load(); got != 1 {
			b.Errorf("%d callers were told news, want 1", got)
		}
		if ds := b.list(receiver.Filter{Limit: 100}); len(ds) != 1 {
			b.Errorf("%d deliveries, want 1", len(ds))
		}
	}},
	{"many at once get ids and keys of their own", func(b *bench) {
		const clients, each = 32, 8
		ids := make(chan int64, clients*each)
		together(clients, func(c int) {
			for i := range each {
				n := b.notification("{}")
				_, err := b.s.Put(b.Context(), &n, []receiver.Routed{routed(thread(fmt.Sprint(c, i), channel, "x"), firing("a"))})
				if err != nil {
					b.Errorf("Put: %v", err)
				}
				ids <- n.ID
			}
		})
		seen, keys := map[int64]bool{}, map[string]bool{}
		for range clients * each {
			seen[<-ids] = true
		}
		for _, d := range b.list(receiver.Filter{Limit: 1000}) {
			keys[d.Key] = true
		}
		if len(seen) != clients*each || len(keys) != clients*each {
			b.Errorf("%d notification ids and %d keys, want %d", len(seen), len(keys), clients*each)
		}
	}},
	{"bodies come back byte for byte", func(b *bench) {
		noise := make([]byte, 2<<20)
		r := rand.NewChaCha8([32]byte{1})
		r.Read(noise) //nolint:errcheck // never fails
		for name, raw := range map[string][]byte{
			"empty":            {},
			"hangul":           []byte(`{"summary":"서울 가게 주문이 밀렸습니다 🔥𝄞"}`),
			"not utf-8":        {0xff, 0x00, 0xfe, 'a'},
			"large":            bytes.Repeat([]byte(`{"요약":"봉수","값":1},`), 200_000),
			"not compressible": noise,
		} {
			n := b.notification("")
			n.Raw = raw
			if _, err := b.s.Put(b.Context(), &n, []receiver.Routed{routed(thread(name, channel, "x"), firing("a"))}); err != nil {
				b.Fatalf("Put %s: %v", name, err)
			}
			j := b.one()
			if !bytes.Equal(j.Notification.Raw, raw) {
				b.Errorf("%s: %d bytes came back as %d", name, len(raw), len(j.Notification.Raw))
			}
			b.settle(b.delivered(j))
		}
	}},
	{"hangul and four-byte characters survive everywhere", func(b *bench) {
		const text = "봉수대 🔥 𝄞 ㄱㅏ '\"\\\n"
		k := receiver.ThreadKey{Receiver: text, GroupKey: "g" + text, Channel: "c" + text, To: "t" + text}
		n := receiver.Notification{ReceivedAt: b.now, Receiver: text, GroupKey: k.GroupKey, Raw: []byte(text)}
		if _, err := b.s.Put(b.Context(), &n, []receiver.Routed{routed(k, firing(text))}); err != nil {
			b.Fatal(err)
		}
		j := b.claimOf(k.Channel, 1)[0]
		if diff := cmp.Diff(n, j.Notification); diff != "" {
			b.Error(diff)
		}
		if j.Thread != k || j.Alerts[0].Fingerprint != text {
			b.Errorf("thread %+v, alerts %+v", j.Thread, j.Alerts)
		}
		st := b.retry(j, 0)
		st.Error = text
		b.settle(st)
		if h := b.show(j.ID); h.Delivery.LastError != text || h.Attempts[0].Error != text {
			b.Errorf("error came back as %q and %q", h.Delivery.LastError, h.Attempts[0].Error)
		}
	}},
}

// together runs f in n goroutines that start at once, and waits for them.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}
