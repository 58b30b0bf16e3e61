// Package postgres keeps the receiver's outbox in a PostgreSQL schema that
// several receivers share. Any of them may die at any moment.
//
// Put and Settle commit in groups: while one commit waits for the server's
// disk, the next group gathers. Nothing is answered before its group is
// committed (fsync on, synchronous_commit not off). DESIGN.md tells the rest.
package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/bongsu/bongsu/receiver"
)

// Options of Open and OpenShared. The zero value is ready to use.
type Options struct {
	// Logger is told of what no caller hears: default none.
	Logger *slog.Logger
	// Registerer gets the store's own metrics, if set.
	Registerer prometheus.Registerer
	// Queue is how many Put calls may wait for the server before others get
	// receiver.ErrBusy: default 4096.
	Queue int
	// QueueBytes bounds their payloads: default 64 MiB.
	QueueBytes int64
	// QueryTimeout bounds each read of the Ledger: default 3 s.
	QueryTimeout time.Duration
	// PrunePause is the time between two batches of Prune, so that accepting
	// goes on meanwhile: default 20 ms.
	PrunePause time.Duration
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Queue <= 0 {
		o.Queue = 4096
	}
	if o.QueueBytes <= 0 {
		o.QueueBytes = 64 << 20
	}
	if o.QueryTimeout <= 0 {
		o.QueryTimeout = 3 * time.Second
	}
	if o.PrunePause <= 0 {
		o.PrunePause = 20 * time.Millisecond
	}
	return o
}

// Store is an outbox in a PostgreSQL schema. It is safe for concurrent use, by
// any number of processes at once. Its times are read back in UTC, to the
// millisecond. When the server goes away, calls fail until it is back.
type Store struct {
	name     string // of the storage, in errors
	self     string // of this Store, in notifications
	opts     Options
	instance string
	pool     *pgxpool.Pool
	gate     gate
	puts     *lane[*putting]
	settles  *lane[*settling]
	listener *listener // nil when shared
	codec    *codec
	due      chan struct{}
	metrics  *metrics

	// life ends when Close has no patience left, and with it all statements.
	life context.Context
	end  context.CancelFunc
}

var _ receiver.Store = (*Store)(nil)

// Shared is what the command line may do with a store: read it, and move
// deliveries by hand.
type Shared interface {
	receiver.Ledger
	receiver.Desk
	// Close lets go of the connections.
	Close() error
}

// Open opens the outbox that dsn names, a URL (postgres://user@host/database)
// or words (host=... dbname=...) as libpq reads them, with its environment
// variables and password file. The tables are in the schema that the
// parameter search_path names, by default bongsu; it is made if missing.
//
// Open brings an older schema up to date, of two that start at once one after
// the other, and refuses a newer one, a server before 13, and settings that
// lose what was committed. ctx bounds the opening only. No error holds the
// password.
func Open(ctx context.Context, dsn string, opts Options) (*Store, error) {
	s, conf, err := open(ctx, dsn, opts, migrate)
	if err != nil {
		return nil, err
	}
	s.listener = newListener(conf, s)
	if err := s.listener.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("outbox %s: %w", s.name, err), s.Close())
	}
	return s, nil
}

// OpenShared opens an existing outbox for the command line, whether receivers
// have it open or not: it does not listen, never migrates, and cannot put or
// claim. Receivers hear of what it moves.
func OpenShared(ctx context.Context, dsn string, opts Options) (Shared, error) {
	s, _, err := open(ctx, dsn, opts, current)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func open(ctx context.Context, dsn string, opts Options, schema schemaCheck) (*Store, *config, error) {
	conf, err := parse(dsn)
	if err != nil {
		return nil, nil, fmt.Errorf("outbox: %w", err)
	}
	s := &Store{name: conf.name, self: rand.Text(), opts: opts.withDefaults(), due: make(chan struct{}, 1)}
	if err := s.open(ctx, conf, schema); err != nil {
		return nil, nil, fmt.Errorf("outbox %s: %w", s.name, err)
	}
	return s, conf, nil
}

func (s *Store) open(ctx context.Context, conf *config, schema schemaCheck) (err error) {
	if s.codec, err = newCodec(); err != nil {
		return err
	}
	if s.instance, err = prepare(ctx, conf, schema); err != nil {
		return err
	}
	s.life, s.end = context.WithCancel(context.Background())
	if s.pool, err = pgxpool.NewWithConfig(s.life, conf.pool); err != nil {
		s.end()
		return err
	}
	s.puts = newLane(s, s.opts.Queue, s.putAll)
	s.settles = newLane(s, s.opts.Queue, s.settleAll)
	if s.metrics, err = newMetrics(s.opts.Registerer, s); err != nil {
		s.pool.Close()
		s.end()
		return err
	}
	s.puts.start()
	s.settles.start()
	return nil
}

// Due implements receiver.Outbox. It hears of every store's Put, Retry and
// Discard, and of this one's Settle.
func (s *Store) Due() <-chan struct{} { return s.due }

func (s *Store) signal() {
	select {
	case s.due <- struct{}{}:
	default: // one is waiting already
	}
}

// closePatience is how long Close waits for a server that does not answer.
const closePatience = 10 * time.Second

// Close waits until all that was queued is committed, or until it has lost
// patience (10 s) with a server that does not answer; those that waited get an
// error then. Calls after it get receiver.ErrClosed. Closing twice is harmless.
func (s *Store) Close() error {
	if !s.gate.shut() {
		return nil
	}
	patience := time.AfterFunc(closePatience, s.end)
	defer patience.Stop()
	if s.listener != nil {
		s.listener.close()
	}
	s.gate.wait()
	s.puts.close()
	s.settles.close()
	s.pool.Close()
	s.end()
	s.metrics.close()
	return nil
}

// bound is ctx, ending also after d, and with the store.
func (s *Store) bound(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, d)
	stop := context.AfterFunc(s.life, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// named puts the storage's name into an error, and an outbox's own word where
// it has one.
func (s *Store) named(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, receiver.ErrFenced), errors.Is(err, receiver.ErrNotFound), errors.Is(err, receiver.ErrClosed):
		return err
	case isBusy(err):
		return fmt.Errorf("outbox %s: %w: %w", s.name, receiver.ErrBusy, err)
	}
	return fmt.Errorf("outbox %s: %w", s.name, err)
}
