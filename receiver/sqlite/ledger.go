package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

// List implements receiver.Ledger. A Limit of zero or less lists nothing.
func (s *Store) List(ctx context.Context, f receiver.Filter) ([]receiver.Delivery, error) {
	var ds []receiver.Delivery
	err := s.read(ctx, func(ctx context.Context, c *sql.Tx) (err error) {
		ds, err = s.list(ctx, c, f)
		return err
	})
	return ds, err
}

// read runs f on a snapshot. It is bounded in time, for the WAL grows while
// any snapshot is held.
func (s *Store) read(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.QueryTimeout)
	defer cancel()
	t, err := s.readers.BeginTx(ctx, nil)
	if err != nil {
		return s.named(err)
	}
	defer func() { _ = t.Rollback() }() // nothing was written
	return s.named(f(ctx, t))
}

func (s *Store) list(ctx context.Context, c *sql.Tx, f receiver.Filter) ([]receiver.Delivery, error) {
	ids, err := chosen(ctx, c, f)
	if err != nil {
		return nil, err
	}
	wanted, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	rows, err := c.QueryContext(ctx, `SELECT `+deliveryColumns+` FROM json_each(?) j
		CROSS JOIN delivery d ON d.id = j.value JOIN thread t ON t.id = d.thread_id ORDER BY d.id DESC`, string(wanted))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	ds := make([]receiver.Delivery, 0, len(ids))
	for rows.Next() {
		var r deliveryRow
		if err := rows.Scan(r.dest()...); err != nil {
			return nil, err
		}
		d, err := r.delivery(s.instance)
		if err != nil {
			return nil, err
		}
		ds = append(ds, d)
	}
	return ds, rows.Err()
}

// chosen returns the ids that f selects, newest first. Within one state and
// one channel the index delivery_state has them in order, so each such pair is
// asked for the newest, and these are merged: no filter makes it scan.
func chosen(ctx context.Context, c *sql.Tx, f receiver.Filter) ([]int64, error) {
	if f.Before <= 0 {
		f.Before = 1<<63 - 1
	}
	if f.Limit <= 0 {
		return nil, nil
	}
	if f.State == "" && f.Channel == "" && f.Cause == "" {
		return column[int64](ctx, c, `SELECT id FROM delivery WHERE id < ? ORDER BY id DESC LIMIT ?`, f.Before, f.Limit)
	}
	var all []int64
	for _, state := range states(f) {
		channels, err := channels(ctx, c, state, f.Channel)
		if err != nil {
			return nil, err
		}
		for _, channel := range channels {
			ids, err := column[int64](ctx, c, queryNewest, state, channel, f.Before, f.Cause, f.Limit)
			if err != nil {
				return nil, err
			}
			all = append(all, ids...)
		}
	}
	slices.SortFunc(all, func(a, b int64) int { return cmp.Compare(b, a) })
	return all[:min(len(all), f.Limit)], nil
}

const queryNewest = `SELECT id FROM delivery
	WHERE state = ?1 AND channel = ?2 AND id < ?3 AND (?4 = '' OR cause = ?4) ORDER BY id DESC LIMIT ?5`

func states(f receiver.Filter) []receiver.State {
	switch {
	case f.State != "":
		return []receiver.State{f.State}
	case f.Cause != "":
		return []receiver.State{receiver.Dead}
	}
	return []receiver.State{receiver.Pending, receiver.Delivered, receiver.Dead}
}

// channels lists those that have deliveries in the state, by one look into the
// index for each.
func channels(ctx context.Context, c *sql.Tx, state receiver.State, only string) ([]string, error) {
	if only != "" {
		return []string{only}, nil
	}
	return column[string](ctx, c, `WITH RECURSIVE k(channel) AS (
		SELECT (SELECT channel FROM delivery WHERE state = ?1 ORDER BY channel LIMIT 1)
		UNION ALL
		SELECT (SELECT channel FROM delivery WHERE state = ?1 AND channel > k.channel ORDER BY channel LIMIT 1)
		FROM k WHERE k.channel IS NOT NULL)
		SELECT channel FROM k WHERE channel IS NOT NULL`, state)
}

func column[T any](ctx context.Context, c *sql.Tx, query string, args ...any) (vs []T, err error) {
	rows, err := c.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		vs = append(vs, v)
	}
	return vs, rows.Err()
}

