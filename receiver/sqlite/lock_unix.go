//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// lock keeps a second receiver away from a store. It is a file of its own, for
// closing any descriptor of the database itself would drop SQLite's locks on
// it. The kernel lets go of it when the process dies, however it dies; the
// file stays.
type lock struct{ file *os.File }

func acquire(path string) (*lock, error) {
	name := path + ".lock"
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock file %s: %w", name, reason(err))
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		holder := make([]byte, 32)
		n, _ := f.Read(holder)
		return nil, errors.Join(fmt.Errorf("in use by process %s", strings.TrimSpace(string(holder[:n]))), f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock file %s: %w", name, err), f.Close())
	}
	if err := f.Truncate(0); err == nil {
		fmt.Fprintln(f, os.Getpid()) // for the message above only
	}
	return &lock{f}, nil
}

func (l *lock) release() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}
