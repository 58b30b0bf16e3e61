package postgres

import (
	"os"
	"syscall"
)

// notRoot lets a server that refuses to run as root see itself as somebody
// else, by a user namespace of its own. It dies with the tests.
func notRoot() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() == 0 {
		one := []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}}
		a.Cloneflags, a.UidMappings, a.GidMappings = syscall.CLONE_NEWUSER, one, one
	}
	return a
}
