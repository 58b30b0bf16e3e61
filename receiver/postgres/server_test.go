package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

// shared is the server that all tests use, each in a schema of its own, but for
// those that stop one. It is empty where the machine has none.
var shared *server

func TestMain(m *testing.M) {
	childMain() // does not return in a child of the crash test
	dir, err := os.MkdirTemp("", "bongsu-postgres")
	if err == nil {
		shared, err = newServer(dir)
	}
	if err != nil && !errors.Is(err, errNoServer) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if shared != nil {
			shared.stop(syscall.SIGINT)
		}
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

var errNoServer = errors.New("PostgreSQL's initdb is not on this machine: run make servers")

// server is a PostgreSQL server with data of its own.
type server struct {
	bin, dir, port string
	cmd            *exec.Cmd
}

// program finds a server's program: the machine's, or one that was unpacked.
func program(name string) (string, error) {
	unpacked := os.Getenv("BONGSU_SERVERS")
	if unpacked == "" {
		unpacked = "../../.cache/debian"
	}
	for _, root := range []string{"/", unpacked} {
		hits, err := filepath.Glob(filepath.Join(root, "usr/lib/postgresql/*/bin", name))
		if err == nil && len(hits) > 0 {
			return filepath.Abs(hits[len(hits)-1])
		}
	}
	return "", errNoServer
}

func newServer(dir string) (*server, error) {
	initdb, err := program("initdb")
	if err != nil {
		return nil, err
	}
	s := &server{bin: filepath.Dir(initdb), dir: filepath.Join(dir, "data")}
	if s.port, err = freePort(); err != nil {
		return nil, err
	}
	cmd := s.command("initdb", "-D", s.dir, "-U", "bongsu", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	return s, s.start()
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

func (s *server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	lib := filepath.Join(s.bin, "../../../x86_64-linux-gnu") // of unpacked ones
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+lib, "LC_ALL=C.UTF-8", "TZ=UTC")
	cmd.SysProcAttr = notRoot()
	return cmd
}

func (s *server) start() error {
	log, err := os.OpenFile(s.dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = s.command("postgres", "-D", s.dir, "-h", "127.0.0.1", "-p", s.port, "-k", "",
		"-c", "max_connections=200", "-c", "shared_buffers=64MB", "-c", "max_wal_size=512MB")
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	err = poll(func() error { return s.exec(`SELECT 1`) })
	if err != nil {
		text, _ := os.ReadFile(s.dir + ".log")
		return fmt.Errorf("postgres: %w: %s", err, text)
	}
	return nil
}

// stop ends the server: by SIGINT, cutting its connections; by SIGQUIT, as in a
// crash.
func (s *server) stop(sig syscall.Signal) {
	_ = s.cmd.Process.Signal(sig)
	_ = s.cmd.Wait()
}

// dsn names a schema in the server, with parameters such as "&a=b".
func (s *server) dsn(schema, more string) string {
	return "postgres://bongsu@127.0.0.1:" + s.port + "/postgres?sslmode=disable&search_path=" + schema + "&application_name=" + schema + more
}

// exec runs statements on a connection of its own, outside any transaction.
func (s *server) exec(queries ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.dsn("public", ""))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, q := range queries {
		if _, err := conn.Exec(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	return nil
}

// poll asks until f has nothing to complain of, or half a minute is over.
func poll(f func() error) error {
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-deadline:
			return err
		}
	}
}

// need returns the shared server, or ends the test: where there is none, it is
// skipped, but not in CI.
func need(tb testing.TB) *server {
	tb.Helper()
	if shared == nil && os.Getenv("CI") != "" {
		tb.Fatal(errNoServer)
	}
	if shared == nil {
		tb.Skip(errNoServer)
	}
	return shared
}

// own starts a server for one test.
func own(tb testing.TB) *server {
	tb.Helper()
	need(tb)
	s, err := newServer(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.stop(syscall.SIGINT) })
	return s
}

// storage is one schema in a server.
type storage struct {
	*server
	schema string
	filled *bool // with rows that were never put
}

// newStorage names a schema that is not there yet, and checks it at the end.
func newStorage(tb testing.TB, s *server) storage {
	tb.Helper()
	st := storage{s, "t_" + strings.ToLower(rand.Text()), new(bool)}
	tb.Cleanup(func() {
		if tb.Failed() {
			return // it stays to be looked at, until the server goes
		}
		if !*st.filled {
			st.intact(tb)
		}
		if err := s.exec(`SET client_min_messages = warning`, `DROP SCHEMA IF EXISTS `+st.schema+` CASCADE`); err != nil {
			tb.Error(err)
		}
	})
	return st
}

func (st storage) open(tb testing.TB, opts Options) *Store {
	tb.Helper()
	s, err := Open(context.Background(), st.dsn(st.schema, ""), opts)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// texts reads a column of text.
func (st storage) texts(tb testing.TB, query string) []string {
	tb.Helper()
	conn, err := pgx.Connect(context.Background(), st.dsn(st.schema, ""))
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(context.Background(), query)
	if err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	return values
}

// intact checks the laws that hold between the rows.
func (st storage) intact(tb testing.TB) {
	tb.Helper()
	if there := st.texts(tb, `SELECT 'x' FROM pg_tables WHERE tablename = 'delivery' AND schemaname = '`+st.schema+`'`); len(there) == 0 {
		return
	}
	for _, query := range []string{
		// Every thread with something pending has a head, and no other has.
		`SELECT thread_id::text FROM delivery WHERE state = 'pending' GROUP BY thread_id HAVING count(due_at) <> 1`,
		`SELECT id::text FROM delivery WHERE due_at IS NOT NULL AND lease_until = 0 AND due_at <> not_before`,
		// Every attempt is counted.
		`SELECT id::text FROM delivery d WHERE attempt <> (SELECT count(*) FROM attempt WHERE delivery_id = d.id)`,
		`SELECT id::text FROM delivery d WHERE (state = 'delivered') <> EXISTS (SELECT 1 FROM attempt WHERE delivery_id = d.id AND outcome = 'delivered')`,
	} {
		if got := st.texts(tb, query); len(got) > 0 {
			tb.Errorf("%s: %d rows, such as %s", query, len(got), got[0])
		}
	}
}

func closeStore(tb testing.TB, s *Store) {
	tb.Helper()
	if err := s.Close(); err != nil {
		tb.Error(err)
	}
}
