package channeltest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

func temporary(t *testing.T, b Bundle) {
	for _, c := range b.Temporary {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			r := b.Start(t)
			r.Far.Fail(c.Fault)
			m := message(r.Built, "temporary")
			_, err := send(t, t.Context(), r, m)
			if err == nil {
				t.Fatal("got no error")
			}
			if receiver.IsPermanent(err) {
				t.Fatalf("got a permanent error: %v", err)
			}
			m.Attempt++
			if _, got := mustSend(t, r, m); b.Fits(m, got) != nil {
				t.Errorf("the second attempt: %v", b.Fits(m, got))
			}
		})
	}
}

func permanent(t *testing.T, b Bundle) {
	for _, c := range b.Permanent {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			r := b.Start(t)
			r.Far.Fail(c.Fault)
			_, err := send(t, t.Context(), r, message(r.Built, "permanent"))
			if !receiver.IsPermanent(err) {
				t.Fatalf("got %v, want a permanent error", err)
			}
		})
	}
}

func delayed(t *testing.T, b Bundle) {
	for _, c := range b.Delayed {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			r := b.Start(t)
			r.Far.Fail(c.Fault)
			_, err := send(t, t.Context(), r, message(r.Built, "delayed"))
			if got, ok := receiver.RetryDelay(err); !ok || got != c.After || receiver.IsPermanent(err) {
				t.Fatalf("got %v (delay %s, stated %t), want RetryAfter %s", err, got, ok, c.After)
			}
		})
	}
}

func unreachable(t *testing.T, b Bundle) {
	r := b.Start(t)
	r.Far.Shut()
	_, err := send(t, t.Context(), r, message(r.Built, "unreachable"))
	if err == nil || receiver.IsPermanent(err) {
		t.Fatalf("got %v, want an error that is tried again", err)
	}
}

func deadline(t *testing.T, b Bundle) {
	t.Run("ended before", func(t *testing.T) {
		t.Parallel()
		r := b.Start(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		mustEnd(t, ctx, r)
		if n := len(r.Far.Messages()); n != 0 {
			t.Errorf("%d messages arrived", n)
		}
	})
	for _, fault := range b.Stalls {
		t.Run(string("stall at "+fault.At), func(t *testing.T) {
			t.Parallel()
			r := b.Start(t)
			fault.Medium, fault.Stall, fault.Times = b.Medium, true, -1
			r.Far.Fail(fault)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			mustEnd(t, ctx, r)
		})
	}
}

// mustEnd wants Send to end soon after ctx, whatever the far side does.
func mustEnd(t *testing.T, ctx context.Context, r Rig) {
	t.Helper()
	began := time.Now()
	_, err := send(t, ctx, r, message(r.Built, "deadline"))
	if err == nil || receiver.IsPermanent(err) {
		t.Errorf("got %v, want an error that is tried again", err)
	}
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want one that says that the time was up", err)
	}
	if late := time.Since(began); late > 5*time.Second {
		t.Errorf("Send ended %s after it began, want soon after 200ms", late)
	}
}
