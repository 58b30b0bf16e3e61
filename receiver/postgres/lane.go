package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bongsu/bongsu/receiver"
)

// The bounds of one group. A bigger one makes the first of it wait longer than
// the saved commits are worth.
const (
	groupOps   = 512
	groupBytes = 4 << 20
)

// op is one caller's share of a group.
type op[T any] struct {
	work T
	size int64
	done chan error // buffered: the lane never waits for a caller
}

// lane commits work of one kind in groups, in one goroutine.
//
// There is no timer: while one group is being committed the next gathers in the
// queue, so a lone caller pays one commit and no delay, and many share one.
type lane[T any] struct {
	store    *Store
	queue    chan *op[T]
	queued   atomic.Int64 // bytes
	run      func(context.Context, *pgx.Conn, []T) error
	finished chan struct{}
}

func newLane[T any](s *Store, length int, run func(context.Context, *pgx.Conn, []T) error) *lane[T] {
	return &lane[T]{store: s, queue: make(chan *op[T], length), run: run, finished: make(chan struct{})}
}

func (l *lane[T]) start() { go l.loop() }

// try queues work unless the queue is full, and waits for its commit.
func (l *lane[T]) try(ctx context.Context, size int, work T) error {
	if err := l.store.gate.enter(); err != nil {
		return err
	}
	defer l.store.gate.leave()
	if l.queued.Load()+int64(size) > l.store.opts.QueueBytes {
		return receiver.ErrBusy
	}
	o := &op[T]{work, int64(size), make(chan error, 1)}
	l.queued.Add(o.size)
	select {
	case l.queue <- o:
		return await(ctx, o.done)
	default:
		l.queued.Add(-o.size)
		return receiver.ErrBusy
	}
}

// do queues work, waiting for a place, and waits for its commit: for callers of
// whom there are few, and who free what others wait for.
func (l *lane[T]) do(ctx context.Context, work T) error {
	if err := l.store.gate.enter(); err != nil {
		return err
	}
	defer l.store.gate.leave()
	o := &op[T]{work, 0, make(chan error, 1)}
	select {
	case l.queue <- o:
		return await(ctx, o.done)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// await waits for a commit. A caller that stops waiting does not stop the group
// that its op is part of: it may still be committed.
func await(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("not known whether it was kept: %w", context.Cause(ctx))
	}
}

// close lets the queue run empty. Nobody may queue any more.
func (l *lane[T]) close() {
	close(l.queue)
	<-l.finished
}

func (l *lane[T]) loop() {
	defer close(l.finished)
	group := make([]*op[T], 0, groupOps)
	for first := range l.queue {
		group = l.gather(append(group[:0], first))
		started := time.Now()
		l.commit(group)
		l.store.metrics.observe(len(group), time.Since(started))
		clear(group)
	}
}

// gather adds what waits in the queue, and waits for nothing.
func (l *lane[T]) gather(group []*op[T]) []*op[T] {
	size := group[0].size
	for len(group) < groupOps && size < groupBytes {
		select {
		case o, ok := <-l.queue:
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

// commit runs a group in one transaction and tells every caller how it went. If
// that fails by what may be one op's fault, each is tried alone, so that only
// the culprit's caller hears of it.
func (l *lane[T]) commit(group []*op[T]) {
	err := l.transact(group)
	alone := err != nil && len(group) > 1 && isOnes(err)
	for i, o := range group {
		if alone {
			err = l.transact(group[i : i+1])
		}
		l.queued.Add(-o.size)
		o.done <- err
	}
}

func (l *lane[T]) transact(group []*op[T]) error {
	works := make([]T, len(group))
	for i, o := range group {
		works[i] = o.work
	}
	return l.store.transact(l.store.life, func(ctx context.Context, c *pgx.Conn) error { return l.run(ctx, c, works) })
}
