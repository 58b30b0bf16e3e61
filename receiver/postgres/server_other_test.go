//go:build !linux

package postgres

import "syscall"

// notRoot leaves the server whom it is.
func notRoot() *syscall.SysProcAttr { return nil }
