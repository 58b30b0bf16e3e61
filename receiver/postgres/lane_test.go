package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/bongsu/bongsu/receiver"
)

// hold keeps the Put lane from committing until release is called, so that what
// is queued meanwhile becomes one group, by a lock on a thread that one Put wants.
func hold(t *testing.T, s *Store) (release func()) {
	t.Helper()
	mustPut(t, s, "held", 0)
	tx, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT 1 FROM thread WHERE group_key = 'held' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { _, err := put(context.Background(), s, "held", 1); done <- err }()
	if err := poll(func() error {
		var waiting bool
		err := s.pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_stat_activity
			WHERE application_name = current_setting('application_name') AND wait_event_type = 'Lock')`).Scan(&waiting)
		if err == nil && !waiting {
			err = errors.New("the lane does not wait")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		if err := tx.Rollback(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Errorf("held Put: %v", err)
		}
	})
}

func queued(t *testing.T, s *Store, want int) {
	t.Helper()
	if err := poll(func() error {
		if got := len(s.puts.queue); got != want {
			return fmt.Errorf("%d are queued, want %d", got, want)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestOneBadOpHurtsNobodyElse(t *testing.T) {
	t.Parallel()
	st := newStorage(t, need(t))
	s := st.open(t, Options{})
	defer closeStore(t, s)
	mustPut(t, s, "damaged", 0)
	if err := st.exec(`UPDATE ` + st.schema + `.thread SET alerts = '{' WHERE group_key = 'damaged'`); err != nil {
		t.Fatal(err)
	}
	if err := st.exec(`ALTER TABLE ` + st.schema + `.thread ADD CHECK (group_key <> 'refused')`); err != nil {
		t.Fatal(err)
	}
	release := hold(t, s)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := put(t.Context(), s, fmt.Sprint("가게 ", i), 1); err != nil {
				t.Errorf("Put beside bad ones: %v", err)
			}
		})
	}
	for group, want := range map[string]string{"damaged": "stored alerts", "refused": "check constraint"} {
		wg.Go(func() {
			if _, err := put(t.Context(), s, group, 1); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), s.name) {
				t.Errorf("Put of %s: %v, want %s", group, err, want)
			}
		})
	}
	queued(t, s, 22)
	release()
	wg.Wait()
	if ds, err := s.List(t.Context(), receiver.Filter{Limit: 100}); err == nil {
		if len(ds) != 23 { // held twice, damaged once
			t.Errorf("%d deliveries, want 23", len(ds))
		}
	} else {
		t.Error(err)
	}
}

func TestFullQueueIsBusy(t *testing.T) {
	t.Parallel()
	s := newStorage(t, need(t)).open(t, Options{Queue: 2, QueueBytes: 300})
	defer closeStore(t, s)
	release := hold(t, s)
	defer release()
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			if _, err := put(t.Context(), s, fmt.Sprint(i), 1); err != nil {
				t.Error(err)
			}
		})
	}
	queued(t, s, 2)
	if _, err := put(t.Context(), s, "x", 1); !errors.Is(err, receiver.ErrBusy) {
		t.Errorf("third in a queue of two: %v, want ErrBusy", err)
	}
	release()
	wg.Wait()
	if got := s.puts.queued.Load(); got != 0 {
		t.Errorf("%d bytes are counted in an empty queue", got)
	}
	n := receiver.Notification{ReceivedAt: start, GroupKey: strings.Repeat("봉", 200)}
	if _, err := s.Put(t.Context(), &n, nil); !errors.Is(err, receiver.ErrBusy) {
		t.Errorf("more bytes than the queue takes: %v, want ErrBusy", err)
	}
}

// A replica that hangs with its locks held keeps the others waiting for some
// seconds, not for ever; theirs say that they are busy, and keep nothing.
func TestSomebodyHoldsAThread(t *testing.T) {
	t.Parallel()
	stores := newStorage(t, need(t)).replicas(t, 2)
	mustPut(t, stores[0], "가게", 0)
	tx, err := stores[1].pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), `SELECT 1 FROM thread FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	if _, err := put(t.Context(), stores[0], "가게", 1); !errors.Is(err, receiver.ErrBusy) {
		t.Errorf("Put = %v, want ErrBusy", err)
	}
	mustPut(t, stores[0], "다른 가게", 0)
	// The server ends the one that does nothing.
	if err := poll(func() error { _, err := put(t.Context(), stores[0], "가게", 1); return err }); err != nil {
		t.Error(err)
	}
}
