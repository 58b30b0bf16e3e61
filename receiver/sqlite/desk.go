package sqlite

import (
	"context"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

// Retry implements receiver.Desk.
func (s *Store) Retry(ctx context.Context, now time.Time, ids ...int64) (int, error) {
	n, err := s.move(ctx, ids, `UPDATE delivery
		SET state = 'pending', cause = '', finished_at = 0, not_before = ?1
		WHERE id = ?2 AND state = 'dead' RETURNING thread_id`, millis(now))
	return n, err
}

// Discard implements receiver.Desk. If an attempt is under way, its Settle is
// fenced.
func (s *Store) Discard(ctx context.Context, now time.Time, ids ...int64) (int, error) {
	return s.move(ctx, ids, `UPDATE delivery
		SET state = 'dead', cause = '`+string(receiver.CauseDiscarded)+`', finished_at = ?1, lease_until = 0, due_at = NULL
		WHERE id = ?2 AND (state = 'pending' OR state = 'dead' AND cause <> '`+string(receiver.CauseDiscarded)+`') RETURNING thread_id`,
		millis(now))
}

// move applies query to each id and gives the threads their turn.
func (s *Store) move(ctx context.Context, ids []int64, query string, now int64) (int, error) {
	var moved int
	err := s.writer.do(ctx, func(t *tx) error {
		moved = 0
		threads := map[int64]bool{}
		for _, id := range ids {
			var thread int64
			found, err := t.one(query, []any{now, id}, &thread)
			if err != nil {
				return err
			}
			if found {
				moved++
				threads[thread] = true
			}
		}
		for thread := range threads {
			if err := t.turn(thread); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, s.named(err)
	}
	s.signal()
	return moved, nil
}
