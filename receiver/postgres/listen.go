package postgres

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// The listener asks its server whether it is there still as often as this, and
// waits between two tries at connecting no longer than this.
const (
	listenCheck   = 10 * time.Second
	listenBackoff = 5 * time.Second
)

// notify queues a word to the other stores on this storage. It takes a lock of
// the whole database at the commit, so there is one for a group, and none
// where this store's own workers will do.
func (s *Store) notify(b *pgx.Batch) {
	b.Queue(`SELECT pg_notify($1, $2)`, "bongsu_"+s.instance, s.self)
}

// listener turns other stores' notifications into the store's Due, over a
// connection of its own that is opened again whenever it is lost. What is said
// meanwhile is lost: workers also poll.
type listener struct {
	conf    *config
	store   *Store
	up      atomic.Bool
	stop    context.CancelFunc
	stopped chan struct{}
}

func newListener(conf *config, s *Store) *listener {
	return &listener{conf: conf, store: s, stop: func() {}, stopped: make(chan struct{})}
}

// start connects for the first time, within ctx, and goes on by itself.
func (l *listener) start(ctx context.Context) error {
	conn, err := l.connect(ctx)
	if err != nil {
		close(l.stopped)
		return err
	}
	life, stop := context.WithCancel(context.Background())
	l.stop = stop
	go func() {
		defer close(l.stopped)
		l.run(life, conn)
	}()
	return nil
}

func (l *listener) close() {
	l.stop()
	<-l.stopped
}

// run listens until ctx ends.
func (l *listener) run(ctx context.Context, conn *pgx.Conn) {
	for conn != nil {
		err := l.hear(ctx, conn)
		l.up.Store(false)
		closeConn(conn)
		if ctx.Err() == nil {
			l.store.opts.Logger.Warn("outbox: connection that listens is lost, deliveries of other replicas wait for the next poll", "err", err)
		}
		conn = l.reconnect(ctx)
	}
}

// reconnect returns nil when ctx has ended.
func (l *listener) reconnect(ctx context.Context) *pgx.Conn {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, listenBackoff) {
		if pause(ctx, wait) != nil {
			return nil
		}
		conn, err := l.connect(ctx)
		if err == nil {
			l.store.opts.Logger.Info("outbox: listening again")
			l.store.signal() // for what was said meanwhile
			return conn
		}
		l.store.opts.Logger.Debug("outbox: connect to listen", "err", err)
	}
}

func (l *listener) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, listenCheck)
	defer cancel()
	conn, err := l.conf.connect(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, `LISTEN "bongsu_`+l.store.instance+`"`); err != nil {
		closeConn(conn)
		return nil, err
	}
	l.up.Store(true)
	return conn, nil
}

// hear signals for each notification of another store until the connection is
// lost or ctx ends.
func (l *listener) hear(ctx context.Context, conn *pgx.Conn) error {
	for {
		said, err := l.wait(ctx, conn)
		switch {
		case err == nil && said != l.store.self:
			l.store.signal()
		case err == nil:
		case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
			if err := l.check(ctx, conn); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

func (l *listener) wait(ctx context.Context, conn *pgx.Conn) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, listenCheck)
	defer cancel()
	n, err := conn.WaitForNotification(ctx)
	if err != nil {
		return "", err
	}
	return n.Payload, nil
}

// check finds out that the server is gone where nothing else tells.
func (l *listener) check(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, listenCheck)
	defer cancel()
	return conn.Ping(ctx)
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // it is of no use any more
}
