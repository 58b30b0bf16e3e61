package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
)

// tx is the writing connection between BEGIN and COMMIT. Only the writer's
// goroutine uses it. It knows no context: a cancelled one would interrupt the
// transactions of all the others in the group.
type tx struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt // by their text; all texts are constants
}

func (t *tx) prepare(query string) (*sql.Stmt, error) {
	if s, ok := t.stmts[query]; ok {
		return s, nil
	}
	s, err := t.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	t.stmts[query] = s
	return s, nil
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.result(query, args...)
	return err
}

func (t *tx) result(query string, args ...any) (sql.Result, error) {
	s, err := t.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

// insert returns the new row's id.
func (t *tx) insert(query string, args ...any) (int64, error) {
	r, err := t.result(query, args...)
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// change returns how many rows it changed.
func (t *tx) change(query string, args ...any) (int64, error) {
	r, err := t.result(query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// one reads one row into dest and reports whether there was one.
func (t *tx) one(query string, args []any, dest ...any) (bool, error) {
	s, err := t.prepare(query)
	if err != nil {
		return false, err
	}
	err = s.QueryRowContext(context.Background(), args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// ids reads a column of integers.
func (t *tx) ids(query string, args ...any) (ids []int64, err error) {
	s, err := t.prepare(query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// drain steps through a statement that works as it is read, such as a PRAGMA.
func (t *tx) drain(query string) error {
	s, err := t.prepare(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}

// begin takes the write lock at once: a transaction that read first and wrote
// later could not wait for another process's.
func (t *tx) begin() error {
	err := t.exec(`BEGIN IMMEDIATE`)
	if err != nil && strings.Contains(err.Error(), "within a transaction") {
		// An earlier ROLLBACK did not go through.
		return errors.Join(t.exec(`ROLLBACK`), t.exec(`BEGIN IMMEDIATE`))
	}
	return err
}

// rollback undoes the transaction. SQLite has done so by itself after some
// errors (full disk, I/O), and says that there is none.
func (t *tx) rollback(logger *slog.Logger) {
	if err := t.exec(`ROLLBACK`); err != nil && !strings.Contains(err.Error(), "no transaction is active") {
		logger.Error("outbox: roll back", "err", err)
	}
}

func (t *tx) close() error {
	var errs []error
	for _, s := range t.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, t.conn.Close())...)
}
