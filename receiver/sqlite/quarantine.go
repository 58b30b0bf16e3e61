package sqlite

import (
	"context"

	"github.com/bongsu/bongsu/receiver"
)

// Quarantine implements receiver.Outbox.
func (s *Store) Quarantine(ctx context.Context, q receiver.Quarantined) error {
	body := s.codec.pack(q.Raw)
	return s.named(s.writer.try(ctx, len(body.body), func(t *tx) error {
		return t.exec(`INSERT INTO quarantine (received_at, remote, receiver, reason, truncated, enc, body) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			millis(q.ReceivedAt), q.From, q.Receiver, q.Reason, q.Truncated, body.enc, body.body)
	}))
}

// Quarantined implements receiver.Ledger.
func (s *Store) Quarantined(ctx context.Context, limit int) ([]receiver.Quarantined, error) {
	qs, err := s.quarantined(ctx, limit)
	return qs, s.named(err)
}

func (s *Store) quarantined(ctx context.Context, limit int) (qs []receiver.Quarantined, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.QueryTimeout)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, `SELECT id, received_at, remote, receiver, reason, truncated, enc, body
		FROM quarantine ORDER BY id DESC LIMIT ?`, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			q        receiver.Quarantined
			received int64
			body     packed
		)
		if err := rows.Scan(&q.ID, &received, &q.From, &q.Receiver, &q.Reason, &q.Truncated, &body.enc, &body.body); err != nil {
			return nil, err
		}
		q.ReceivedAt = fromMillis(received)
		if q.Raw, err = s.codec.unpack(body); err != nil {
			return nil, err
		}
		qs = append(qs, q)
	}
	return qs, rows.Err()
}
