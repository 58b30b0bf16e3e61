package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

// Claim implements receiver.Outbox. When nothing is due it only reads, so that
// polling keeps nobody from writing.
func (s *Store) Claim(ctx context.Context, c receiver.Claim) ([]receiver.Job, error) {
	if c.Limit <= 0 || c.Lease <= 0 {
		return nil, s.named(fmt.Errorf("claim for channel %q: limit %d and lease %s must be positive", c.Channel, c.Limit, c.Lease))
	}
	if due, err := s.anyDue(ctx, c); err != nil || !due {
		return nil, s.named(err)
	}
	l := &claiming{Claim: c}
	if err := s.writer.do(ctx, l.run); err != nil {
		return nil, s.named(err)
	}
	return s.jobs(l.rows)
}

func (s *Store) anyDue(ctx context.Context, c receiver.Claim) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.QueryTimeout)
	defer cancel()
	var n int
	err := s.readers.QueryRowContext(ctx, queryAnyDue, c.Channel, millis(c.Now)).Scan(&n)
	return n > 0, err
}

const (
	queryAnyDue = `SELECT EXISTS (SELECT 1 FROM delivery WHERE channel = ? AND due_at IS NOT NULL AND due_at <= ?)`
	queryDue    = `SELECT id FROM delivery WHERE channel = ? AND due_at IS NOT NULL AND due_at <= ? ORDER BY due_at, id LIMIT ?`
	queryLapsed = `SELECT id FROM delivery WHERE channel = ? AND lease_until > 0 AND lease_until <= ?`
)

// jobs unpacks what was claimed, in the caller's own time.
func (s *Store) jobs(rows []jobRow) ([]receiver.Job, error) {
	jobs := make([]receiver.Job, len(rows))
	for i, r := range rows {
		d, err := r.delivery.delivery(s.instance)
		if err != nil {
			return nil, s.named(err)
		}
		n, err := r.notification.notification(s.codec)
		if err != nil {
			// Without its body it can be told of all the same; with an error
			// it would be claimed again and again.
			s.opts.Logger.Error("outbox: stored body is damaged", "delivery", d.ID, "err", err)
		}
		jobs[i] = receiver.Job{Delivery: d, Notification: n, ThreadRef: r.ref}
	}
	return jobs, nil
}

// claiming is one Claim on its way through the writer.
type claiming struct {
	receiver.Claim
	rows []jobRow
}

type jobRow struct {
	delivery     deliveryRow
	notification notificationRow
	ref          string
}

func (c *claiming) run(t *tx) error {
	c.rows = nil
	if err := c.release(t); err != nil {
		return err
	}
	ids, err := t.ids(queryDue, c.Channel, millis(c.Now), c.Limit)
	if err != nil {
		return err
	}
	for _, id := range ids {
		row, err := c.lease(t, id)
		if err != nil {
			return err
		}
		c.rows = append(c.rows, row)
	}
	return nil
}

// release ends the leases that have run out: their deliveries are due since
// they were before, unless an older one of the thread, retried by hand
// meanwhile, goes first. Their attempts stay "started": nobody knows how they
// ended.
func (c *claiming) release(t *tx) error {
	ids, err := t.ids(queryLapsed, c.Channel, millis(c.Now))
	if err != nil {
		return err
	}
	for _, id := range ids {
		var thread int64
		_, err := t.one(`UPDATE delivery SET lease_until = 0, due_at = not_before WHERE id = ? RETURNING thread_id`, []any{id}, &thread)
		if err != nil {
			return err
		}
		if err := t.turn(thread); err != nil {
			return err
		}
	}
	return nil
}