func (s *Store) delivery(ctx context.Context, c *sql.Tx, id int64) (receiver.Delivery, error) {
	var r deliveryRow
	err := c.QueryRowContext(ctx, `SELECT `+deliveryColumns+` FROM delivery d JOIN thread t ON t.id = d.thread_id
		WHERE d.id = ?`, id).Scan(r.dest()...)
	if errors.Is(err, sql.ErrNoRows) {
		return receiver.Delivery{}, receiver.ErrNotFound
	}
	if err != nil {
		return receiver.Delivery{}, err
	}
	return r.delivery(s.instance)
}

// Show implements receiver.Ledger.
func (s *Store) Show(ctx context.Context, id int64) (receiver.History, error) {
	var h receiver.History
	err := s.read(ctx, func(ctx context.Context, c *sql.Tx) (err error) {
		if h.Delivery, err = s.delivery(ctx, c, id); err != nil {
			return err
		}
		if h.Notification, err = s.notification(ctx, c, h.Delivery.NotificationID); err != nil {
			return err
		}
		h.Attempts, err = attempts(ctx, c, id)
		return err
	})
	return h, err
}

func (s *Store) notification(ctx context.Context, c *sql.Tx, id int64) (receiver.Notification, error) {
	var r notificationRow
	err := c.QueryRowContext(ctx, `SELECT `+notificationColumns+` FROM notification n WHERE n.id = ?`, id).Scan(r.dest()...)
	if err != nil {
		return receiver.Notification{}, err
	}
	return r.notification(s.codec)
}

func attempts(ctx context.Context, c *sql.Tx, id int64) (as []receiver.Attempt, err error) {
	rows, err := c.QueryContext(ctx, `SELECT n, worker, started_at, finished_at, outcome, error, receipt
		FROM attempt WHERE delivery_id = ? ORDER BY n`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			a                 receiver.Attempt
			started, finished int64
			receipt           string
		)
		if err := rows.Scan(&a.N, &a.Worker, &started, &finished, &a.Outcome, &a.Error, &receipt); err != nil {
			return nil, err
		}
		a.StartedAt, a.FinishedAt = fromMillis(started), fromMillis(finished)
		if a.Receipt, err = decodeReceipt(receipt); err != nil {
			return nil, err
		}
		as = append(as, a)
	}
	return as, rows.Err()
}

const (
	queryPending = `SELECT channel, count(*) FROM delivery WHERE state = 'pending' GROUP BY channel`
	queryDead    = `SELECT channel, count(*) FROM delivery
		WHERE state = 'dead' AND cause <> '` + string(receiver.CauseDiscarded) + `' GROUP BY channel`
)

// Stats implements receiver.Ledger. What it counts is not delivered yet, or
// dead, so it costs by the backlog and not by the history.
func (s *Store) Stats(ctx context.Context, now time.Time) (receiver.Stats, error) {
	st := receiver.Stats{Pending: map[string]int{}, Dead: map[string]int{}, OldestPending: map[string]time.Duration{}}
	err := s.read(ctx, func(ctx context.Context, c *sql.Tx) error {
		return errors.Join(
			count(ctx, c, st.Pending, queryPending),
			count(ctx, c, st.Dead, queryDead),
			oldest(ctx, c, now, st),
			c.QueryRowContext(ctx, `SELECT count(*) FROM quarantine`).Scan(&st.Quarantined),
		)
	})
	return st, err
}

func count(ctx context.Context, c *sql.Tx, into map[string]int, query string) error {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			channel string
			n       int
		)
		if err := rows.Scan(&channel, &n); err != nil {
			return err
		}
		into[channel] = n
	}
	return rows.Err()
}

// oldest looks at the first pending delivery of each channel: ids grow with
// time.
func oldest(ctx context.Context, c *sql.Tx, now time.Time, st receiver.Stats) error {
	for channel := range st.Pending {
		var created int64
		err := c.QueryRowContext(ctx, `SELECT created_at FROM delivery WHERE id =
			(SELECT min(id) FROM delivery WHERE state = 'pending' AND channel = ?)`, channel).Scan(&created)
		if err != nil {
			return err
		}
		st.OldestPending[channel] = max(0, now.Sub(fromMillis(created)))
	}
	return nil
}
