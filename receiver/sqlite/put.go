package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

// Put implements receiver.Outbox. When ctx ends while the group is on its way
// to the disk, Put returns and the group goes on: the notification may be kept.
// rs must not be changed before Put has returned without such an error.
func (s *Store) Put(ctx context.Context, n *receiver.Notification, rs []receiver.Routed) ([]receiver.Verdict, error) {
	p, err := s.newPutting(n, rs)
	if err != nil {
		return nil, s.named(err)
	}
	if err := s.writer.try(ctx, len(p.body.body)+len(n.GroupKey), p.run); err != nil {
		return nil, s.named(err)
	}
	n.ID = p.id
	if p.made {
		s.signal()
	}
	return p.verdicts, nil
}

// putting is one Put on its way through the writer. The caller reads the
// results after the commit, or never.
type putting struct {
	at                 time.Time
	receiver, groupKey string
	body               packed
	routed             []receiver.Routed
	alerts             []string // of routed, as JSON

	id       int64
	verdicts []receiver.Verdict
	made     bool // at least one delivery
}

// newPutting does what can be done in the caller's own time.
func (s *Store) newPutting(n *receiver.Notification, rs []receiver.Routed) (*putting, error) {
	p := &putting{
		at:       n.ReceivedAt.Truncate(time.Millisecond),
		receiver: n.Receiver,
		groupKey: n.GroupKey,
		body:     s.codec.pack(n.Raw),
		routed:   rs,
		alerts:   make([]string, len(rs)),
	}
	for i, r := range rs {
		if i > 0 && slices.Equal(r.Alerts, rs[i-1].Alerts) {
			p.alerts[i] = p.alerts[i-1]
			continue
		}
		text, err := json.Marshal(r.Alerts)
		if err != nil {
			return nil, fmt.Errorf("alerts for %q: %w", r.Thread.To, err)
		}
		p.alerts[i] = string(text)
	}
	return p, nil
}

func (p *putting) run(t *tx) (err error) {
	p.made = false
	p.verdicts = make([]receiver.Verdict, len(p.routed))
	p.id, err = t.insert(`INSERT INTO notification (received_at, receiver, group_key, enc, body) VALUES (?, ?, ?, ?, ?)`,
		millis(p.at), p.receiver, p.groupKey, p.body.enc, p.body.body)
	if err != nil {
		return err
	}
	for i, r := range p.routed {
		if p.verdicts[i], err = p.route(t, r, p.alerts[i]); err != nil {
			return err
		}
	}
	return nil
}

// route asks the thread what r is to it, and acts on the verdict.
func (p *putting) route(t *tx, r receiver.Routed, alerts string) (receiver.Verdict, error) {
	known, err := t.thread(r.Thread)
	if err != nil {
		return "", err
	}
	next, verdict := known.Merge(r.Update(p.at))
	if verdict == receiver.Duplicate || verdict == receiver.Stale {
		return verdict, nil
	}
	id, err := t.saveThread(known.id, r.Thread, next, p.at)
	if err != nil || verdict == receiver.Silent {
		return verdict, err
	}
	p.made = true
	// It is the head of its thread, and so may be claimed, if there is none.
	return verdict, t.exec(`INSERT INTO delivery
		(notification_id, thread_id, channel, episode, alerts, reminder, state, created_at, not_before, due_at)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?7, ?7,
			CASE WHEN EXISTS (SELECT 1 FROM delivery WHERE thread_id = ?2 AND due_at IS NOT NULL) THEN NULL ELSE ?7 END)`,
		p.id, id, r.Thread.Channel, next.Episode, alerts, verdict == receiver.Reminder, millis(p.at))
}

// millis is how times are stored: 0 is the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
