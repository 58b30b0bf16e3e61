package sqlite

import (
	"path/filepath"
	"testing"
)

// A step that fails leaves nothing behind, and the next start does it again.
func TestFailedMigrationLeavesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "outbox.db")
	db, conn, err := openWriter(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	defer conn.Close()
	for range 2 {
		if err := step(t.Context(), conn, `CREATE TABLE half (id INTEGER); CREATE TABLE half (id INTEGER);`, 1); err == nil {
			t.Fatal("a bad step went through")
		}
		if v, err := version(t.Context(), conn); v != 0 || err != nil {
			t.Errorf("version %d, %v after a bad step", v, err)
		}
	}
	for range 2 { // the second finds nothing to do
		if err := migrate(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := version(t.Context(), conn); v != 1 || err != nil {
		t.Errorf("version %d, %v, want 1", v, err)
	}
	if err := current(t.Context(), conn); err != nil {
		t.Error(err)
	}
}
