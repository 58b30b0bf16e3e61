package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pruneBatch is small, for accepting waits for the disk that it keeps busy, and
// for the threads that it locks.
const pruneBatch = 200

// Prune implements receiver.Desk. It works in small batches with pauses, so
// that accepting goes on; when ctx ends, what went before is gone for good and
// counted. Threads that are over go too: those that fire are kept, however
// long nobody spoke of them, or their resolve would be told to nobody.
//
// Several replicas may prune at once. The space is used again after the
// server's autovacuum.
func (s *Store) Prune(ctx context.Context, before time.Time) (int, error) {
	total := 0
	p := &pruning{before: millis(before)}
	for _, step := range []func(context.Context, *pgx.Conn) error{p.notifications, p.quarantine, p.threads} {
		for p.more = true; p.more; {
			if err := s.do(ctx, step); err != nil {
				return total, s.named(err)
			}
			total += int(p.counted)
			if !p.more {
				break
			}
			if err := pause(ctx, s.opts.PrunePause); err != nil {
				return total, s.named(err)
			}
		}
	}
	return total, nil
}

// pruning is one Prune, batch by batch.
type pruning struct {
	before  int64
	counted int64 // notifications that the last batch deleted
	more    bool  // there may be another batch
	last    int64 // thread that was looked at last
}

const (
	queryOldNotifications = `SELECT id FROM notification n WHERE received_at < $1
		AND (SELECT true FROM delivery WHERE notification_id = n.id AND (state = 'pending') IS TRUE LIMIT 1) IS NULL
		ORDER BY received_at, id LIMIT $2`
	// A delivery can only become pending again under its thread's lock.
	queryLockNotifications = `SELECT id FROM thread WHERE id = ANY (ARRAY (
			SELECT thread_id FROM delivery WHERE notification_id = ANY ($1))) ORDER BY id FOR UPDATE`
	queryDeleteNotifications = `DELETE FROM notification n WHERE id = ANY ($1)
		AND (SELECT true FROM delivery WHERE notification_id = n.id AND (state = 'pending') IS TRUE LIMIT 1) IS NULL`
)

func (p *pruning) notifications(ctx context.Context, c *pgx.Conn) error {
	rows, err := c.Query(ctx, queryOldNotifications, p.before, pruneBatch)
	if err != nil {
		return err
	}
	var ids []int64
	if err := collect(&ids)(rows); err != nil {
		return err
	}
	b := begin()
	b.Queue(queryLockNotifications, ids)
	b.Queue(queryDeleteNotifications, ids).Exec(count(&p.counted))
	err = commit(ctx, c, b)
	p.more = len(ids) == pruneBatch
	return err
}

func (p *pruning) quarantine(ctx context.Context, c *pgx.Conn) error {
	p.counted = 0
	tag, err := c.Exec(ctx, `DELETE FROM quarantine WHERE id = ANY (ARRAY (
		SELECT id FROM quarantine WHERE received_at < $1 ORDER BY received_at LIMIT $2))`, p.before, pruneBatch)
	p.more = tag.RowsAffected() == pruneBatch
	return err
}

const (
	queryThreads    = `SELECT id FROM thread WHERE id > $1 ORDER BY id LIMIT $2`
	queryOldThreads = `SELECT id FROM thread t WHERE id = ANY ($1) AND NOT firing AND touched_at < $2
		AND (SELECT true FROM delivery WHERE thread_id = t.id LIMIT 1) IS NULL ORDER BY id FOR UPDATE SKIP LOCKED`
	// Again, under the lock.
	queryDeleteThreads = `DELETE FROM thread t WHERE id = ANY ($1) AND NOT firing AND touched_at < $2
		AND (SELECT true FROM delivery WHERE thread_id = t.id LIMIT 1) IS NULL`
)

// threads walks through all of them: an index on when they were touched would
// cost every Put more than this walk costs now and then.
func (p *pruning) threads(ctx context.Context, c *pgx.Conn) error {
	p.counted = 0
	var ids, old []int64
	rows, err := c.Query(ctx, queryThreads, p.last, 10*pruneBatch)
	if err != nil {
		return err
	}
	if err := collect(&ids)(rows); err != nil {
		return err
	}
	b := begin()
	b.Queue(queryOldThreads, ids, p.before).Query(collect(&old))
	if err := send(ctx, c, b); err != nil {
		return err
	}
	b = &pgx.Batch{}
	b.Queue(queryDeleteThreads, old, p.before)
	if err := commit(ctx, c, b); err != nil {
		return err
	}
	if p.more = len(ids) == 10*pruneBatch; p.more {
		p.last = ids[len(ids)-1]
	}
	return nil
}

// count reads how many rows a statement changed.
func count(into *int64) func(pgconn.CommandTag) error {
	return func(tag pgconn.CommandTag) error {
		*into = tag.RowsAffected()
		return nil
	}
}
