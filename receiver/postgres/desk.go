package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bongsu/bongsu/receiver"
)

// Retry implements receiver.Desk.
func (s *Store) Retry(ctx context.Context, now time.Time, ids ...int64) (int, error) {
	return s.move(ctx, ids, `UPDATE delivery
		SET state = 'pending', cause = '', finished_at = 0, not_before = $1
		WHERE id = ANY ($2) AND state = 'dead'`, millis(now))
}

// Discard implements receiver.Desk. If an attempt is under way, its Settle is
// fenced.
func (s *Store) Discard(ctx context.Context, now time.Time, ids ...int64) (int, error) {
	return s.move(ctx, ids, `UPDATE delivery
		SET state = 'dead', cause = '`+string(receiver.CauseDiscarded)+`', finished_at = $1, lease_until = 0, due_at = NULL
		WHERE id = ANY ($2) AND (state = 'pending' OR state = 'dead' AND cause <> '`+string(receiver.CauseDiscarded)+`')`,
		millis(now))
}

// moveBatch bounds what one transaction moves by hand, for it locks as many
// threads.
const moveBatch = 500

// move applies query to the ids, batch by batch. When one fails, those before
// it have been moved, and are counted.
func (s *Store) move(ctx context.Context, ids []int64, query string, now int64) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	total := 0
	for batch := range slices.Chunk(ids, moveBatch) {
		var moved int64
		err := s.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
			b := begin()
			b.Queue(queryLock, batch)
			b.Queue(query, now, batch).Exec(count(&moved))
			turn(b, batch)
			s.notify(b)
			return commit(ctx, c, b)
		})
		if err != nil {
			return total, s.named(err)
		}
		total += int(moved)
		s.signal()
	}
	return total, nil
}
