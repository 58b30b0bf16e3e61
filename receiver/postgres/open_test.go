package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/bongsu/bongsu/receiver"
)

const password = "봉수-s3cret%21"

// refused opens dsn and wants an error with all of want, and no password.
func refused(t *testing.T, dsn string, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := Open(ctx, dsn, Options{})
	if err == nil {
		closeStore(t, s)
		t.Fatalf("Open went through, want %q", want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("Open: %v\nwant: %s", err, w)
		}
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, text := range []string{e.Error(), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e)} {
			if strings.Contains(text, "s3cret") {
				t.Errorf("the password is in %s", text)
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	st := newStorage(t, need(t))
	tests := []struct {
		name, dsn string
		want      []string
	}{
		{"a port that is none", "postgres://bongsu:" + password + "@127.0.0.1:x/y", []string{"no PostgreSQL URL"}},
		{"a URL that is none", "postgres://bongsu:s3cret@[", []string{"no PostgreSQL URL"}},
		{"words that are none", "host=x password=" + password + " sslmode=봉수", []string{"no PostgreSQL URL"}},
		{"several schemas", st.dsn("a,b", ""), []string{`search_path "a,b" names no single schema`}},
		{"a schema that would need quotes", st.dsn("a%22b", ""), []string{"names no single schema"}},
		{"a server that is not there", "postgres://bongsu:s3cret@127.0.0.1:1/y?sslmode=disable", []string{"outbox 127.0.0.1:1/y/bongsu: ", "refused"}},
		{"a database that is not there", "postgres://bongsu:s3cret@127.0.0.1:" + st.port + "/없다?sslmode=disable", []string{"없다", "does not exist"}},
		{"synchronous_commit off", st.dsn(st.schema, "&options=-c%20synchronous_commit%3Doff"), []string{"synchronous_commit is off", "set it to on"}},
		{"synchronous_commit local", st.dsn(st.schema, "&synchronous_commit=local"), []string{"synchronous_commit is local", "set it to on"}},
		{"a server that only reads", st.dsn(st.schema, "&default_transaction_read_only=on"), []string{"read only"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			refused(t, tt.dsn, tt.want...)
		})
	}
}

func TestOpenRefusesServers(t *testing.T) {
	t.Parallel()
	server := own(t)
	st := newStorage(t, server)
	if err := server.exec(
		`CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0`,
		`CREATE ROLE guarded LOGIN PASSWORD 's3cret'`,
		`CREATE ROLE stranger LOGIN`,
	); err != nil {
		t.Fatal(err)
	}
	refused(t, "postgres://bongsu@127.0.0.1:"+st.port+"/ascii?sslmode=disable", "encoding is SQL_ASCII", "CREATE DATABASE")
	refused(t, "postgres://stranger:s3cret@127.0.0.1:"+st.port+"/postgres?sslmode=disable", "permission denied for database postgres")
	if err := server.exec(`ALTER SYSTEM SET fsync = off`, `SELECT pg_reload_conf()`); err != nil {
		t.Fatal(err)
	}
	if err := poll(func() error {
		_, err := Open(t.Context(), st.dsn(st.schema, ""), Options{})
		if err == nil || !strings.Contains(err.Error(), "fsync is off") || !strings.Contains(err.Error(), "postgresql.conf") {
			return fmt.Errorf("Open = %w", err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestOpenRefusesSchemas(t *testing.T) {
	t.Parallel()
	st := newStorage(t, need(t))
	if _, err := OpenShared(t.Context(), st.dsn(st.schema, ""), Options{}); err == nil || !strings.Contains(err.Error(), "there is no outbox in it") {
		t.Errorf("OpenShared of nothing: %v", err)
	}
	closeStore(t, st.open(t, Options{}))
	if err := st.exec(`UPDATE ` + st.schema + `.bongsu_outbox SET version = 99`); err != nil {
		t.Fatal(err)
	}
	refused(t, st.dsn(st.schema, ""), "its schema is version 99, and this program knows up to 1: use a newer one")
	if _, err := OpenShared(t.Context(), st.dsn(st.schema, ""), Options{}); err == nil || !strings.Contains(err.Error(), "its schema is version 99") {
		t.Errorf("OpenShared of a newer one: %v", err)
	}
	if err := st.exec(`DELETE FROM ` + st.schema + `.bongsu_outbox`); err != nil {
		t.Fatal(err)
	}
	refused(t, st.dsn(st.schema, ""), "bongsu_outbox is empty")
}

// A step that fails leaves nothing behind, and the next start does it again.
func TestFailedMigrationLeavesNothing(t *testing.T) {
	t.Parallel()
	st := newStorage(t, need(t))
	conf, err := parse(st.dsn(st.schema, ""))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := conf.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closeConn(conn)
	if _, err := conn.Exec(t.Context(), `SET search_path = `+st.schema); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		have, err := step(t.Context(), conn, st.schema, []string{`CREATE TABLE half (id int); CREATE TABLE half (id int);`})
		if err == nil || have != 0 {
			t.Fatalf("a bad step: version %d, %v", have, err)
		}
	}
	if got := st.texts(t, `SELECT nspname::text FROM pg_namespace WHERE nspname = '`+st.schema+`'`); len(got) != 0 {
		t.Errorf("a bad step left %v", got)
	}
	closeStore(t, st.open(t, Options{}))
}

// A role that may not make schemas works in one that was made for it.
func TestOpenWithFewRights(t *testing.T) {
	t.Parallel()
	server := own(t)
	if err := server.exec(`CREATE ROLE app LOGIN`, `CREATE SCHEMA mine AUTHORIZATION app`); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), "host=127.0.0.1 port="+server.port+" user=app dbname=postgres sslmode=disable search_path=mine", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	mustPut(t, s, "가게", 1)
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	st := newStorage(t, need(t))
	registry := prometheus.NewRegistry()
	for range 2 { // a store that is closed takes its metrics back
		s := st.open(t, Options{Registerer: registry})
		problems, err := testutil.GatherAndLint(registry)
		if err != nil || len(problems) > 0 {
			t.Errorf("lint: %v, %v", problems, err)
		}
		if got := s.listening(); got != 1 {
			t.Errorf("listening %v, want 1", got)
		}
		if n, err := testutil.GatherAndCount(registry); n != 6 || err != nil {
			t.Errorf("%d metrics, %v, want 6", n, err)
		}
		if _, err := Open(t.Context(), st.dsn(st.schema, ""), Options{Registerer: registry}); err == nil {
			t.Error("two stores share a registry")
		}
		closeStore(t, s)
	}
}

// What PostgreSQL does not take as text is put all the same, or it would be
// sent again for ever.
func TestTextThatPostgreSQLRefuses(t *testing.T) {
	t.Parallel()
	s := newStorage(t, need(t)).open(t, Options{})
	defer closeStore(t, s)
	const bad, good = "봉\x00수\xff", "봉\uFFFD수\uFFFD"
	n := receiver.Notification{ReceivedAt: start, Receiver: bad, GroupKey: bad, Raw: []byte(bad)}
	_, err := s.Put(t.Context(), &n, []receiver.Routed{{
		Thread: receiver.ThreadKey{Receiver: bad, GroupKey: bad, Channel: "mail", To: bad},
		Alerts: []receiver.AlertState{{Fingerprint: bad, Status: receiver.Firing}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	j := mustClaim(t, s, 1)[0]
	if j.Thread.To != good || string(j.Notification.Raw) != bad {
		t.Errorf("to %q, body %q", j.Thread.To, j.Notification.Raw)
	}
	st := delivered(j)
	st.Outcome, st.Error = receiver.OutcomeRetry, bad
	if err := s.Settle(t.Context(), st); err != nil {
		t.Error(err)
	}
	if err := s.Quarantine(t.Context(), receiver.Quarantined{From: bad, Receiver: bad, Reason: bad, Raw: []byte(bad)}); err != nil {
		t.Error(err)
	}
}

// A group key may be longer than a row of an index.
func TestLongGroupKey(t *testing.T) {
	t.Parallel()
	s := newStorage(t, need(t)).open(t, Options{})
	defer closeStore(t, s)
	var long strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&long, "가게%d,", i)
	}
	mustPut(t, s, long.String(), 1)
	if v, err := put(t.Context(), s, long.String(), 1); v != receiver.Duplicate || err != nil {
		t.Errorf("Put again = %q, %v", v, err)
	}
	mustPut(t, s, long.String()+"!", 1)
}
