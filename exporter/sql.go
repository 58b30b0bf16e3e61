package exporter

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/bongsu/bongsu/internal/secret"
)

// sqlSource asks a database, over one pool of connections.
type sqlSource struct {
	settings  *sqlSettings
	pool      *sql.DB
	documents *documents
}

// newSQLSource returns the source of a module. Nothing is connected yet, and
// the error is only about a driver that is not built in.
func newSQLSource(s *sqlSettings, docs *documents) (*sqlSource, error) {
	name := drivers()[s.Driver]
	if !slices.Contains(sql.Drivers(), name) {
		return nil, fmt.Errorf("driver %q is not built into this program", s.Driver)
	}
	pool := sql.OpenDB(&connector{name: name, settings: s})
	pool.SetMaxOpenConns(s.MaxOpenConns)
	pool.SetMaxIdleConns(s.MaxOpenConns)
	pool.SetConnMaxLifetime(time.Duration(s.ConnMaxLifetime))
	return &sqlSource{settings: s, pool: pool, documents: docs}, nil
}

// connector opens connections with the DSN of the moment, so that a password
// that was changed in its file is used without a reload.
type connector struct {
	name     string
	settings *sqlSettings
}

// connectError is a failed attempt to connect; statement errors are others.
type connectError struct{ err error }

func (e *connectError) Error() string { return "connect: " + e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

// errDSN stands for what a driver says about a DSN that it cannot read, which
// may quote it.
var errDSN = errors.New("the driver cannot read the dsn (it is not shown, being secret)")

// dsnFileError wraps the error of a dsn_file that cannot be read.
type dsnFileError struct{ err error }

func (e *dsnFileError) Error() string { return "dsn_file: " + e.err.Error() }
func (e *dsnFileError) Unwrap() error { return e.err }

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	dsn := c.settings.DSN.Reveal()
	if c.settings.DSNFile != "" {
		var err error
		if dsn, err = secret.ReadFile(c.settings.DSNFile); err != nil {
			return nil, &dsnFileError{err}
		}
	}
	// database/sql hands out a registered driver only through a pool.
	pool, err := sql.Open(c.name, dsn)
	if err != nil {
		return nil, errDSN
	}
	d := pool.Driver()
	_ = pool.Close()
	conn, err := open(ctx, d, dsn)
	if err != nil {
		return nil, &connectError{err}
	}
	return conn, nil
}

func open(ctx context.Context, d driver.Driver, dsn string) (driver.Conn, error) {
	dc, ok := d.(driver.DriverContext)
	if !ok {
		return d.Open(dsn)
	}
	c, err := dc.OpenConnector(dsn)
	if err != nil {
		return nil, errDSN
	}
	return c.Connect(ctx)
}

// Driver implements driver.Connector; only (*sql.DB).Driver calls it, and
// nobody calls that.
func (c *connector) Driver() driver.Driver { return nil }

// Fetch implements [Source].
func (s *sqlSource) Fetch(ctx context.Context, q Query) (*Answer, error) {
	d := s.documents.get()
	if err := s.query(ctx, d, q.Text); err != nil {
		s.documents.put(d)
		return nil, fetchFailure(sqlReason(ctx, err), err)
	}
	return &Answer{doc: d, pool: s.documents, read: func(d *document) ([]Row, error) { return d.rows, nil }}, nil
}

// query reads the statement's rows into the document.
func (s *sqlSource) query(ctx context.Context, d *document, text string) (err error) {
	rows, err := s.pool.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	r := newRecorder(d, columns)
	for rows.Next() {
		if len(d.rows) >= s.settings.MaxRows {
			return fmt.Errorf("%w: more than %d rows", errTooLarge, s.settings.MaxRows)
		}
		if err := r.record(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Close implements [Source].
func (s *sqlSource) Close() error { return s.pool.Close() }

// sqlReason finds the reason of a failed query.
func sqlReason(ctx context.Context, err error) Reason {
	switch {
	case errors.Is(err, errTooLarge):
		return ReasonTooLarge
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded):
		return ReasonTimeout
	case errors.As(err, new(*dsnFileError)):
		return ReasonCredentials
	case errors.Is(err, errDSN):
		return ReasonConnect
	case errors.Is(err, syscall.ECONNREFUSED):
		return ReasonRefused
	case errors.As(err, new(*connectError)):
		if r := connectionReason(err); r != ReasonInterrupted {
			return r
		}
		return ReasonConnect
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return ReasonInterrupted
	}
	return ReasonQuery
}
