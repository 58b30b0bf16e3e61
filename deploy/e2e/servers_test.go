//go:build e2e

package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
)

// find returns a server's program: the machine's own, or the one that
// .ci/servers unpacked.
func find(t *testing.T, names ...string) string {
	t.Helper()
	unpacked := unpackedDir()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
		for _, dir := range []string{"/usr/bin", "/usr/sbin", "/usr/lib/postgresql/*/bin"} {
			for _, root := range []string{"", unpacked} {
				if hits, _ := filepath.Glob(filepath.Join(root, dir, name)); len(hits) > 0 {
					return hits[len(hits)-1]
				}
			}
		}
	}
	t.Fatalf("%s is not on this machine: run make servers", names[0])
	return ""
}

func unpackedDir() string {
	if dir := os.Getenv("BONGSU_SERVERS"); dir != "" {
		return dir
	}
	dir, _ := filepath.Abs("../../.cache/debian")
	return dir
}

// server prepares a program that may need libraries that were unpacked with it.
func server(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	lib := filepath.Join(unpackedDir(), "usr/lib/x86_64-linux-gnu")
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+lib, "LC_ALL=C.UTF-8", "TZ=UTC")
	return cmd
}

// withShare is server for a program that reads its own files below /usr/share,
// as Debian's Alertmanager does its templates. Unpacked ones are laid over the
// machine's, for that process alone.
func withShare(path string, args ...string) *exec.Cmd {
	share := filepath.Join(unpackedDir(), "usr/share")
	if !strings.HasPrefix(path, unpackedDir()) {
		return server(path, args...)
	}
	const lay = `mount -t overlay -o lowerdir="$0":/usr/share none /usr/share && exec "$@"`
	return server("/usr/bin/unshare", append([]string{"--map-root-user", "--mount", "sh", "-c", lay, share, path}, args...)...)
}

// notRoot lets a server that refuses to run as root see itself as somebody
// else, by a user namespace of its own.
func notRoot(cmd *exec.Cmd) *exec.Cmd {
	if os.Geteuid() != 0 {
		return cmd
	}
	one := []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: one, GidMappings: one}
	return cmd
}

// postgres is a PostgreSQL server with data of its own, which can be stopped
// and started again.
type postgres struct {
	dir, port string
	process   *process
}

func newPostgres(t *testing.T) *postgres {
	t.Helper()
	p := &postgres{dir: filepath.Join(t.TempDir(), "pg"), port: freePort(t)}
	cmd := notRoot(server(find(t, "initdb"), "-D", p.dir, "-U", "bongsu", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
	p.start(t)
	return p
}

func (p *postgres) dsn() string {
	return "postgres://bongsu@127.0.0.1:" + p.port + "/postgres?sslmode=disable"
}

func (p *postgres) start(t *testing.T) {
	t.Helper()
	p.process = start(t, notRoot(server(find(t, "postgres"), "-D", p.dir, "-h", "127.0.0.1", "-p", p.port, "-k", p.dir)))
	awaitSQL(t, p.process, "pgx", p.dsn())
}

// stop is the fast shutdown: connections are cut.
func (p *postgres) stop() { p.process.kill(syscall.SIGINT) }

// newMariaDB starts a MariaDB server with data of its own and returns its DSN.
func newMariaDB(t *testing.T) string {
	t.Helper()
	program := find(t, "mariadbd")
	dir := filepath.Join(t.TempDir(), "mariadb")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	share := filepath.Join(filepath.Dir(filepath.Dir(program)), "share/mysql")
	base := []string{
		"--no-defaults", "--datadir=" + dir, "--lc-messages-dir=" + share, "--character-sets-dir=" + filepath.Join(share, "charsets"),
		"--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=8M", "--user=root",
	}
	boot := server(program, append(base, "--bootstrap")...)
	boot.Stdin = strings.NewReader(systemTables(t, share))
	if out, err := boot.CombinedOutput(); err != nil {
		t.Fatalf("mariadbd --bootstrap: %v: %s", err, out)
	}
	port := freePort(t)
	p := start(t, server(program, append(base, "--bind-address=127.0.0.1", "--port="+port, "--socket="+filepath.Join(dir, "s"))...))
	dsn := "bongsu:bongsu@tcp(127.0.0.1:" + port + ")/mysql"
	awaitSQL(t, p, "mysql", dsn)
	return dsn
}

// systemTables is what mariadb-install-db feeds to the server, and one user.
func systemTables(t *testing.T, share string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n")
	for _, name := range []string{"mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"} {
		text, err := os.ReadFile(filepath.Join(share, name))
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	b.WriteString("\nFLUSH PRIVILEGES;\nCREATE USER bongsu@'127.0.0.1' IDENTIFIED BY 'bongsu';\nGRANT ALL ON *.* TO bongsu@'127.0.0.1';\n")
	return b.String()
}

func awaitSQL(t *testing.T, p *process, driver, dsn string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	eventually(t, driver+" server answers", func() error {
		if p.ended() {
			t.Fatalf("%s ended: %s", p.name, p.tail(20))
		}
		return db.PingContext(t.Context())
	})
}

// prometheus starts Debian's Prometheus, the oldest that is supported, on a
// directory that holds prometheus.yml, and returns its address.
func newPrometheus(t *testing.T, dir string) string {
	t.Helper()
	addr := "127.0.0.1:" + freePort(t)
	p := start(t, server(find(t, "prometheus"),
		"--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "prometheus"),
		"--web.listen-address="+addr, "--web.enable-lifecycle"))
	p.awaitHTTP(t, "http://"+addr+"/-/ready")
	t.Cleanup(func() {
		if t.Failed() {
			targets, err := get(context.Background(), "http://"+addr+"/api/v1/targets?state=active")
			t.Logf("Prometheus's targets: %s %v", targets, err)
		}
	})
	return addr
}

// newAlertmanager starts Debian's Alertmanager on addr with a directory that
// holds alertmanager.yml.
func newAlertmanager(t *testing.T, dir, addr string) *process {
	t.Helper()
	return startAlertmanager(t, dir, addr, "--cluster.listen-address=")
}

func startAlertmanager(t *testing.T, dir, addr string, cluster ...string) *process {
	t.Helper()
	args := append(cluster, "--config.file="+filepath.Join(dir, "alertmanager.yml"),
		"--storage.path="+filepath.Join(dir, "alertmanager"), "--web.listen-address="+addr)
	p := start(t, withShare(find(t, "prometheus-alertmanager", "alertmanager"), args...))
	p.awaitHTTP(t, "http://"+addr+"/-/ready")
	return p
}

// bongsu returns the built program, as make build leaves it.
func bongsu(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := filepath.Abs("../../bongsu")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		t.Fatal("bongsu is not built: run make build")
	}
	return exec.Command(path, args...)
}

func url(addr, path string) string { return fmt.Sprintf("http://%s%s", addr, path) }
