package sqlite

import (
	"context"
	"slices"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

// Retry implements receiver.Desk.
func (s *Store) Retry(ctx context.Context, now time.Time, ids ...int64) (int, error) {
	return s.move(ctx, ids, `UPDATE delivery
		SET state = 'pending', cause = '', finished_at = 0, not_before = ?1
		WHERE id = ?2 AND state = 'dead' RETURNING thread_id`, millis(now))
}

// Discard implements receiver.Desk. If an attempt is under way, its Settle is
// fenced.
func (s *Store) Discard(ctx context.Context, now time.Time, ids ...int64) (int, error) {
	return s.move(ctx, ids, `UPDATE delivery
		SET state = 'dead', cause = '`+string(receiver.CauseDiscarded)+`', finished_at = ?1, lease_until = 0, due_at = NULL
		WHERE id = ?2 AND (state = 'pending' OR state = 'dead' AND cause <> '`+string(receiver.CauseDiscarded)+`') RETURNING thread_id`,
		millis(now))
}

// moveBatch bounds what one transaction moves by hand, for accepting waits
// behind it.
const moveBatch = 500

// move applies query to the ids, batch by batch. When one fails, those before
// it have been moved, and are counted.
func (s *Store) move(ctx context.Context, ids []int64, query string, now int64) (int, error) {
	total := 0
	for batch := range slices.Chunk(ids, moveBatch) {
		m := &moving{query: query, now: now, ids: batch}
		if err := s.writer.do(ctx, m.run); err != nil {
			return total, s.named(err)
		}
		total += m.moved
		s.signal()
	}
	return total, nil
}

// moving is one batch on its way through the writer.
type moving struct {
	query string
	now   int64
	ids   []int64
	moved int
}

func (m *moving) run(t *tx) error {
	m.moved = 0
	threads := map[int64]bool{}
	for _, id := range m.ids {
		var thread int64
		found, err := t.one(m.query, []any{m.now, id}, &thread)
		if err != nil {
			return err
		}
		if found {
			m.moved++
			threads[thread] = true
		}
	}
	for thread := range threads {
		if err := t.turn(thread); err != nil {
			return err
		}
	}
	return nil
}
