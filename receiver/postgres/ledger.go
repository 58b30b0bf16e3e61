package postgres

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/bongsu/bongsu/receiver"
)

// read runs f on a snapshot.
func (s *Store) read(ctx context.Context, f func(context.Context, pgx.Tx) error) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	ctx, cancel := s.bound(ctx, s.opts.QueryTimeout)
	defer cancel()
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return s.named(err)
	}
	defer func() { _ = tx.Rollback(ctx) }() // nothing was written
	return s.named(f(ctx, tx))
}

// List implements receiver.Ledger. A Limit of zero or less lists nothing.
func (s *Store) List(ctx context.Context, f receiver.Filter) (ds []receiver.Delivery, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		ds, err = s.list(ctx, tx, f)
		return err
	})
	return ds, err
}

func (s *Store) list(ctx context.Context, tx pgx.Tx, f receiver.Filter) ([]receiver.Delivery, error) {
	ids, err := chosen(ctx, tx, f)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `SELECT `+deliveryColumns+` FROM delivery d JOIN thread t ON t.id = d.thread_id
		WHERE d.id = ANY ($1) ORDER BY d.id DESC`, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (receiver.Delivery, error) {
		var r deliveryRow
		if err := row.Scan(r.dest()...); err != nil {
			return receiver.Delivery{}, err
		}
		return r.delivery(s.instance)
	})
}

// chosen returns the ids that f selects, newest first. Within one state and
// one channel the index delivery_state has them in order, so each such pair is
// asked for the newest, and these are merged: no filter makes it scan.
func chosen(ctx context.Context, tx pgx.Tx, f receiver.Filter) ([]int64, error) {
	if f.Before <= 0 {
		f.Before = math.MaxInt64
	}
	if f.Limit <= 0 {
		return nil, nil
	}
	if f.State == "" && f.Channel == "" && f.Cause == "" {
		return column[int64](ctx, tx, `SELECT id FROM delivery WHERE id < $1 ORDER BY id DESC LIMIT $2`, f.Before, f.Limit)
	}
	var all []int64
	for _, state := range states(f) {
		channels, err := channels(ctx, tx, state, f.Channel)
		if err != nil {
			return nil, err
		}
		for _, channel := range channels {
			ids, err := column[int64](ctx, tx, queryNewest, string(state), channel, f.Before, string(f.Cause), f.Limit)
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
	WHERE (state, channel, id) < ($1, $2, $3) AND (state, channel, id) > ($1, $2, 0) AND ($4 = '' OR cause = $4)
	ORDER BY state DESC, channel DESC, id DESC LIMIT $5`

func states(f receiver.Filter) []receiver.State {
	switch {
	case f.State != "":
		return []receiver.State{f.State}
	case f.Cause != "":
		return []receiver.State{receiver.Dead}
	}
	return []receiver.State{receiver.Pending, receiver.Delivered, receiver.Dead}
}

const queryChannels = `WITH RECURSIVE k(channel) AS (
	(SELECT channel FROM delivery WHERE state = $1 ORDER BY channel LIMIT 1)
	UNION ALL
	SELECT (SELECT d.channel FROM delivery d WHERE d.state = $1 AND d.channel > k.channel ORDER BY d.channel LIMIT 1)
	FROM k WHERE k.channel IS NOT NULL)
	SELECT channel FROM k WHERE channel IS NOT NULL`

// channels lists those that have deliveries in the state, by one look into the
// index for each.
func channels(ctx context.Context, tx pgx.Tx, state receiver.State, only string) ([]string, error) {
	if only != "" {
		return []string{text(only)}, nil
	}
	return column[string](ctx, tx, queryChannels, string(state))
}

func column[T any](ctx context.Context, tx pgx.Tx, query string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}

// Show implements receiver.Ledger.
func (s *Store) Show(ctx context.Context, id int64) (h receiver.History, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if h.Delivery, err = s.delivery(ctx, tx, id); err != nil {
			return err
		}
		if h.Notification, err = s.notification(ctx, tx, h.Delivery.NotificationID); err != nil {
			return err
		}
		h.Attempts, err = attempts(ctx, tx, id)
		return err
	})
	return h, err
}

func (s *Store) delivery(ctx context.Context, tx pgx.Tx, id int64) (receiver.Delivery, error) {
	var r deliveryRow
	err := tx.QueryRow(ctx, `SELECT `+deliveryColumns+` FROM delivery d JOIN thread t ON t.id = d.thread_id
		WHERE d.id = $1`, id).Scan(r.dest()...)
	if errors.Is(err, pgx.ErrNoRows) {
		return receiver.Delivery{}, receiver.ErrNotFound
	}
	if err != nil {
		return receiver.Delivery{}, err
	}
	return r.delivery(s.instance)
}

func (s *Store) notification(ctx context.Context, tx pgx.Tx, id int64) (receiver.Notification, error) {
	var r notificationRow
	err := tx.QueryRow(ctx, `SELECT `+notificationColumns+` FROM notification n WHERE n.id = $1`, id).Scan(r.dest()...)
	if err != nil {
		return receiver.Notification{}, err
	}
	return r.notification(s.codec)
}

func attempts(ctx context.Context, tx pgx.Tx, id int64) ([]receiver.Attempt, error) {
	rows, err := tx.Query(ctx, `SELECT n, worker, started_at, finished_at, outcome, error, receipt
		FROM attempt WHERE delivery_id = $1 ORDER BY n`, id)
	if err != nil {
		return nil, err
	}
	as, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a receiver.Attempt, err error) {
		var (
			started, finished int64
			receipt           string
		)
		if err := row.Scan(&a.N, &a.Worker, &started, &finished, &a.Outcome, &a.Error, &receipt); err != nil {
			return a, err
		}
		a.StartedAt, a.FinishedAt = fromMillis(started), fromMillis(finished)
		a.Receipt, err = decodeReceipt(receipt)
		return a, err
	})
	if len(as) == 0 {
		return nil, err // as a slice that was never made
	}
	return as, err
}
