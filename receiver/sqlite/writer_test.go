package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

func openInside(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "outbox.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// hold stops the writer within an op until the returned function is called, so
// that what is queued meanwhile becomes one group.
func hold(t *testing.T, s *Store) (release func()) {
	t.Helper()
	held, gate := make(chan struct{}), make(chan struct{})
	go func() {
		_ = s.writer.do(context.Background(), func(*tx) error {
			close(held)
			<-gate
			return nil
		})
	}()
	<-held
	return sync.OnceFunc(func() { close(gate) })
}

func queued(t *testing.T, s *Store, want int) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for len(s.writer.queue) != want {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d ops are queued, want %d", len(s.writer.queue), want)
		}
	}
}

func put(ctx context.Context, s *Store, body string) error {
	n := receiver.Notification{ReceivedAt: time.UnixMilli(1), Raw: []byte(body)}
	_, err := s.Put(ctx, &n, nil)
	return err
}

func (s *Store) countRows(t *testing.T, table string) int {
	t.Helper()
	var n int
	if err := s.readers.QueryRow(`SELECT count(*) FROM ` + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOneBadOpHurtsNobodyElse(t *testing.T) {
	t.Parallel()
	s := openInside(t, Options{})
	groups := make(chan int, 100)
	release := hold(t, s)
	s.writer.observe = func(ops int, _ time.Duration) { groups <- ops }
	bad := errors.New("bad op")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := put(t.Context(), s, "good"); err != nil {
				t.Errorf("Put beside a bad op: %v", err)
			}
		})
	}
	wg.Go(func() {
		err := s.writer.do(t.Context(), func(x *tx) error {
			return errors.Join(x.exec(`INSERT INTO quarantine (received_at, remote, receiver, reason, truncated, enc, body)
				VALUES (1, '', '', '', 0, 'raw', x'00')`), bad)
		})
		if !errors.Is(err, bad) {
			t.Errorf("bad op: %v", err)
		}
	})
	queued(t, s, 21)
	release()
	wg.Wait()
	if <-groups; <-groups != 21 {
		t.Error("the ops were not in one group")
	}
	if n, q := s.countRows(t, "notification"), s.countRows(t, "quarantine"); n != 20 || q != 0 {
		t.Errorf("%d notifications and %d in quarantine, want 20 and 0", n, q)
	}
}

