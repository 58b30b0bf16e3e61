// Package sqlite keeps the receiver's outbox in one SQLite file.
//
// All writing goes through one goroutine that commits in groups: while one
// commit waits for the disk, the next group gathers. Nothing is answered before
// its group is on disk (WAL, synchronous=FULL). DESIGN.md tells the rest.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bongsu/bongsu/receiver"
)

// Options of Open and OpenShared. The zero value is ready to use.
type Options struct {
	// Logger is told of what no caller hears: default none.
	Logger *slog.Logger
	// Registerer gets the store's own metrics, if set.
	Registerer prometheus.Registerer
	// Queue is how many Put calls may wait for the disk before others get
	// receiver.ErrBusy: default 4096.
	Queue int
	// QueueBytes bounds their payloads: default 64 MiB.
	QueueBytes int64
	// QueryTimeout bounds each read of the Ledger, for a long one would keep
	// the WAL from being reused: default 3 s.
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

// Store is an outbox in an SQLite file. It is safe for concurrent use. Its
// times are read back in UTC, to the millisecond.
type Store struct {
	path     string
	opts     Options
	instance string
	lock     *lock // nil when shared
	writer   *writer
	readers  *sql.DB
	codec    *codec
	due      chan struct{}
	metrics  *metrics
}

var _ receiver.Store = (*Store)(nil)

// Shared is what a second process may do with a store that a receiver has
// open: read it, and move deliveries by hand.
type Shared interface {
	receiver.Ledger
	receiver.Desk
	// Close lets go of the file.
	Close() error
}

// Open opens the store at path and creates it if there is none; the directory
// must exist. It brings an older schema up to date and refuses a newer one, a
// file that is no outbox, a file system without WAL, and a path that another
// receiver has open. ctx bounds the opening only. Errors name the path.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("outbox %s: %w", path, err)
	}
	if err := checkDir(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("outbox %s: %w", path, err)
	}
	l, err := acquire(path)
	if err != nil {
		return nil, fmt.Errorf("outbox %s: %w", path, err)
	}
	s, err := open(ctx, path, opts, takeOver)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("outbox %s: %w", path, err), l.release())
	}
	s.lock = l
	return s, nil
}

// OpenShared opens an existing store for a second process beside the receiver,
// or without one: it takes no lock, never migrates, and cannot put or claim.
func OpenShared(ctx context.Context, path string, opts Options) (Shared, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("outbox %s: %w", path, err)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("outbox %s: %w", path, reason(err))
	}
	s, err := open(ctx, path, opts, current)
	if err != nil {
		return nil, fmt.Errorf("outbox %s: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string, opts Options, schema func(context.Context, *sql.Conn) error) (*Store, error) {
	s := &Store{path: path, opts: opts.withDefaults(), due: make(chan struct{}, 1)}
	var err error
	if s.codec, err = newCodec(); err != nil {
		return nil, err
	}
	if err := create(path); err != nil {
		return nil, err
	}
	db, conn, err := openWriter(ctx, path)
	if err != nil {
		return nil, err
	}
	closeAll := func(err error) error { return errors.Join(err, conn.Close(), db.Close()) }
	if err := schema(ctx, conn); err != nil {
		return nil, closeAll(err)
	}
	if err := conn.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'instance'`).Scan(&s.instance); err != nil {
		return nil, closeAll(err)
	}
	if s.readers, err = openReaders(path); err != nil {
		return nil, closeAll(err)
	}
	s.writer = newWriter(db, conn, s.opts)
	if s.metrics, err = newMetrics(s.opts.Registerer, s); err != nil {
		return nil, closeAll(errors.Join(err, s.readers.Close()))
	}
	s.writer.observe = s.metrics.observe
	go s.writer.loop()
	return s, nil
}

// Due implements receiver.Outbox. It hears of this process's commits only.
func (s *Store) Due() <-chan struct{} { return s.due }

func (s *Store) signal() {
	select {
	case s.due <- struct{}{}:
	default: // one is waiting already
	}
}

// Close waits until all that was queued is on disk, then lets go of the file.
// Calls after it get receiver.ErrClosed. Closing twice is harmless.
func (s *Store) Close() error {
	err := s.writer.close()
	err = errors.Join(err, s.readers.Close())
	s.metrics.close()
	if s.lock != nil {
		err = errors.Join(err, s.lock.release())
	}
	if err != nil {
		return s.named(err)
	}
	return nil
}

// named puts the path into an error, and an outbox's own word where it has one.
func (s *Store) named(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, receiver.ErrFenced), errors.Is(err, receiver.ErrNotFound), errors.Is(err, receiver.ErrClosed):
		return err
	case errors.Is(err, sql.ErrConnDone), err.Error() == "sql: database is closed":
		return receiver.ErrClosed
	case isBusy(err):
		return fmt.Errorf("outbox %s: %w: %w", s.path, receiver.ErrBusy, err)
	}
	return fmt.Errorf("outbox %s: %w", s.path, err)
}
