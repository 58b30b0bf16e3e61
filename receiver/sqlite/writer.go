package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

// The bounds of one group. A bigger one makes the first of it wait longer than
// the saved syncs are worth.
const (
	groupOps   = 512
	groupBytes = 4 << 20
)

// op is one caller's share of a group. run may be called twice: alone, after
// the group that it was part of had to be rolled back.
type op struct {
	run  func(*tx) error
	size int64
	done chan error // buffered: the writer never waits for a caller
}

// writer owns the connection that writes, and the goroutine that does it.
//
// There is no timer: while one group is being synced the next gathers in the
// queue, so a lone caller pays one sync and no delay, and many share one.
type writer struct {
	db      *sql.DB
	tx      *tx
	queue   chan *op
	queued  atomic.Int64 // bytes
	limit   int64
	logger  *slog.Logger
	observe func(ops int, took time.Duration)

	mu       sync.RWMutex // held for reading while sending to queue
	closed   bool
	finished chan struct{}
}

func newWriter(db *sql.DB, conn *sql.Conn, o Options) *writer {
	return &writer{
		db:       db,
		tx:       &tx{conn: conn, stmts: map[string]*sql.Stmt{}},
		queue:    make(chan *op, o.Queue),
		limit:    o.QueueBytes,
		logger:   o.Logger,
		finished: make(chan struct{}),
	}
}

// try queues run unless the queue is full, and waits for its commit.
func (w *writer) try(ctx context.Context, size int, run func(*tx) error) error {
	if w.queued.Load()+int64(size) > w.limit {
		return receiver.ErrBusy
	}
	o := &op{run, int64(size), make(chan error, 1)}
	if err := w.send(ctx, o, false); err != nil {
		return err
	}
	return await(ctx, o)
}

// do queues run, waiting for a place, and waits for its commit: for callers of
// whom there are few, and who free what others wait for.
func (w *writer) do(ctx context.Context, run func(*tx) error) error {
	o := &op{run, 0, make(chan error, 1)}
	if err := w.send(ctx, o, true); err != nil {
		return err
	}
	return await(ctx, o)
}

// send queues o. Unless it shall wait for a place, a full queue is ErrBusy.
func (w *writer) send(ctx context.Context, o *op, wait bool) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return receiver.ErrClosed
	}
	w.queued.Add(o.size)
	if wait {
		select {
		case w.queue <- o:
			return nil
		case <-ctx.Done():
			w.queued.Add(-o.size)
			return context.Cause(ctx)
		}
	}
	select {
	case w.queue <- o:
		return nil
	default:
		w.queued.Add(-o.size)
		return receiver.ErrBusy
	}
}

// await waits for o's commit. A caller that stops waiting does not stop the
// group that o is part of: o may still be committed.
func await(ctx context.Context, o *op) error {
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("not known whether it was kept: %w", context.Cause(ctx))
	}
}

// close lets the queue run empty and closes the connection.
func (w *writer) close() error {
	w.mu.Lock()
	again := w.closed
	w.closed = true
	w.mu.Unlock()
	if again {
		<-w.finished
		return nil
	}
	close(w.queue)
	<-w.finished
	return errors.Join(w.tx.close(), w.db.Close())
}

func (w *writer) loop() {
	defer close(w.finished)
	group := make([]*op, 0, groupOps)
	for first := range w.queue {
		group = w.gather(append(group[:0], first))
		started := time.Now()
		w.commit(group)
		w.observe(len(group), time.Since(started))
		clear(group)
	}
}

// gather adds what waits in the queue, and waits for nothing.
func (w *writer) gather(group []*op) []*op {
	size := group[0].size
	for len(group) < groupOps && size < groupBytes {
		select {
		case o, ok := <-w.queue:
			if !ok {
				return group
			}
			group = append(group, o)
			size += o.size
		default:
			return group
		}
	}
	return group
}

// commit runs a group in one transaction and tells every caller how it went.
// If one op fails, the group is rolled back and each is tried alone, so that
// only the culprit's caller hears of it.
func (w *writer) commit(group []*op) {
	results := make([]error, len(group))
	err := w.transact(group, results)
	if err != nil && len(group) > 1 && !isBusy(err) {
		for i := range group {
			if err := w.transact(group[i:i+1], results[i:i+1]); err != nil {
				results[i] = err
			}
		}
		err = nil
	}
	for i, o := range group {
		w.queued.Add(-o.size)
		if err != nil {
			o.done <- err
		} else {
			o.done <- results[i]
		}
	}
}

// transact runs a group in one transaction. results get the refusals: errors
// of ops that changed nothing and so disturb no other.
func (w *writer) transact(group []*op, results []error) error {
	if err := w.tx.begin(); err != nil {
		return err
	}
	for i, o := range group {
		results[i] = o.run(w.tx)
		if results[i] != nil && !errors.Is(results[i], receiver.ErrFenced) {
			w.tx.rollback(w.logger)
			return results[i]
		}
	}
	if err := w.tx.exec(`COMMIT`); err != nil {
		w.tx.rollback(w.logger)
		return err
	}
	return nil
}
