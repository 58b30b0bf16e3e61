package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bongsu/bongsu/deploy"
)

// TestRefusals are command lines that are refused before anything starts.
func TestRefusals(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct{ args, want string }{
		{"up --bogus", "--bogus"},
		{"up --once some", "--once is the demo's, and takes no DIR"},
		{"up --web.config.file=web.yml", "--web.config.file needs a DIR"},
		{"up no-such-directory", `"bongsu init no-such-directory"`},
		{"up --demo.listen-address=" + taken.Addr().String(), "--demo.listen-address=" + taken.Addr().String()},
		{"up --prometheus.listen-address=nowhere", "--prometheus.listen-address=nowhere"},
	} {
		var out bytes.Buffer
		err := run(t.Context(), &out, strings.Fields(c.args))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.args, err, c.want)
		}
	}
}

// TestUp runs demo and directory until their context ends, as a signal does, which is no error.
func TestUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := deploy.Init(&bytes.Buffer{}, dir); err != nil {
		t.Fatal(err)
	}
	free := " --log.level=error --exporter.listen-address=127.0.0.1:0 --receiver.listen-address=127.0.0.1:0 --prometheus.listen-address=127.0.0.1:0 --alertmanager.listen-address=127.0.0.1:0"
	for _, c := range []struct{ args, want string }{
		{"up --demo.listen-address=127.0.0.1:0" + free, "demo inbox        http://127.0.0.1:"},
		{"up " + dir + free, "status page       http://127.0.0.1:"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		out := &until{word: "What to try next", found: cancel}
		if err := run(ctx, out, strings.Fields(c.args)); err != nil {
			t.Errorf("%s: %v", c.args, err)
		}
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: got\n%s\nwant %s", c.args, out.String(), c.want)
		}
		cancel()
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "bongsu.db")); err != nil {
		t.Error(err)
	}
}

// until calls found when the word has been written.
type until struct {
	bytes.Buffer
	word  string
	found func()
}

func (u *until) Write(p []byte) (int, error) {
	n, err := u.Buffer.Write(p)
	if strings.Contains(u.String(), u.word) {
		u.found()
	}
	return n, err
}
