package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/jackc/pgx/v5"
)

// migrations holds one file a schema version, 0001_NAME.sql being version 1.
// A file that was released is never edited again.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock is the first half of the advisory lock that one migration of a
// schema holds ("bngs"); the second is the schema's name.
const migrationLock = 0x626e6773

// schemaCheck makes sure that a schema is what this program works on.
type schemaCheck func(ctx context.Context, conn *pgx.Conn, schema string) error

// prepare checks the server and the schema, and returns the store's name for
// itself.
func prepare(ctx context.Context, conf *config, check schemaCheck) (instance string, err error) {
	conn, err := conf.connect(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := verify(ctx, conn); err != nil {
		return "", err
	}
	if _, err := conn.Exec(ctx, `SET search_path = "`+conf.schema+`"`); err != nil {
		return "", err
	}
	if err := check(ctx, conn, conf.schema); err != nil {
		return "", err
	}
	err = conn.QueryRow(ctx, `SELECT instance FROM bongsu_outbox`).Scan(&instance)
	return instance, err
}

func steps() ([]string, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	scripts := make([]string, len(names))
	for i, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		scripts[i] = string(text)
	}
	return scripts, nil
}

// migrate brings the schema to the newest version, each step in a transaction
// of its own: after a crash the next start goes on where it stopped.
func migrate(ctx context.Context, conn *pgx.Conn, schema string) error {
	scripts, err := steps()
	if err != nil {
		return err
	}
	for {
		have, err := step(ctx, conn, schema, scripts)
		switch {
		case isConflict(err): // with a receiver of the older version at work
			continue
		case err != nil:
			return fmt.Errorf("bring its schema to version %d: %w", have+1, err)
		case have > len(scripts):
			return fmt.Errorf("its schema is version %d, and this program knows up to %d: use a newer one", have, len(scripts))
		case have == len(scripts):
			return nil
		}
	}
}

// step does the first step that is missing, if any, and returns the version
// that it found. Others that start at the same time wait for it, and find it
// done. The lock ends with the transaction, and so with the process.
func step(ctx context.Context, conn *pgx.Conn, schema string, scripts []string) (have int, err error) {
	if have, err = version(ctx, conn, schema); err != nil || have >= len(scripts) {
		return have, err
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return have, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // the first error is the news; after Commit it does nothing
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, hashtext($2))`, migrationLock, schema); err != nil {
		return have, err
	}
	if have, err = version(ctx, conn, schema); err != nil || have >= len(scripts) {
		return have, err
	}
	if err := apply(ctx, tx, schema, scripts[have], have+1); err != nil {
		return have, err
	}
	return have, tx.Commit(ctx)
}

func apply(ctx context.Context, tx pgx.Tx, schema, script string, version int) error {
	var there bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)`, schema).Scan(&there)
	if err != nil {
		return err
	}
	if !there { // asked first: IF NOT EXISTS wants the right to create all the same
		if _, err := tx.Exec(ctx, `CREATE SCHEMA "`+schema+`"`); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, script); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO bongsu_outbox (version) VALUES ($1) ON CONFLICT (one) DO UPDATE SET version = excluded.version`, version)
	return err
}

// current refuses any schema but the newest, and changes nothing.
func current(ctx context.Context, conn *pgx.Conn, schema string) error {
	scripts, err := steps()
	if err != nil {
		return err
	}
	have, err := version(ctx, conn, schema)
	switch {
	case err != nil:
		return err
	case have == 0:
		return errors.New("there is no outbox in it: a receiver makes one when it starts")
	case have != len(scripts):
		return fmt.Errorf("its schema is version %d, and this program works on %d: start this version's receiver on it once, or use its own", have, len(scripts))
	}
	return nil
}

// version returns the schema's, 0 where there is none. It asks the catalogue's
// rows: to_regclass answers from a cache that knows nothing of what was
// committed while this session waited for the advisory lock.
func version(ctx context.Context, conn *pgx.Conn, schema string) (v int, err error) {
	var there bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = 'bongsu_outbox')`, schema).Scan(&there)
	if err != nil || !there {
		return 0, err
	}
	err = conn.QueryRow(ctx, `SELECT version FROM bongsu_outbox`).Scan(&v)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, errors.New("its table bongsu_outbox is empty: this is no outbox, or a damaged one")
	}
	return v, err
}
