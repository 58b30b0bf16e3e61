package exporter

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	g := newGuard()
	for addr, want := range map[string]bool{
		"127.0.0.1": true, "::1": true, "10.0.0.1": true, "192.168.1.1": true, "fd00::1": true, "8.8.8.8": true, "2001:db8::1": true,
		"169.254.169.254": false, "169.254.0.1": false, "::ffff:169.254.169.254": false, "64:ff9b::a9fe:a9fe": false,
		"fe80::1": false, "fe80::1%eth0": false, "fd00:ec2::254": false, "100.100.100.200": false, "168.63.129.16": false,
		"192.0.0.192": false, "fd20:ce::254": false, "224.0.0.1": false, "ff02::1": false,
	} {
		if err := g.check(netip.MustParseAddr(addr)); (err == nil) != want {
			t.Errorf("%s: %v, want allowed %v", addr, err, want)
		}
	}
}

// TestGuardDials checks the hook where it counts: after a name was resolved.
func TestGuardDials(t *testing.T) {
	t.Parallel()
	d := newGuard().dialer()
	d.Resolver = &net.Resolver{PreferGo: true}
	_, err := d.DialContext(t.Context(), "tcp", "169.254.169.254:80")
	if _, ok := errors.AsType[*forbiddenError](err); !ok {
		t.Errorf("got %v, want a refusal", err)
	}
}