func (c *claiming) lease(t *tx, id int64) (jobRow, error) {
	var r jobRow
	until := millis(c.Now.Add(c.Lease))
	err := errors.Join(
		t.exec(`UPDATE delivery SET attempt = attempt + 1, lease_until = ?1, due_at = ?1 WHERE id = ?2`, until, id),
		t.exec(`INSERT INTO attempt (delivery_id, n, worker, started_at, outcome)
			SELECT id, attempt, ?1, ?2, 'started' FROM delivery WHERE id = ?3`, c.Worker, millis(c.Now), id),
	)
	if err != nil {
		return r, err
	}
	found, err := t.one(`SELECT `+deliveryColumns+`, `+notificationColumns+`,
		CASE WHEN t.ref_episode = d.episode THEN t.ref ELSE '' END
		FROM delivery d JOIN thread t ON t.id = d.thread_id JOIN notification n ON n.id = d.notification_id
		WHERE d.id = ?`, []any{id}, append(append(r.delivery.dest(), r.notification.dest()...), &r.ref)...)
	if err == nil && !found {
		err = fmt.Errorf("delivery %d has no notification", id)
	}
	return r, err
}

// Settle implements receiver.Outbox. An attempt is settled once: a second
// Settle of the same is fenced too.
func (s *Store) Settle(ctx context.Context, st receiver.Settlement) error {
	w, err := newSettling(st)
	if err != nil {
		return s.named(err)
	}
	if err := s.writer.do(ctx, w.run); err != nil {
		return s.named(err)
	}
	s.signal() // the thread's next one, or this one again
	return nil
}

// settling is one Settle on its way through the writer.
type settling struct {
	receiver.Settlement
	state     receiver.State
	receipt   string
	notBefore int64
	finished  int64
}

func newSettling(st receiver.Settlement) (*settling, error) {
	w := &settling{Settlement: st, finished: millis(st.At)}
	switch st.Outcome {
	case receiver.OutcomeDelivered:
		w.state, w.Cause, w.Error = receiver.Delivered, "", ""
	case receiver.OutcomeDead:
		w.state = receiver.Dead
		if st.Cause == "" {
			return nil, fmt.Errorf("settle delivery %d: dead without a cause", st.ID)
		}
	case receiver.OutcomeRetry:
		w.state, w.Cause, w.finished = receiver.Pending, "", 0
		w.notBefore = millis(later(st.NotBefore, st.At))
	default:
		return nil, fmt.Errorf("settle delivery %d: %q is no way to end", st.ID, st.Outcome)
	}
	if st.Outcome != receiver.OutcomeDelivered {
		w.Receipt = receiver.Receipt{}
	}
	var err error
	w.receipt, err = encodeReceipt(w.Receipt)
	return w, err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (w *settling) run(t *tx) error {
	n, err := t.change(`UPDATE attempt SET finished_at = ?1, outcome = ?2, error = ?3, receipt = ?4
		WHERE delivery_id = ?5 AND n = ?6 AND outcome = 'started'
		AND EXISTS (SELECT 1 FROM delivery WHERE id = ?5 AND state = 'pending' AND attempt = ?6)`,
		millis(w.At), w.Outcome, w.Error, w.receipt, w.ID, w.Attempt)
	if err != nil {
		return err
	}
	if n == 0 {
		return receiver.ErrFenced
	}
	var thread, episode int64
	_, err = t.one(`UPDATE delivery SET state = ?1, cause = ?2, lease_until = 0, finished_at = ?3,
		last_error = CASE WHEN ?4 <> '' THEN ?4 ELSE last_error END,
		receipt = ?5,
		not_before = CASE WHEN ?1 = 'pending' THEN ?6 ELSE not_before END,
		due_at = CASE WHEN ?1 = 'pending' AND due_at IS NOT NULL THEN ?6 ELSE NULL END
		WHERE id = ?7 RETURNING thread_id, episode`,
		[]any{w.state, w.Cause, w.finished, w.Error, w.receipt, w.notBefore, w.ID}, &thread, &episode)
	if err != nil {
		return err
	}
	if w.Receipt.Ref != "" {
		err = t.exec(`UPDATE thread SET ref = ?1, ref_episode = ?2 WHERE id = ?3 AND ref_episode <= ?2`, w.Receipt.Ref, episode, thread)
		if err != nil {
			return err
		}
	}
	return t.turn(thread)
}
