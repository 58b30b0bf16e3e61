package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// errRaced means that a thread was pruned between finding and locking it.
var errRaced = errors.New("a thread was pruned meanwhile")

// damagedError is a stored value that can't be read.
type damagedError struct{ err error }

func (e *damagedError) Error() string { return e.err.Error() }
func (e *damagedError) Unwrap() error { return e.err }

// code returns the server's SQLSTATE, or "". An error that has one was sent by
// the server in the place of a commit: nothing of the transaction is kept.
//
// Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// isConflict: two transactions stood in each other's way; the next try will do.
func isConflict(err error) bool {
	switch code(err) {
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return true
	}
	return errors.Is(err, errRaced)
}

// isCut: the connection is gone, and its transaction with it.
func isCut(err error) bool {
	switch code(err) {
	case "57P01", "57P02", "25P03": // admin_shutdown, crash_shutdown, idle_in_transaction_session_timeout
		return true
	case "":
		return err != nil && pgconn.SafeToRetry(err)
	}
	return false
}

// isBusy: somebody has held a row for longer than lock_timeout, and nothing was
// changed.
func isBusy(err error) bool { return code(err) == "55P03" }

// isOnes: it may be one op's fault, so the others of its group are to be tried
// without it. Everything that is the server's state is everybody's.
func isOnes(err error) bool {
	if _, ok := errors.AsType[*damagedError](err); ok {
		return true
	}
	c := code(err)
	if len(c) != 5 {
		return false
	}
	switch c[:2] {
	case "08", "25", "28", "40", "53", "55", "57", "58":
		return false // connection, transaction, login, conflict, resources, locks, operators, disk
	}
	return true
}
