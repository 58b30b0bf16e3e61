package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bongsu/bongsu/receiver"
)

// Claim implements receiver.Outbox. What other replicas are claiming at the
// same moment is passed over, not waited for.
func (s *Store) Claim(ctx context.Context, c receiver.Claim) ([]receiver.Job, error) {
	if c.Limit <= 0 || c.Lease <= 0 {
		return nil, s.named(fmt.Errorf("claim for channel %q: limit %d and lease %s must be positive", c.Channel, c.Limit, c.Lease))
	}
	c.Channel, c.Worker = text(c.Channel), text(c.Worker)
	due, lapsed, err := s.look(ctx, c)
	if err == nil && lapsed {
		due, err = true, s.release(ctx, c)
	}
	if err != nil || !due {
		return nil, s.named(err)
	}
	var rows []jobRow
	err = s.do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		rows, err = claim(ctx, conn, c)
		return err
	})
	if err != nil {
		return nil, s.named(err)
	}
	return s.jobs(rows)
}

const queryLook = `SELECT
	(SELECT true FROM delivery WHERE channel = $1 AND due_at IS NOT NULL AND due_at <= $2 AND lease_until = 0 ORDER BY due_at, id LIMIT 1) IS NOT NULL,
	(SELECT true FROM delivery WHERE channel = $1 AND lease_until > 0 AND lease_until <= $2 ORDER BY lease_until LIMIT 1) IS NOT NULL`

// look asks whether there is work, so that polling writes nothing.
func (s *Store) look(ctx context.Context, c receiver.Claim) (due, lapsed bool, err error) {
	err = s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, queryLook, c.Channel, millis(c.Now)).Scan(&due, &lapsed)
	})
	return due, lapsed, err
}

// releaseBatch bounds the leases that one Claim ends.
const releaseBatch = 500

const (
	// SKIP LOCKED: a thread that somebody works on is looked at by the next
	// Claim, rather than waited for.
	queryLapsed = `SELECT id FROM thread WHERE id = ANY (ARRAY (
			SELECT thread_id FROM delivery WHERE channel = $1 AND lease_until > 0 AND lease_until <= $2 ORDER BY lease_until LIMIT $3
		)) ORDER BY id FOR UPDATE SKIP LOCKED`
	queryRelease = `UPDATE delivery SET lease_until = 0, due_at = not_before
		WHERE thread_id = ANY ($1) AND (due_at IS NOT NULL) IS TRUE AND (lease_until BETWEEN 1 AND $2) IS TRUE RETURNING id`
)

// release ends the leases that have run out: their deliveries are due since
// they were before, unless an older one of the thread, retried by hand
// meanwhile, goes first. Their attempts stay "started": nobody knows how they
// ended.
func (s *Store) release(ctx context.Context, c receiver.Claim) error {
	return s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		var threads, ids []int64
		b := begin()
		b.Queue(queryLapsed, c.Channel, millis(c.Now), releaseBatch).Query(collect(&threads))
		if err := send(ctx, conn, b); err != nil {
			return err
		}
		b = &pgx.Batch{}
		b.Queue(queryRelease, threads, millis(c.Now)).Query(collect(&ids))
		if err := send(ctx, conn, b); err != nil {
			return err
		}
		b = &pgx.Batch{}
		turn(b, ids)
		s.notify(b) // this Claim may take fewer than it freed
		return commit(ctx, conn, b)
	})
}

// collect reads a column of integers.
func collect(into *[]int64) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	}
}

type jobRow struct {
	delivery     deliveryRow
	notification notificationRow
	ref          string
}

const queryClaim = `WITH chosen AS MATERIALIZED (
		SELECT id, due_at FROM delivery WHERE channel = $1 AND due_at IS NOT NULL AND due_at <= $2 AND lease_until = 0
		ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED
	), d AS (
		UPDATE delivery d SET attempt = attempt + 1, lease_until = $4, due_at = $4 FROM chosen c WHERE d.id = c.id
		RETURNING d.*, c.due_at AS was_due
	), started AS (
		INSERT INTO attempt (delivery_id, n, worker, started_at) SELECT id, attempt, $5, $2 FROM d
	)
	SELECT ` + deliveryColumns + `, ` + notificationColumns + `, CASE WHEN t.ref_episode = d.episode THEN t.ref ELSE '' END
	FROM d JOIN thread t ON t.id = d.thread_id JOIN notification n ON n.id = d.notification_id ORDER BY d.was_due, d.id`

// claim is one statement, and so one transaction.
func claim(ctx context.Context, conn *pgx.Conn, c receiver.Claim) ([]jobRow, error) {
	rows, err := conn.Query(ctx, queryClaim, c.Channel, millis(c.Now), c.Limit, millis(c.Now.Add(c.Lease)), c.Worker)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r jobRow, err error) {
		err = row.Scan(append(append(r.delivery.dest(), r.notification.dest()...), &r.ref)...)
		return r, err
	})
}

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
