package deploy

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/bongsu/bongsu/receiver"
)

// Desk is the outbox as an operator sees it on the command line. It may be open
// while a receiver runs on the same storage.
type Desk struct {
	store shared
	out   io.Writer
}

// OpenDesk opens the storage without taking it from a receiver that runs.
func OpenDesk(ctx context.Context, storage string, out io.Writer, logger *slog.Logger) (*Desk, error) {
	store, err := openShared(ctx, storage, logger)
	if err != nil {
		return nil, err
	}
	return &Desk{store, out}, nil
}

// Close lets go of the storage.
func (d *Desk) Close() error { return d.store.Close() }

// List prints deliveries, newest first.
func (d *Desk) List(ctx context.Context, state, channel string, limit int) error {
	ds, err := d.store.List(ctx, receiver.Filter{State: receiver.State(state), Channel: channel, Limit: limit})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tCREATED\tSTATE\tCHANNEL\tTO\tATTEMPTS\tLAST ERROR")
	for _, x := range ds {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%d\t%s\n", x.ID, clock(x.CreatedAt), stateText(x), x.Thread.Channel, shown(x.Thread.To), x.Attempt, shown(x.LastError))
	}
	return w.Flush()
}

// Show prints one delivery's whole history.
func (d *Desk) Show(ctx context.Context, id int64) error {
	h, err := d.store.Show(ctx, id)
	if err != nil {
		return fmt.Errorf("delivery %d: %w", id, err)
	}
	x := h.Delivery
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "delivery\t%d\nkey\t%s\nstate\t%s\nchannel\t%s\nto\t%s\nreceiver\t%s\ngroup\t%s\ncreated\t%s\n",
		x.ID, x.Key, stateText(x), x.Thread.Channel, shown(x.Thread.To), shown(x.Thread.Receiver), shown(x.Thread.GroupKey), clock(x.CreatedAt))
	if x.State == receiver.Pending {
		fmt.Fprintf(w, "not before\t%s\n", clock(x.NotBefore))
	}
	for _, a := range h.Attempts {
		fmt.Fprintf(w, "attempt %d\t%s %s %s%s\n", a.N, clock(a.StartedAt), a.Outcome, shown(a.Error), shown(receiptText(a.Receipt)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(d.out, "notification %d, received %s:\n%s\n", h.Notification.ID, clock(h.Notification.ReceivedAt), shown(string(h.Notification.Raw)))
	return err
}

// Retry has dead deliveries sent again: those of ids, or all of a channel ("*"
// for every one) but those that were discarded.
func (d *Desk) Retry(ctx context.Context, channel string, ids []int64) error {
	if (len(ids) == 0) == (channel == "") {
		return fmt.Errorf("expected either ids or --channel")
	}
	if channel != "" {
		var err error
		if ids, err = d.deadOf(ctx, channel); err != nil {
			return err
		}
		if len(ids) == 0 {
			return fmt.Errorf("channel %q has no dead deliveries (see outbox list --state=dead)", channel)
		}
	}
	n, err := d.store.Retry(ctx, time.Now(), ids...)
	if err != nil {
		return err
	}
	return d.moved(n, len(ids), "pending again")
}

// Discard gives deliveries up.
func (d *Desk) Discard(ctx context.Context, ids []int64) error {
	n, err := d.store.Discard(ctx, time.Now(), ids...)
	if err != nil {
		return err
	}
	return d.moved(n, len(ids), "discarded")
}

// deadPage bounds what one read of the storage holds in memory.
const deadPage = 1000

func (d *Desk) deadOf(ctx context.Context, channel string) ([]int64, error) {
	f := receiver.Filter{State: receiver.Dead, Channel: channel, Limit: deadPage}
	if channel == "*" {
		f.Channel = ""
	}
	var ids []int64
	for {
		page, err := d.store.List(ctx, f)
		if err != nil || len(page) == 0 {
			return ids, err
		}
		for _, x := range page {
			if x.Cause != receiver.CauseDiscarded {
				ids = append(ids, x.ID)
			}
		}
		f.Before = page[len(page)-1].ID
	}
}

func (d *Desk) moved(n, of int, what string) error {
	if _, err := fmt.Fprintf(d.out, "%d of %d %s\n", n, of, what); err != nil {
		return err
	}
	if n < of {
		return fmt.Errorf("%d of %d were left alone: unknown, or not in a state for it (see outbox list)", of-n, of)
	}
	return nil
}

// shown is text from elsewhere, fit for a terminal: control characters, which could
// forge lines or drive the terminal, are written out.
func shown(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsControl(r) {
			fmt.Fprintf(&b, "\\x%02x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func stateText(d receiver.Delivery) string {
	if d.Cause != "" {
		return fmt.Sprintf("%s (%s)", d.State, d.Cause)
	}
	return string(d.State)
}

func receiptText(r receiver.Receipt) string {
	if r.ID == "" && r.Detail == "" {
		return ""
	}
	return fmt.Sprintf("receipt %s %s", r.ID, r.Detail)
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05.000")
}
