package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bongsu/bongsu/receiver"
)

// Put implements receiver.Outbox. When ctx ends while the group is on its way,
// Put returns and the group goes on: the notification may be kept. rs must not
// be changed before Put has returned without such an error.
func (s *Store) Put(ctx context.Context, n *receiver.Notification, rs []receiver.Routed) ([]receiver.Verdict, error) {
	p, err := s.newPutting(n, rs)
	if err != nil {
		return nil, s.named(err)
	}
	if err := s.puts.try(ctx, len(p.body.body)+len(n.GroupKey), p); err != nil {
		return nil, s.named(err)
	}
	n.ID = p.id
	if p.made {
		s.signal()
	}
	return p.verdicts, nil
}

// putting is one Put on its way through its lane. The caller reads the results
// after the commit, or never.
type putting struct {
	at                 time.Time
	receiver, groupKey string
	body               packed
	routed             []receiver.Routed
	keys               []threadKey // of routed
	alerts             []string    // of routed, as JSON

	id       int64
	verdicts []receiver.Verdict
	made     bool // at least one delivery
}

// newPutting does what can be done in the caller's own time.
func (s *Store) newPutting(n *receiver.Notification, rs []receiver.Routed) (*putting, error) {
	p := &putting{
		at:       n.ReceivedAt.Truncate(time.Millisecond),
		receiver: text(n.Receiver),
		groupKey: text(n.GroupKey),
		body:     s.codec.pack(n.Raw),
		routed:   rs,
		keys:     make([]threadKey, len(rs)),
		alerts:   make([]string, len(rs)),
	}
	for i, r := range rs {
		p.keys[i] = keyOf(r.Thread)
		if i > 0 && slices.Equal(r.Alerts, rs[i-1].Alerts) {
			p.alerts[i] = p.alerts[i-1]
			continue
		}
		encoded, err := json.Marshal(r.Alerts)
		if err != nil {
			return nil, fmt.Errorf("alerts for %q: %w", r.Thread.To, err)
		}
		p.alerts[i] = string(encoded)
	}
	return p, nil
}

// putAll runs a group of Puts in one transaction and two round trips: the first
// locks the threads and reads them, Merge decides, the second writes.
func (s *Store) putAll(ctx context.Context, c *pgx.Conn, group []*putting) error {
	threads := newThreads(group)
	b := begin()
	insertNotifications(b, group)
	threads.lock(b)
	if err := send(ctx, c, b); err != nil {
		return err
	}
	if !threads.complete() {
		return errRaced
	}
	made := decide(group, threads)
	b = &pgx.Batch{}
	threads.save(b)
	made.insert(b)
	if len(made.threads) > 0 {
		s.notify(b)
	}
	return commit(ctx, c, b)
}

// decide asks each thread in turn what the group's notifications are to it.
func decide(group []*putting, threads *threads) *newDeliveries {
	made := &newDeliveries{}
	for _, p := range group {
		p.made = false
		p.verdicts = make([]receiver.Verdict, len(p.routed))
		for i, r := range p.routed {
			t := threads.of[p.keys[i]]
			next, verdict := t.Merge(r.Update(p.at))
			p.verdicts[i] = verdict
			if verdict == receiver.Duplicate || verdict == receiver.Stale {
				continue
			}
			t.Thread, t.touched, t.changed = next, p.at, true
			if verdict == receiver.Silent {
				continue
			}
			p.made = true
			made.add(p, t, r.Thread.Channel, p.alerts[i], verdict == receiver.Reminder)
			t.headed = true
		}
	}
	return made
}

// insertNotifications queues the group's rows. The ids come in the group's
// order.
func insertNotifications(b *pgx.Batch, group []*putting) {
	n := len(group)
	at, receivers, groups := make([]int64, n), make([]string, n), make([]string, n)
	encs, bodies := make([]string, n), make([][]byte, n)
	for i, p := range group {
		at[i], receivers[i], groups[i], encs[i], bodies[i] = millis(p.at), p.receiver, p.groupKey, p.body.enc, p.body.body
	}
	b.Queue(`INSERT INTO notification (received_at, receiver, group_key, enc, body)
		SELECT at, receiver, group_key, enc, body
		FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bytea[])
			WITH ORDINALITY AS u(at, receiver, group_key, enc, body, i) ORDER BY i
		RETURNING id`, at, receivers, groups, encs, bodies).Query(func(rows pgx.Rows) error {
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		slices.Sort(ids)
		for i, id := range ids {
			group[i].id = id
		}
		return nil
	})
}

// newDeliveries are the columns of the rows that a group of Puts makes.
type newDeliveries struct {
	notifications, threads, episodes, at []int64
	channels, alerts                     []string
	reminders, heads                     []bool
}

// add makes the delivery the head of its thread, and so claimable, if the
// thread has none.
func (d *newDeliveries) add(p *putting, t *storedThread, channel, alerts string, reminder bool) {
	d.notifications = append(d.notifications, p.id)
	d.threads = append(d.threads, t.id)
	d.episodes = append(d.episodes, t.Episode)
	d.at = append(d.at, millis(p.at))
	d.channels = append(d.channels, text(channel))
	d.alerts = append(d.alerts, alerts)
	d.reminders = append(d.reminders, reminder)
	d.heads = append(d.heads, !t.headed)
}

// insert queues the rows. Their ids are drawn while the threads are locked, so
// those of one thread come in its order.
func (d *newDeliveries) insert(b *pgx.Batch) {
	if len(d.threads) == 0 {
		return
	}
	b.Queue(`INSERT INTO delivery (notification_id, thread_id, episode, created_at, not_before, channel, alerts, reminder, due_at)
		SELECT notification, thread, episode, at, at, channel, alerts, reminder, CASE WHEN head THEN at END
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bool[], $8::bool[])
			WITH ORDINALITY AS u(notification, thread, episode, at, channel, alerts, reminder, head, i) ORDER BY i`,
		d.notifications, d.threads, d.episodes, d.at, d.channels, d.alerts, d.reminders, d.heads)
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
