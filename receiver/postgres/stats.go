package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bongsu/bongsu/receiver"
)

const (
	queryPending = `SELECT channel, count(*) FROM delivery WHERE state = 'pending' GROUP BY channel`
	queryDead    = `SELECT channel, count(*) FROM delivery
		WHERE state = 'dead' AND cause <> '` + string(receiver.CauseDiscarded) + `' GROUP BY channel`
	queryOldest = `SELECT created_at FROM delivery WHERE id =
		(SELECT id FROM delivery WHERE (state, channel, id) > ('pending', $1, 0) ORDER BY state, channel, id LIMIT 1)`
)

// Stats implements receiver.Ledger. What it counts is not delivered yet, or
// dead, so it costs by the backlog and not by the history.
func (s *Store) Stats(ctx context.Context, now time.Time) (receiver.Stats, error) {
	st := receiver.Stats{Pending: map[string]int{}, Dead: map[string]int{}, OldestPending: map[string]time.Duration{}}
	err := s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if err := byChannel(ctx, tx, st.Pending, queryPending); err != nil {
			return err
		}
		if err := byChannel(ctx, tx, st.Dead, queryDead); err != nil {
			return err
		}
		if err := oldest(ctx, tx, now, st); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT count(*) FROM quarantine`).Scan(&st.Quarantined)
	})
	return st, err
}

func byChannel(ctx context.Context, tx pgx.Tx, into map[string]int, query string) error {
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return err
	}
	var (
		channel string
		n       int
	)
	_, err = pgx.ForEachRow(rows, []any{&channel, &n}, func() error {
		into[channel] = n
		return nil
	})
	return err
}

// oldest looks at the first pending delivery of each channel: ids grow with
// time, but for those that are committed at the same moment.
func oldest(ctx context.Context, tx pgx.Tx, now time.Time, st receiver.Stats) error {
	for channel := range st.Pending {
		var created int64
		if err := tx.QueryRow(ctx, queryOldest, channel).Scan(&created); err != nil {
			return err
		}
		st.OldestPending[channel] = max(0, now.Sub(fromMillis(created)))
	}
	return nil
}
