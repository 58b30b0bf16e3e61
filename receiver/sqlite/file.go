package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	driver "modernc.org/sqlite"
)

// Settings of the writing connection. The first two are what durability hangs
// on, so they are read back. auto_vacuum comes first of all: it can only be
// chosen while the file is empty.
const (
	busyTimeout    = 5000     // ms that a transaction of another process is waited for
	autoCheckpoint = 2000     // pages: 8 MB of WAL are folded back at a commit
	walSizeLimit   = 64 << 20 // bytes that a WAL file keeps when it starts anew
	readerCount    = 4
)

// checkDir wants the directory to exist: making it would hide a volume that is
// not mounted.
func checkDir(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("directory %s: %w", dir, reason(err))
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	return nil
}

// create makes an empty file that only its owner can read. SQLite gives the
// same mode to the WAL beside it. The directory is synced, so that a power cut
// cannot take the file away.
func create(path string) error {
	// Never open a file that exists: closing it again would drop the locks
	// that SQLite holds on it elsewhere in this process (POSIX, fcntl).
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create it: %w", reason(err))
	}
	return errors.Join(f.Close(), syncDir(filepath.Dir(path)))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return reason(err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, reason(err))
	}
	return nil
}

// reason strips the path from a file error, for the caller names it.
func reason(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

func dsn(path, query string) string {
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query}).String()
}

// openWriter opens the one connection that writes.
func openWriter(ctx context.Context, path string) (*sql.DB, *sql.Conn, error) {
	connector, err := driver.NewConnector(dsn(path, ""))
	if err != nil {
		return nil, nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	if err := configure(ctx, conn); err != nil {
		return nil, nil, errors.Join(err, conn.Close(), db.Close())
	}
	return db, conn, nil
}

func configure(ctx context.Context, conn *sql.Conn) error {
	for _, pragma := range []string{
		fmt.Sprintf("busy_timeout = %d", busyTimeout),
		"auto_vacuum = INCREMENTAL",
		"journal_mode = WAL",
		"synchronous = FULL",
		"foreign_keys = ON",
		fmt.Sprintf("wal_autocheckpoint = %d", autoCheckpoint),
		fmt.Sprintf("journal_size_limit = %d", walSizeLimit),
		"cache_size = -8000", // KiB
	} {
		if _, err := conn.ExecContext(ctx, "PRAGMA "+pragma); err != nil {
			return fmt.Errorf("set %s: %w", pragma, err)
		}
	}
	for _, want := range []struct{ pragma, value string }{
		{"journal_mode", "wal"},
		{"synchronous", "2"},
		{"foreign_keys", "1"},
	} {
		var got string
		if err := conn.QueryRowContext(ctx, "PRAGMA "+want.pragma).Scan(&got); err != nil {
			return fmt.Errorf("read %s: %w", want.pragma, err)
		}
		if got != want.value {
			return fmt.Errorf("%s is %q where %q is needed to keep what was accepted; is this a local disk?",
				want.pragma, got, want.value)
		}
	}
	return nil
}

// openReaders opens the pool of connections that cannot write.
func openReaders(path string) (*sql.DB, error) {
	query := fmt.Sprintf("_pragma=busy_timeout(%d)&_pragma=query_only(1)", busyTimeout)
	connector, err := driver.NewConnector(dsn(path, query))
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(readerCount)
	db.SetMaxIdleConns(readerCount / 2)
	return db, nil
}