func TestFullQueueIsBusy(t *testing.T) {
	t.Parallel()
	s := openInside(t, Options{Queue: 2, QueueBytes: 100})
	release := hold(t, s)
	defer release()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if err := put(t.Context(), s, "x"); err != nil {
				t.Error(err)
			}
		})
	}
	queued(t, s, 2)
	if err := put(t.Context(), s, "x"); !errors.Is(err, receiver.ErrBusy) {
		t.Errorf("third in a queue of two: %v, want ErrBusy", err)
	}
	// Workers wait for a place: what they bring makes room for others.
	wg.Go(func() {
		if _, err := s.Discard(t.Context(), time.UnixMilli(2), 1); err != nil {
			t.Error(err)
		}
	})
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Retry(impatient, time.UnixMilli(2), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Retry with a full queue: %v, want context.Canceled", err)
	}
	release()
	wg.Wait()
	release2 := hold(t, s)
	defer release2()
	big := []byte(strings.Repeat("\x00\xff\x13", 20))
	noise := receiver.Quarantined{Raw: append(big, "가나다라마바사아자차카타파하0123456789abcdefghijklmnopqrstuvwxyz"...)}
	if err := s.Quarantine(t.Context(), noise); !errors.Is(err, receiver.ErrBusy) {
		t.Errorf("more bytes than the queue takes: %v, want ErrBusy", err)
	}
	if got := s.writer.queued.Load(); got != 0 {
		t.Errorf("%d bytes are counted in an empty queue", got)
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := openInside(t, Options{})
	if err := put(t.Context(), s, "before"); err != nil {
		t.Fatal(err)
	}
	pages := func(n string) {
		err := s.writer.do(t.Context(), func(x *tx) error {
			_, err := x.conn.ExecContext(context.Background(), `PRAGMA max_page_count = `+n)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	pages("1") // SQLite takes it as "no more than there are"
	noise := make([]byte, 64<<10)
	for i := range noise {
		noise[i] = byte(i * i >> 3)
	}
	q := receiver.Quarantined{Raw: noise}
	err := s.Quarantine(t.Context(), q)
	for err == nil { // until the pages that there are have filled up
		err = s.Quarantine(t.Context(), q)
	}
	if !strings.Contains(err.Error(), "database or disk is full") || !strings.Contains(err.Error(), s.path) {
		t.Errorf("full disk: %v", err)
	}
	if _, err := s.List(t.Context(), receiver.Filter{Limit: 1}); err != nil {
		t.Errorf("reading with a full disk: %v", err)
	}
	pages("1000000")
	if err := put(t.Context(), s, "after"); err != nil {
		t.Errorf("Put after the disk had room again: %v", err)
	}
}

// A page of the tables is bad, the rest is not: what touches it fails with the
// path, the rest goes on.
func TestDamagedBody(t *testing.T) {
	t.Parallel()
	s := openInside(t, Options{})
	n := receiver.Notification{ReceivedAt: time.UnixMilli(1), Raw: []byte(strings.Repeat("봉수 ", 100))}
	k := receiver.ThreadKey{Channel: "mail", To: "x"}
	r := receiver.Routed{Thread: k, Alerts: []receiver.AlertState{{Fingerprint: "a", Status: receiver.Firing}}}
	if _, err := s.Put(t.Context(), &n, []receiver.Routed{r}); err != nil {
		t.Fatal(err)
	}
	err := s.writer.do(t.Context(), func(x *tx) error { return x.exec(`UPDATE notification SET body = x'1234'`) })
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := s.Claim(t.Context(), receiver.Claim{Channel: "mail", Limit: 1, Now: time.UnixMilli(1), Lease: time.Minute})
	if err != nil || len(jobs) != 1 || jobs[0].Notification.Raw != nil {
		t.Errorf("Claim = %+v, %v, want a job without a body", jobs, err)
	}
	if _, err := s.Show(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "notification 1: stored body") {
		t.Errorf("Show = %v", err)
	}
}

func TestAnotherProcessHoldsTheFile(t *testing.T) {
	t.Parallel()
	s := openInside(t, Options{})
	if err := s.writer.do(t.Context(), func(x *tx) error {
		_, err := x.conn.ExecContext(context.Background(), `PRAGMA busy_timeout = 10`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	db, conn, err := openWriter(t.Context(), s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), `BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	if err := put(t.Context(), s, "x"); !errors.Is(err, receiver.ErrBusy) {
		t.Errorf("Put = %v, want ErrBusy", err)
	}
	if _, err := conn.ExecContext(t.Context(), `COMMIT`); err != nil {
		t.Fatal(err)
	}
	if err := put(t.Context(), s, "x"); err != nil {
		t.Errorf("Put after that: %v", err)
	}
}

func TestWALStaysSmall(t *testing.T) {
	t.Parallel()
	s := openInside(t, Options{})
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 5 * 7)
	}
	for range 60 {
		n := receiver.Notification{ReceivedAt: time.UnixMilli(1), Raw: noise}
		if _, err := s.Put(t.Context(), &n, nil); err != nil {
			t.Fatal(err)
		}
		noise[0]++
	}
	info, err := os.Stat(s.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if limit := int64(autoCheckpoint*4096 + 8<<20); info.Size() > limit {
		t.Errorf("the WAL has %d bytes, want at most %d", info.Size(), limit)
	}
}

// Pruning gives the disk its space back.
func TestPruneShrinksTheFile(t *testing.T) {
	t.Parallel()
	s := openInside(t, Options{PrunePause: time.Microsecond})
	for i := range 300 {
		noise := make([]byte, 8<<10)
		for j := range noise {
			noise[j] = byte((i + 1) * j * j >> 3)
		}
		n := receiver.Notification{ReceivedAt: time.UnixMilli(1), Raw: noise}
		if _, err := s.Put(t.Context(), &n, nil); err != nil {
			t.Fatal(err)
		}
	}
	pages := func() (n int) {
		if err := s.readers.QueryRow(`PRAGMA page_count`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := pages()
	if n, err := s.Prune(t.Context(), time.UnixMilli(2)); n != 300 || err != nil {
		t.Fatalf("Prune = %d, %v", n, err)
	}
	if after := pages(); after > before*9/10 {
		t.Errorf("%d pages before and %d after", before, after)
	}
}

// The queries that run while others wait must not scan.
func TestQueriesUseTheirIndexes(t *testing.T) {
	t.Parallel()
	s := openInside(t, Options{})
	for _, c := range []struct {
		query string
		args  []any
		want  []string
	}{
		{queryAnyDue, []any{"c", 1}, []string{"USING COVERING INDEX delivery_due (channel=? AND due_at>? AND due_at<?)"}},
		{queryDue, []any{"c", 1, 1}, []string{"USING COVERING INDEX delivery_due (channel=? AND due_at>? AND due_at<?)"}},
		{queryLapsed, []any{"c", 1}, []string{"USING COVERING INDEX delivery_lease (channel=? AND lease_until>? AND lease_until<?)"}},
		{queryOldest, []any{1}, []string{"USING COVERING INDEX delivery_thread (thread_id=? AND state=?)"}},
		{queryHead, []any{1}, []string{"USING INDEX delivery_head (thread_id=?)"}},
		{queryNewest, []any{"pending", "c", 1, "", 1}, []string{"USING COVERING INDEX delivery_state (state=? AND channel=? AND id<?)"}},
		{queryPending, nil, []string{"USING COVERING INDEX delivery_state (state=?)"}},
		{queryDead, nil, []string{"USING COVERING INDEX delivery_state (state=?)"}},
		{queryOldNotifications, []any{1, 1}, []string{"USING COVERING INDEX notification_received (received_at<?)", "USING INDEX delivery_notification"}},
		{queryOldThreads, []any{1, 1}, []string{"USING COVERING INDEX thread_over (touched_at<?)", "USING COVERING INDEX delivery_thread"}},
	} {
		plan := s.plan(t, c.query, c.args...)
		for _, want := range c.want {
			if !strings.Contains(plan, want) {
				t.Errorf("%s\nplan:\n%swant: %s", c.query, plan, want)
			}
		}
		if strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN delivery") {
			t.Errorf("%s\nsorts or scans:\n%s", c.query, plan)
		}
	}
}

func (s *Store) plan(t *testing.T, query string, args ...any) string {
	t.Helper()
	rows, err := s.readers.Query(`EXPLAIN QUERY PLAN `+query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var text strings.Builder
	for rows.Next() {
		var (
			id, parent, unused int
			detail             string
		)
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		text.WriteString("  " + detail + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
