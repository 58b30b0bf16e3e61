package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/bongsu/bongsu/receiver"
)

// Quarantine implements receiver.Outbox.
func (s *Store) Quarantine(ctx context.Context, q receiver.Quarantined) error {
	body := s.codec.pack(q.Raw)
	return s.named(s.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, `INSERT INTO quarantine (received_at, remote, receiver, reason, truncated, enc, body)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			millis(q.ReceivedAt), text(q.From), text(q.Receiver), text(q.Reason), q.Truncated, body.enc, body.body)
		return err
	}))
}

// Quarantined implements receiver.Ledger.
func (s *Store) Quarantined(ctx context.Context, limit int) (qs []receiver.Quarantined, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		qs, err = s.quarantined(ctx, tx, limit)
		return err
	})
	return qs, err
}

func (s *Store) quarantined(ctx context.Context, tx pgx.Tx, limit int) ([]receiver.Quarantined, error) {
	rows, err := tx.Query(ctx, `SELECT id, received_at, remote, receiver, reason, truncated, enc, body
		FROM quarantine ORDER BY id DESC LIMIT $1`, max(limit, 0))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (q receiver.Quarantined, err error) {
		var (
			received int64
			body     packed
		)
		if err := row.Scan(&q.ID, &received, &q.From, &q.Receiver, &q.Reason, &q.Truncated, &body.enc, &body.body); err != nil {
			return q, err
		}
		q.ReceivedAt = fromMillis(received)
		q.Raw, err = s.codec.unpack(body)
		return q, err
	})
}
