package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// applicationID marks the file as an outbox ("bngs"), for file(1) and for us.
const applicationID = 0x626e6773

// migrations holds one file a schema version, 0001_NAME.sql being version 1.
// A file that was released is never edited again.
//
//go:embed migrations/*.sql
var migrations embed.FS

func steps() ([]string, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	slices.Sort(names)
	return names, err
}

// migrate brings the schema to the newest version, each step in a transaction
// of its own: after a crash the next start goes on where it stopped.
func migrate(ctx context.Context, conn *sql.Conn) error {
	names, err := steps()
	if err != nil {
		return err
	}
	have, err := version(ctx, conn)
	if err != nil {
		return err
	}
	if have > len(names) {
		return fmt.Errorf("its schema is version %d, and this program knows up to %d: use a newer one", have, len(names))
	}
	for i, name := range names[have:] {
		script, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if err := step(ctx, conn, string(script), have+i+1); err != nil {
			return fmt.Errorf("bring its schema to version %d: %w", have+i+1, err)
		}
	}
	return nil
}

// takeOver is migrate for the one receiver that may have the file. Whoever held
// a lease is dead then, for it held the lock as well: all leases run out now, so
// that a crash delays nothing longer than the restart.
func takeOver(ctx context.Context, conn *sql.Conn) error {
	if err := migrate(ctx, conn); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, `UPDATE delivery SET lease_until = 1, due_at = 1 WHERE lease_until > 0`)
	return err
}

// current refuses any schema but the newest, and changes nothing.
func current(ctx context.Context, conn *sql.Conn) error {
	names, err := steps()
	if err != nil {
		return err
	}
	have, err := version(ctx, conn)
	if err != nil {
		return err
	}
	if have != len(names) {
		return fmt.Errorf("its schema is version %d, and this program works on %d: start this version's receiver on it once, or use its own", have, len(names))
	}
	return nil
}

// version returns the schema's, 0 for an empty file.
func version(ctx context.Context, conn *sql.Conn) (int, error) {
	var app, version, objects int
	err := errors.Join(
		conn.QueryRowContext(ctx, "PRAGMA application_id").Scan(&app),
		conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version),
		conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&objects),
	)
	if err != nil {
		return 0, err
	}
	if app != applicationID && (app != 0 || version != 0 || objects != 0) {
		return 0, errors.New("it is an SQLite database, but not an outbox")
	}
	return version, nil
}

func step(ctx context.Context, conn *sql.Conn, script string, version int) error {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, q := range []string{
		script,
		fmt.Sprintf("PRAGMA application_id = %d", applicationID),
		fmt.Sprintf("PRAGMA user_version = %d", version),
		"COMMIT",
	} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") // the first error is the news
			return err
		}
	}
	return nil
}
