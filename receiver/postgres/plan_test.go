package postgres

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Plans of what runs while others wait go by these indexes and no other, and
// scan nothing, whatever the planner believes of the tables: it keeps a plan
// that it made while they were empty.
func TestQueriesUseTheirIndexes(t *testing.T) {
	t.Parallel()
	st := newStorage(t, need(t))
	s := st.open(t, Options{})
	defer closeStore(t, s)
	const keep, anew = "force_generic_plan", "force_custom_plan"
	checkPlans(t, s, anew) // of tables that were never looked at
	var analyze []string
	for _, table := range []string{"notification", "thread", "delivery", "attempt", "quarantine"} {
		analyze = append(analyze, "VACUUM ANALYZE "+st.schema+"."+table)
	}
	if err := st.exec(analyze...); err != nil {
		t.Fatal(err)
	}
	newFeed().putAll(t, s, 3000)
	checkPlans(t, s, anew) // of tables that were seen empty, and have filled
	for range 2 {
		jobs := mustClaim(t, s, 1500)
		inParallel(16, len(jobs), func(i int) {
			if err := s.Settle(t.Context(), delivered(jobs[i])); err != nil {
				t.Error(err)
			}
		})
		if err := st.exec(analyze...); err != nil {
			t.Fatal(err)
		}
		checkPlans(t, s, keep) // of tables that were seen with much pending, and with nothing
		checkPlans(t, s, anew)
	}
}

func (f *feed) putAll(tb testing.TB, s *Store, n int) {
	tb.Helper()
	inParallel(16, n, func(i int) { f.put(tb, s, i) })
}

func checkPlans(t *testing.T, s *Store, mode string) {
	t.Helper()
	for _, c := range []struct {
		query string
		want  string // indexes, in the plan's order
	}{
		{queryMakeThreads, "thread_key_key"},
		{queryLockThreads, "thread_key_key"},
		{queryReadThreads, "delivery_thread thread_key_key"},
		{querySaveThreads, "thread_pkey"},
		{queryLook, "delivery_due delivery_lease"},
		{queryClaim, "delivery_due delivery_pkey thread_pkey notification_pkey"},
		{queryLapsed, "delivery_lease thread_pkey"},
		{queryRelease, "delivery_head"},
		{queryLock, "delivery_pkey thread_pkey"},
		{queryUnhead, "delivery_pkey delivery_thread delivery_head"},
		{queryHead, "delivery_thread delivery_pkey delivery_thread delivery_pkey"},
		{querySettle, "delivery_pkey attempt_pkey attempt_pkey thread_pkey"},
		{queryNewest, "delivery_state"},
		{queryChannels, "delivery_state"}, // EXPLAIN does not show the second,
		{queryPending, "delivery_state"},
		{queryDead, "delivery_state"},
		{queryOldest, "delivery_state delivery_pkey"},
		{queryOldNotifications, "notification_received delivery_notification"},
		{queryLockNotifications, "delivery_notification thread_pkey"},
		{queryDeleteNotifications, "notification_pkey delivery_notification"},
		{queryThreads, "thread_pkey"},
		{queryOldThreads, "thread_pkey delivery_thread"},
		{queryDeleteThreads, "thread_pkey delivery_thread"},
	} {
		plan := s.plan(t, mode, c.query)
		if got := sorted(indexes(plan)); got != sorted(strings.Fields(c.want)) {
			t.Errorf("%s: %s\nplan:\n%s\nindexes %s\nwant    %s", mode, c.query, plan, got, c.want)
		}
		if strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s\nscans:\n%s", c.query, plan)
		}
	}
}

// indexes lists those that a plan uses with a condition, or in their order.
func indexes(plan string) (names []string) {
	for line := range strings.Lines(plan) {
		if _, after, ok := strings.Cut(line, " using "); ok {
			names = append(names, strings.Fields(after)[0])
		} else if _, after, ok := strings.Cut(line, "Bitmap Index Scan on "); ok {
			names = append(names, strings.Fields(after)[0])
		}
	}
	return names
}

func sorted(names []string) string {
	slices.Sort(names)
	return strings.Join(names, " ")
}

// examples are parameters, by the oid of their type.
func examples() map[uint32]string {
	return map[uint32]string{
		pgtype.Int8OID: `1`, pgtype.TextOID: `'x'`, pgtype.ByteaArrayOID: `'{a,b}'`, pgtype.BoolArrayOID: `'{t,f}'`,
		pgtype.Int8ArrayOID: `'{1,2}'`, pgtype.TextArrayOID: `'{a,b}'`,
	}
}

func (s *Store) plan(tb testing.TB, mode, query string) string {
	tb.Helper()
	c, err := s.pool.Acquire(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Release()
	prepared, err := c.Conn().Prepare(tb.Context(), "planned", query)
	if err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	var args []string
	for _, oid := range prepared.ParamOIDs {
		args = append(args, examples()[oid])
	}
	list := ""
	if len(args) > 0 {
		list = "(" + strings.Join(args, ", ") + ")"
	}
	if _, err := c.Exec(tb.Context(), `SET plan_cache_mode = `+mode); err != nil {
		tb.Fatal(err)
	}
	rows, err := c.Query(tb.Context(), `EXPLAIN (COSTS OFF) EXECUTE planned`+list, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	if err := c.Conn().Deallocate(tb.Context(), "planned"); err != nil {
		tb.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
