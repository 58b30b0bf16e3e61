package sqlite

import (
	"context"
	"time"
)

// pruneBatch is small, for accepting waits behind it: 200 notifications with
// their deliveries take a few milliseconds.
const pruneBatch = 200

// Prune implements receiver.Desk. It works in small batches with pauses, so
// that accepting goes on; when ctx ends, what went before is gone for good and
// counted. Threads that are over go too: those that fire are kept, however
// long nobody spoke of them, or their resolve would be told to nobody.
func (s *Store) Prune(ctx context.Context, before time.Time) (int, error) {
	total := 0
	p := &pruning{before: millis(before)}
	for _, step := range []func(*tx) error{p.notifications, p.quarantine, p.threads} {
		for {
			if err := s.writer.do(ctx, step); err != nil {
				return total, s.named(err)
			}
			total += p.counted
			if p.deleted < pruneBatch {
				break
			}
			if err := pause(ctx, s.opts.PrunePause); err != nil {
				return total, s.named(err)
			}
		}
	}
	return total, nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pruning is one Prune on its way through the writer.
type pruning struct {
	before  int64
	deleted int // by the last batch
	counted int // of those, notifications
}

const (
	queryOldNotifications = `SELECT id FROM notification n WHERE received_at < ?1 AND NOT EXISTS
		(SELECT 1 FROM delivery WHERE notification_id = n.id AND state = 'pending')
		ORDER BY received_at, id LIMIT ?2`
	queryOldThreads = `SELECT id FROM thread t WHERE firing = 0 AND touched_at < ?1 AND NOT EXISTS
		(SELECT 1 FROM delivery WHERE thread_id = t.id) LIMIT ?2`
)

func (p *pruning) notifications(t *tx) error {
	err := p.batch(t, queryOldNotifications, `DELETE FROM notification WHERE id = ?`)
	p.counted = p.deleted
	return err
}

func (p *pruning) quarantine(t *tx) error {
	p.counted = 0
	return p.batch(t, `SELECT id FROM quarantine WHERE received_at < ?1 ORDER BY received_at LIMIT ?2`,
		`DELETE FROM quarantine WHERE id = ?`)
}

func (p *pruning) threads(t *tx) error {
	p.counted = 0
	return p.batch(t, queryOldThreads, `DELETE FROM thread WHERE id = ?`)
}

func (p *pruning) batch(t *tx, choose, remove string) error {
	ids, err := t.ids(choose, p.before, pruneBatch)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := t.exec(remove, id); err != nil {
			return err
		}
	}
	p.deleted = len(ids)
	if len(ids) == 0 {
		return nil
	}
	// Give the pages back to the file system, 1 MB a batch at most.
	return t.drain(`PRAGMA incremental_vacuum(256)`)
}
