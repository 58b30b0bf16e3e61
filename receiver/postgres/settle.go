package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bongsu/bongsu/receiver"
)

// Settle implements receiver.Outbox. An attempt is settled once: a second
// Settle of the same is fenced too.
func (s *Store) Settle(ctx context.Context, st receiver.Settlement) error {
	w, err := newSettling(st)
	if err != nil {
		return s.named(err)
	}
	if err := s.settles.do(ctx, w); err != nil {
		return s.named(err)
	}
	if !w.settled {
		return receiver.ErrFenced
	}
	s.signal() // the thread's next one, or this one again
	return nil
}

// settling is one Settle on its way through its lane. The caller reads settled
// after the commit, or never.
type settling struct {
	receiver.Settlement
	state     receiver.State
	receipt   string
	notBefore int64
	finished  int64

	settled bool // else it was fenced
}

func newSettling(st receiver.Settlement) (*settling, error) {
	w := &settling{Settlement: st, finished: millis(st.At)}
	switch st.Outcome {
	case receiver.OutcomeDelivered:
		w.state, w.Cause, w.Error = receiver.Delivered, "", ""
	case receiver.OutcomeDead:
		w.state = receiver.Dead
		if st.Cause == "" {
			return nil, fmt.Errorf("settle delivery %d: dead without a cause", st.ID)
		}
	case receiver.OutcomeRetry:
		w.state, w.Cause, w.finished = receiver.Pending, "", 0
		w.notBefore = millis(later(st.NotBefore, st.At))
	default:
		return nil, fmt.Errorf("settle delivery %d: %q is no way to end", st.ID, st.Outcome)
	}
	if st.Outcome != receiver.OutcomeDelivered {
		w.Receipt = receiver.Receipt{}
	}
	var err error
	w.receipt, err = encodeReceipt(w.Receipt)
	return w, err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// settleAll runs a group of Settles in one transaction and one round trip.
func (s *Store) settleAll(ctx context.Context, c *pgx.Conn, group []*settling) error {
	ws := newSettlements(group)
	b := begin()
	b.Queue(queryLock, ws.ids)
	ws.apply(b)
	turn(b, ws.ids)
	return commit(ctx, c, b)
}

// token is the fencing token.
type token struct{ id, attempt int64 }

// settlements are the columns of a group of Settles. Of two for the same
// attempt the first is in it.
type settlements struct {
	of                                                map[token]*settling
	ids, attempts, at, finished, notBefore            []int64
	states, causes, outcomes, errors, receipts, wrefs []string
}

func newSettlements(group []*settling) *settlements {
	ws := &settlements{of: map[token]*settling{}}
	for _, w := range group {
		w.settled = false
		k := token{w.ID, int64(w.Attempt)}
		if ws.of[k] != nil {
			continue
		}
		ws.of[k] = w
		ws.ids, ws.attempts = append(ws.ids, k.id), append(ws.attempts, k.attempt)
		ws.at, ws.finished, ws.notBefore = append(ws.at, millis(w.At)), append(ws.finished, w.finished), append(ws.notBefore, w.notBefore)
		ws.states, ws.causes = append(ws.states, string(w.state)), append(ws.causes, text(string(w.Cause)))
		ws.outcomes, ws.errors = append(ws.outcomes, string(w.Outcome)), append(ws.errors, text(w.Error))
		ws.receipts, ws.wrefs = append(ws.receipts, w.receipt), append(ws.wrefs, text(w.Receipt.Ref))
	}
	return ws
}

// querySettle moves the deliveries whose attempt is theirs still, and with them
// their attempts and their threads' refs. The condition on the attempt's row
// makes it once; the one on the delivery's holds against a Claim meanwhile.
const querySettle = `WITH u AS MATERIALIZED (
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
			$6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
		AS u(id, n, at, finished, not_before, state, cause, outcome, error, receipt, ref)
	), moved AS (
		UPDATE delivery d SET state = u.state, cause = u.cause, lease_until = 0, finished_at = u.finished, receipt = u.receipt,
			last_error = CASE WHEN u.error <> '' THEN u.error ELSE d.last_error END,
			not_before = CASE WHEN u.state = 'pending' THEN u.not_before ELSE d.not_before END,
			due_at = CASE WHEN u.state = 'pending' AND d.due_at IS NOT NULL THEN u.not_before END
		FROM u WHERE d.id = u.id AND (d.state = 'pending') IS TRUE AND d.attempt = u.n
		AND (SELECT a.outcome FROM attempt a WHERE a.delivery_id = u.id AND a.n = u.n) = 'started'
		RETURNING d.id, u.n, d.thread_id, d.episode, u.at, u.outcome, u.error, u.receipt, u.ref
	), recorded AS (
		UPDATE attempt a SET finished_at = m.at, outcome = m.outcome, error = m.error, receipt = m.receipt
		FROM moved m WHERE a.delivery_id = m.id AND a.n = m.n
	), referred AS (
		UPDATE thread t SET ref = r.ref, ref_episode = r.episode
		FROM (SELECT DISTINCT ON (thread_id) thread_id, episode, ref FROM moved WHERE ref <> '' ORDER BY thread_id, episode DESC, id DESC) r
		WHERE t.id = r.thread_id AND t.ref_episode <= r.episode
	)
	SELECT id, n FROM moved`

func (ws *settlements) apply(b *pgx.Batch) {
	b.Queue(querySettle, ws.ids, ws.attempts, ws.at, ws.finished, ws.notBefore,
		ws.states, ws.causes, ws.outcomes, ws.errors, ws.receipts, ws.wrefs).Query(func(rows pgx.Rows) error {
		var k token
		_, err := pgx.ForEachRow(rows, []any{&k.id, &k.attempt}, func() error {
			ws.of[k].settled = true
			return nil
		})
		return err
	})
}
