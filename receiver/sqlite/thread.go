package sqlite

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

// storedThread is a thread as it was read; id is 0 if there is none yet.
type storedThread struct {
	id int64
	receiver.Thread
}

func (t *tx) thread(k receiver.ThreadKey) (storedThread, error) {
	var (
		s       storedThread
		alerts  string
		updated int64
	)
	found, err := t.one(`SELECT id, episode, alerts, updated_at, CASE WHEN ref_episode = episode THEN ref ELSE '' END
		FROM thread WHERE group_key = ? AND recipient = ? AND channel = ? AND receiver = ?`,
		[]any{k.GroupKey, k.To, k.Channel, k.Receiver},
		&s.id, &s.Episode, &alerts, &updated, &s.Ref)
	if err != nil || !found {
		return s, err
	}
	s.UpdatedAt = fromMillis(updated)
	if s.Alerts, err = decodeAlerts(alerts); err != nil {
		return s, fmt.Errorf("thread %d: %w", s.id, err)
	}
	return s, nil
}

// saveThread leaves the ref alone: it belongs to an episode, not to the thread,
// so that an old episode's late deliveries still find their own.
func (t *tx) saveThread(id int64, k receiver.ThreadKey, next receiver.Thread, at time.Time) (int64, error) {
	text, err := json.Marshal(next.Alerts)
	if err != nil {
		return 0, err
	}
	firing := slices.ContainsFunc(next.Alerts, func(a receiver.AlertState) bool { return a.Status == receiver.Firing })
	if id != 0 {
		return id, t.exec(`UPDATE thread SET episode = ?, alerts = ?, firing = ?, updated_at = ?, touched_at = ? WHERE id = ?`,
			next.Episode, string(text), firing, millis(next.UpdatedAt), millis(at), id)
	}
	return t.insert(`INSERT INTO thread (receiver, group_key, channel, recipient, episode, alerts, firing, updated_at, touched_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		k.Receiver, k.GroupKey, k.Channel, k.To, next.Episode, string(text), firing, millis(next.UpdatedAt), millis(at))
}

const (
	queryOldest = `SELECT id FROM delivery WHERE thread_id = ? AND state = 'pending' ORDER BY id LIMIT 1`
	queryHead   = `SELECT id, lease_until FROM delivery WHERE thread_id = ? AND due_at IS NOT NULL`
)

// turn makes the oldest pending delivery of a thread its head, the one that may
// be claimed, unless the head is leased: then its Settle will see to it.
func (t *tx) turn(thread int64) error {
	var oldest, head, lease int64
	some, err := t.one(queryOldest, []any{thread}, &oldest)
	if err != nil || !some {
		return err
	}
	has, err := t.one(queryHead, []any{thread}, &head, &lease)
	if err != nil || lease > 0 || head == oldest {
		return err
	}
	if has {
		if err := t.exec(`UPDATE delivery SET due_at = NULL WHERE id = ?`, head); err != nil {
			return err
		}
	}
	return t.exec(`UPDATE delivery SET due_at = not_before WHERE id = ?`, oldest)
}

func decodeAlerts(text string) ([]receiver.AlertState, error) {
	var as []receiver.AlertState
	if err := json.Unmarshal([]byte(text), &as); err != nil {
		return nil, fmt.Errorf("stored alerts: %w", err)
	}
	return as, nil
}
