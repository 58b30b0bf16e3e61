package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A transaction that lost against another is run again; one on a connection
// that was cut, on the next.
const (
	conflictTries = 10
	cutTries      = 2
)

// transactTimeout bounds one transaction with its tries, and the waiting for a
// connection.
const transactTimeout = 15 * time.Second

// transact runs f, which begins and commits by itself, until it went through
// or must not be run again. After an error nothing of it is kept, unless the
// connection was lost during the commit.
func (s *Store) transact(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := s.bound(ctx, transactTimeout)
	defer cancel()
	for conflicts, cuts := 0, 0; ; {
		err := s.try(ctx, f)
		switch {
		case err == nil:
			return nil
		case isConflict(err):
			conflicts++
		case isCut(err) && ctx.Err() == nil:
			cuts++
			s.pool.Reset() // its neighbours will be cut as well
		default:
			return err
		}
		if conflicts >= conflictTries || cuts >= cutTries {
			return err
		}
		s.metrics.retries.Inc()
		if pause(ctx, rand.N(time.Duration(conflicts+1)*2*time.Millisecond)) != nil {
			return err
		}
	}
}

func (s *Store) try(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	pooled, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer pooled.Release() // which closes what is broken, or in a transaction still
	c := pooled.Conn()
	if err := f(ctx, c); err != nil {
		if c.PgConn().TxStatus() != 'I' && !c.IsClosed() {
			_, _ = c.Exec(ctx, `ROLLBACK`) // the first error is the news
		}
		return err
	}
	return nil
}

// do is transact for a caller of its own.
func (s *Store) do(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	return s.transact(ctx, f)
}

// send sends all that is queued at once and reads the answers. What fails keeps
// the server from doing what comes after it.
func send(ctx context.Context, c *pgx.Conn, b *pgx.Batch) error {
	return c.SendBatch(ctx, b).Close()
}

// begin returns a batch that starts a transaction. It is READ COMMITTED: each
// statement sees what was committed before it, also while it waited for locks.
func begin() *pgx.Batch {
	b := &pgx.Batch{}
	b.Queue(`BEGIN ISOLATION LEVEL READ COMMITTED`)
	return b
}

// commit ends the transaction with the batch. Once the server has said COMMIT,
// nothing that goes wrong after it counts.
func commit(ctx context.Context, c *pgx.Conn, b *pgx.Batch) error {
	done := false
	b.Queue(`COMMIT`).Exec(func(tag pgconn.CommandTag) error {
		done = tag.String() == "COMMIT"
		return nil
	})
	err := send(ctx, c, b)
	switch {
	case done:
		return nil
	case err == nil:
		return errors.New("the server rolled back")
	}
	return err
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
