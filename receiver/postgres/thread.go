package postgres

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bongsu/bongsu/receiver"
)

// threadKey stands for a receiver.ThreadKey in the unique index, whose rows
// must not grow with the labels of a group.
type threadKey [sha256.Size]byte

func keyOf(k receiver.ThreadKey) threadKey {
	var b []byte
	for _, part := range []string{k.Receiver, k.GroupKey, k.Channel, k.To} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return sha256.Sum256(b)
}

// storedThread is a thread as it was read, and as the group changes it.
type storedThread struct {
	id int64 // 0 until it was read
	receiver.Thread
	headed  bool // one of its deliveries has the turn
	changed bool
	touched time.Time
}

// threads are those that a group of Puts speaks to.
type threads struct {
	of    map[threadKey]*storedThread
	names map[threadKey]receiver.ThreadKey
	keys  [][]byte // in order, without repetitions
	at    int64    // when a new one is touched first
}

func newThreads(group []*putting) *threads {
	ts := &threads{of: map[threadKey]*storedThread{}, names: map[threadKey]receiver.ThreadKey{}}
	for _, p := range group {
		ts.at = max(ts.at, millis(p.at))
		for i, k := range p.keys {
			if ts.of[k] == nil {
				ts.of[k], ts.names[k] = &storedThread{}, p.routed[i].Thread
				ts.keys = append(ts.keys, k[:])
			}
		}
	}
	slices.SortFunc(ts.keys, bytes.Compare)
	return ts
}

// lock queues what makes the threads that are missing, locks all and reads
// them. Each is a statement of its own, for only the next one sees what was
// committed while the one before waited.
//
// No two transactions can wait for each other here: rows are made in the order
// of their keys, and locked in the order of their ids.
func (ts *threads) lock(b *pgx.Batch) {
	if len(ts.keys) == 0 {
		return
	}
	ts.create(b)
	b.Queue(queryLockThreads, ts.keys)
	b.Queue(queryReadThreads, ts.keys).Query(ts.read)
}

const (
	queryMakeThreads = `INSERT INTO thread (key, receiver, group_key, channel, recipient, touched_at)
		SELECT u.*, $6 FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[])
			AS u(key, receiver, group_key, channel, recipient)
		WHERE (SELECT true FROM thread t WHERE t.key = u.key) IS NULL
		ORDER BY u.key ON CONFLICT (key) DO NOTHING`
	queryLockThreads = `SELECT id FROM thread WHERE key = ANY ($1) ORDER BY id FOR UPDATE`
	queryReadThreads = `SELECT key, id, episode, alerts, updated_at, CASE WHEN ref_episode = episode THEN ref ELSE '' END,
		(SELECT true FROM delivery WHERE (thread_id, state, id) > (t.id, 'pending', 0)
			AND (thread_id, state) <= (t.id, 'pending') AND due_at IS NOT NULL ORDER BY thread_id, state, id LIMIT 1) IS NOT NULL
		FROM thread t WHERE key = ANY ($1)`
	querySaveThreads = `UPDATE thread t SET episode = u.episode, alerts = u.alerts, firing = u.firing, updated_at = u.updated, touched_at = u.touched
		FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bool[], $5::bigint[], $6::bigint[])
			AS u(id, episode, alerts, firing, updated, touched) WHERE t.id = u.id`
)

func (ts *threads) create(b *pgx.Batch) {
	n := len(ts.keys)
	receivers, groups, channels, recipients := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, key := range ts.keys {
		k := ts.names[threadKey(key)]
		receivers[i], groups[i], channels[i], recipients[i] = text(k.Receiver), text(k.GroupKey), text(k.Channel), text(k.To)
	}
	b.Queue(queryMakeThreads, ts.keys, receivers, groups, channels, recipients, ts.at)
}

func (ts *threads) read(rows pgx.Rows) error {
	for rows.Next() {
		var (
			key     []byte
			s       storedThread
			alerts  string
			updated int64
		)
		if err := rows.Scan(&key, &s.id, &s.Episode, &alerts, &updated, &s.Ref, &s.headed); err != nil {
			return err
		}
		s.UpdatedAt = fromMillis(updated)
		var err error
		if s.Alerts, err = decodeAlerts(alerts); err != nil {
			return fmt.Errorf("thread %d: %w", s.id, err)
		}
		ts.of[threadKey(key)] = &s
	}
	return rows.Err()
}

// complete reports whether all were there when they were read.
func (ts *threads) complete() bool {
	for _, t := range ts.of {
		if t.id == 0 {
			return false
		}
	}
	return true
}

// save queues the threads that were changed. It leaves their refs alone: one
// belongs to an episode, not to the thread, so that an old episode's late
// deliveries still find their own.
func (ts *threads) save(b *pgx.Batch) {
	var (
		ids, episodes, updated, touched []int64
		alerts                          []string
		firing                          []bool
	)
	for _, key := range ts.keys {
		t := ts.of[threadKey(key)]
		if !t.changed {
			continue
		}
		encoded, _ := json.Marshal(t.Alerts) // strings and times of four-digit years, as newPutting has tried
		ids, episodes = append(ids, t.id), append(episodes, t.Episode)
		updated, touched = append(updated, millis(t.UpdatedAt)), append(touched, millis(t.touched))
		alerts = append(alerts, string(encoded))
		firing = append(firing, slices.ContainsFunc(t.Alerts, func(a receiver.AlertState) bool { return a.Status == receiver.Firing }))
	}
	if len(ids) == 0 {
		return
	}
	b.Queue(querySaveThreads, ids, episodes, alerts, firing, updated, touched)
}

func decodeAlerts(text string) ([]receiver.AlertState, error) {
	var as []receiver.AlertState
	if err := json.Unmarshal([]byte(text), &as); err != nil {
		return nil, &damagedError{fmt.Errorf("stored alerts: %w", err)}
	}
	return as, nil
}
