package sqlite_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/outboxtest"
	"github.com/bongsu/bongsu/receiver/sqlite"
)

func TestMain(m *testing.M) {
	childMain() // does not return in a child of the crash test
	goleak.VerifyTestMain(m)
}

func TestExercise(t *testing.T) {
	t.Parallel()
	outboxtest.Exercise(t, func(t *testing.T) outboxtest.Engine {
		dir := t.TempDir()
		path := filepath.Join(dir, "outbox.db")
		t.Cleanup(func() { intact(t, dir) }) // after the suite has closed its store
		return outboxtest.Engine{
			Open:  func(t *testing.T) receiver.Store { return open(t, path, sqlite.Options{}) },
			Alone: true,
		}
	})
}

func open(t testing.TB, path string, opts sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
