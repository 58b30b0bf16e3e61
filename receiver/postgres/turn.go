package postgres

import "github.com/jackc/pgx/v5"

// In these and the other texts, ARRAY (...), (...) IS TRUE, (SELECT ... LIMIT 1)
// IS NULL and comparisons of whole rows are no taste: each leaves the planner
// one index to go by. Where it may choose, it chooses by what the tables were
// like when they were last looked at, and an outbox is empty for days and then
// is not.
const (
	// queryLock locks the threads of some deliveries. Whoever changes which
	// delivery is pending, or which is the head, holds the thread's lock; Claim
	// alone does without, for it changes neither.
	queryLock = `SELECT id FROM thread WHERE id = ANY (ARRAY (SELECT thread_id FROM delivery WHERE id = ANY ($1))) ORDER BY id FOR UPDATE`

	queryUnhead = `UPDATE delivery h SET due_at = NULL
		WHERE h.thread_id = ANY (ARRAY (SELECT thread_id FROM delivery WHERE id = ANY ($1)))
		AND (h.due_at IS NOT NULL) IS TRUE AND (h.lease_until = 0) IS TRUE
		AND h.id <> (SELECT id FROM delivery WHERE (thread_id, state, id) > (h.thread_id, 'pending', 0)
			AND (thread_id, state, id) <= (h.thread_id, 'pending', h.id) ORDER BY thread_id, state, id LIMIT 1)`

	queryHead = `UPDATE delivery SET due_at = not_before WHERE id = ANY (ARRAY (
		SELECT (SELECT id FROM delivery WHERE (thread_id, state, id) > (t.id, 'pending', 0)
			AND (thread_id, state) <= (t.id, 'pending') ORDER BY thread_id, state, id LIMIT 1)
		FROM unnest(ARRAY (SELECT thread_id FROM delivery WHERE id = ANY ($1))) AS t(id)
		WHERE (SELECT true FROM delivery WHERE (thread_id, state, id) > (t.id, 'pending', 0)
			AND (thread_id, state) <= (t.id, 'pending') AND due_at IS NOT NULL ORDER BY thread_id, state, id LIMIT 1) IS NULL))`
)

// turn queues what makes the oldest pending delivery of each thread its head,
// the one that may be claimed, unless the head is leased: then its Settle will
// see to it. The threads are those of the given deliveries, and locked.
func turn(b *pgx.Batch, deliveries []int64) {
	b.Queue(queryUnhead, deliveries)
	b.Queue(queryHead, deliveries)
}
