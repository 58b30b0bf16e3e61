package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/sqlite"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		prep func(t *testing.T, dir string) // puts something at outbox.db
		want string
	}{
		{"a file that is no database", func(t *testing.T, dir string) {
			write(t, dir, strings.Repeat("봉수 ", 500))
		}, "file is not a database"},
		{"somebody else's database", func(t *testing.T, dir string) {
			execute(t, dir, `CREATE TABLE orders (id INTEGER)`)
		}, "it is an SQLite database, but not an outbox"},
		{"a newer schema", func(t *testing.T, dir string) {
			closeStore(t, open(t, filepath.Join(dir, "outbox.db"), sqlite.Options{}))
			execute(t, dir, `PRAGMA user_version = 99`)
		}, "its schema is version 99, and this program knows up to 1: use a newer one"},
		{"a directory", func(t *testing.T, dir string) {
			if err := os.Mkdir(filepath.Join(dir, "outbox.db"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "unable to open database file"},
		{"a header that is torn", func(t *testing.T, dir string) {
			closeStore(t, open(t, filepath.Join(dir, "outbox.db"), sqlite.Options{}))
			scribble(t, filepath.Join(dir, "outbox.db"), 0, 4096)
		}, "file is not a database"},
		{"a root page that is torn", func(t *testing.T, dir string) {
			closeStore(t, open(t, filepath.Join(dir, "outbox.db"), sqlite.Options{}))
			scribble(t, filepath.Join(dir, "outbox.db"), 100, 3996)
		}, "malformed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tt.prep(t, dir)
			refused(t, filepath.Join(dir, "outbox.db"), tt.want)
			refused(t, filepath.Join(dir, "outbox.db"), tt.want) // and lets go of its lock
		})
	}
}

func TestOpenRefusesDirectories(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	refused(t, filepath.Join(dir, "없다", "outbox.db"), "directory "+filepath.Join(dir, "없다")+": no such file or directory")
	write(t, dir, "")
	refused(t, filepath.Join(dir, "outbox.db", "outbox.db"), "not a directory")
	if _, err := os.Stat("/sys/kernel"); err == nil { // where even root may make no files
		refused(t, "/sys/outbox.db", "lock file /sys/outbox.db.lock: ")
	}
	if os.Getuid() == 0 {
		return // root may write into any other directory
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	refused(t, filepath.Join(dir, "new.db"), "permission denied")
}

func TestOpenKeepsOthersOut(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "outbox.db")
	s := open(t, path, sqlite.Options{})
	refused(t, path, "in use by process ")
	closeStore(t, s)
	closeStore(t, open(t, path, sqlite.Options{}))
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "outbox.db"), sqlite.Options{})
	defer closeStore(t, s)
	newFeed().put(t, s, 1)
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 3 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", f.Name(), info.Mode().Perm())
		}
	}
}

// A path is a path, whatever SQLite's URIs make of its characters.
func TestOpenTakesAnyPath(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"봉수대 1.db", "a?mode=memory", "50%25.db", "a#b.db", ":memory:"} {
		path := filepath.Join(t.TempDir(), name)
		s := open(t, path, sqlite.Options{})
		newFeed().put(t, s, 1)
		closeStore(t, s)
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestOpenSharedBesideAReceiver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "outbox.db")
	if _, err := sqlite.OpenShared(t.Context(), path, sqlite.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OpenShared of nothing: %v, want fs.ErrNotExist", err)
	}
	s := open(t, path, sqlite.Options{})
	defer closeStore(t, s)
	newFeed().put(t, s, 1)
	hand, err := sqlite.OpenShared(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ds, err := hand.List(t.Context(), receiver.Filter{Limit: 10})
	if err != nil || len(ds) != 1 {
		t.Fatalf("List = %v, %v", ds, err)
	}
	job := claim(t, s, 1)[0]
	if n, err := hand.Discard(t.Context(), start, job.ID); n != 1 || err != nil {
		t.Fatalf("Discard = %d, %v", n, err)
	}
	err = s.Settle(t.Context(), receiver.Settlement{ID: job.ID, Attempt: 1, Outcome: receiver.OutcomeDelivered, At: start})
	if !errors.Is(err, receiver.ErrFenced) {
		t.Errorf("Settle after another process's discard: %v, want ErrFenced", err)
	}
	if n, err := hand.Retry(t.Context(), start, job.ID); n != 1 || err != nil {
		t.Fatalf("Retry = %d, %v", n, err)
	}
	if jobs := claim(t, s, 1); len(jobs) != 1 || jobs[0].Attempt != 2 {
		t.Errorf("claimed %v after another process's retry", jobs)
	}
	if err := hand.Close(); err != nil {
		t.Error(err)
	}
	newFeed().put(t, s, 2)
}

func TestOpenSharedRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "outbox.db")
	closeStore(t, open(t, path, sqlite.Options{}))
	execute(t, dir, `PRAGMA user_version = 0`)
	s, err := sqlite.OpenShared(t.Context(), path, sqlite.Options{})
	if err == nil {
		t.Error(s.Close())
	}
	if want := "its schema is version 0, and this program works on 1"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("OpenShared = %v, want %q", err, want)
	}
}

// A backup as README.md tells to make it is a store.
func TestBackup(t *testing.T) {
	t.Parallel()
	dir, backup := t.TempDir(), t.TempDir()
	s := open(t, filepath.Join(dir, "outbox.db"), sqlite.Options{})
	defer closeStore(t, s)
	newFeed().put(t, s, 1)
	execute(t, dir, `VACUUM INTO '`+filepath.Join(backup, "outbox.db")+`'`)
	execute(t, backup, `UPDATE meta SET value = lower(hex(randomblob(8))) WHERE key = 'instance'`)
	restored := open(t, filepath.Join(backup, "outbox.db"), sqlite.Options{})
	defer closeStore(t, restored)
	was, is := claim(t, s, 1), claim(t, restored, 1)
	if len(is) != 1 || is[0].ID != was[0].ID || is[0].Key == was[0].Key {
		t.Errorf("claimed %+v from the backup of %+v", is, was)
	}
	if got := texts(t, backup, `PRAGMA auto_vacuum`); got[0] != "2" {
		t.Errorf("auto_vacuum is %q in the backup, want 2 (incremental)", got)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "outbox.db")
	registry := prometheus.NewPedanticRegistry()
	for range 2 { // a store that is opened again finds its names free
		s := open(t, path, sqlite.Options{Registerer: registry})
		problems, err := testutil.GatherAndLint(registry)
		if err != nil || len(problems) != 0 {
			t.Errorf("lint: %v, %v", problems, err)
		}
		n, err := testutil.GatherAndCount(registry)
		if err != nil || n != 5 {
			t.Errorf("%d metrics, %v, want 5", n, err)
		}
		if other, err := sqlite.Open(t.Context(), path+"2", sqlite.Options{Registerer: registry}); err == nil {
			t.Error("two stores have registered with one registry")
			closeStore(t, other)
		}
		closeStore(t, s)
	}
	if n, err := testutil.GatherAndCount(registry); err != nil || n != 0 {
		t.Errorf("%d metrics are left, %v", n, err)
	}
}

func refused(t *testing.T, path, want string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err == nil {
		closeStore(t, s)
		t.Fatalf("Open(%s) went through, want %q", path, want)
	}
	if !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "outbox "+path) {
		t.Errorf("Open = %q, want %q and the path", err, want)
	}
}

func write(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "outbox.db"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// scribble overwrites a part of a file, as a bad disk does.
func scribble(t *testing.T, path string, offset int64, size int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	junk := make([]byte, size)
	for i := range junk {
		junk[i] = byte(i * 31)
	}
	if _, err := f.WriteAt(junk, offset); err != nil {
		t.Fatal(err)
	}
}

// texts reads a column from dir's outbox.db by the plain driver.
func texts(t testing.TB, dir, query string) (vs []string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "outbox.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		vs = append(vs, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return vs
}

// execute runs statements on dir's outbox.db by the plain driver.
func execute(t testing.TB, dir string, queries ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "outbox.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range queries {
		if _, err := db.ExecContext(context.Background(), q); err != nil {
			t.Fatal(err)
		}
	}
}
