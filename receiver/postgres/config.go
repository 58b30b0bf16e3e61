package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// defaultSchema holds the tables where the DSN does not name another.
const defaultSchema = "bongsu"

// poolSize is how many connections one store keeps at most, where the DSN does
// not say pool_max_conns: two lanes, and the rest for claims and readers. One
// more listens.
const poolSize = 8

// config is a DSN as it was understood.
type config struct {
	pool   *pgxpool.Config
	schema string
	name   string // host:port/database/schema
}

// A connection keeps its plans if each table had so many rows when the server
// looked last, and is asked again after connLifetime, by being a new one.
const (
	knownRows    = 1000
	connLifetime = 5 * time.Minute
)

var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// parse reads a DSN. Its errors are our own: pgx's carry the DSN, whose
// password it can't always tell from the rest.
func parse(dsn string) (*config, error) {
	pool, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("its address is no PostgreSQL URL such as postgres://user@host:5432/database?sslmode=verify-full, " +
			"or a parameter or a file that it names is wrong (it is not shown, for it may hold a password)")
	}
	c := &config{pool: pool, schema: defaultSchema}
	conn := pool.ConnConfig
	if path, ok := conn.RuntimeParams["search_path"]; ok {
		delete(conn.RuntimeParams, "search_path")
		if c.schema = path; !plainName.MatchString(path) {
			return nil, fmt.Errorf("search_path %q names no single schema of a-z, 0-9 and _", path)
		}
	}
	if conn.RuntimeParams["application_name"] == "" {
		conn.RuntimeParams["application_name"] = "bongsu"
	}
	if !strings.Contains(dsn, "pool_max_conns") {
		pool.MaxConns = poolSize
	}
	pool.MaxConnLifetime, pool.MaxConnLifetimeJitter = connLifetime, connLifetime/5
	if conn.ValidateConnect == nil {
		// Of several hosts, the one that can be written to.
		conn.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	c.name = net.JoinHostPort(conn.Host, strconv.Itoa(int(conn.Port))) + "/" + conn.Database + "/" + c.schema
	pool.AfterConnect = c.settle
	return c, nil
}

// connect opens one connection outside the pool.
func (c *config) connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.ConnectConfig(ctx, c.pool.ConnConfig.Copy())
}

// settle makes a connection fit for work, and refuses a server that is not.
// These are set by a statement and not at the start of the session, for
// pgbouncer refuses what it does not know there.
//
// All queries here are served by an index, and by nothing else. Plans are kept,
// which saves a quarter of the work, once the tables were seen with something
// in them: a plan that was made for empty ones would be kept while they fill.
func (c *config) settle(ctx context.Context, conn *pgx.Conn) error {
	if err := verify(ctx, conn); err != nil {
		return err
	}
	_, err := conn.Exec(ctx, `
		SET search_path = "`+c.schema+`";
		SET client_encoding = 'UTF8';
		SET lock_timeout = '5s';
		SET statement_timeout = '30s';
		SET idle_in_transaction_session_timeout = '10s';
		SET enable_seqscan = off;
		SET enable_hashjoin = off;
		SET enable_mergejoin = off;
		SET jit = off`)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `SELECT set_config('plan_cache_mode',
			CASE WHEN min(c.reltuples) >= $2 THEN 'force_generic_plan' ELSE 'force_custom_plan' END, false)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname IN ('notification', 'thread', 'delivery', 'attempt')`, c.schema, knownRows)
	return err
}

// verify checks on what durability hangs. It is asked of each connection: after
// a failover it is another server.
func verify(ctx context.Context, conn *pgx.Conn) error {
	var (
		version                 int
		fsync, commit, encoding string
	)
	err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('fsync'),
		current_setting('synchronous_commit'), current_setting('server_encoding')`).Scan(&version, &fsync, &commit, &encoding)
	switch {
	case err != nil:
		return err
	case version < 13_00_00:
		return fmt.Errorf("the server is PostgreSQL %d.%d: use 13 or newer", version/10000, version%10000)
	case fsync != "on":
		return errors.New("fsync is off, which loses what was accepted in a power cut: set fsync = on in postgresql.conf")
	case commit == "off" || commit == "local":
		return fmt.Errorf("synchronous_commit is %s, which loses what was accepted in a power cut or failover: "+
			"set it to on, in postgresql.conf or by ALTER ROLE ... SET synchronous_commit = on", commit)
	case encoding != "UTF8":
		return fmt.Errorf("the database's encoding is %s: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0", encoding)
	}
	return nil
}
