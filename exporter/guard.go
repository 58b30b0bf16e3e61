package exporter

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// forbiddenError is an address that is never asked.
type forbiddenError struct{ addr netip.Addr }

func (e *forbiddenError) Error() string {
	return fmt.Sprintf("%s is never asked: link-local, cloud metadata or multicast", e.addr)
}

// forbiddenNets are the addresses that no probe may reach, whatever a target
// says: link-local ones, at which clouds serve credentials to whoever asks from
// inside, the other places where clouds do that, and multicast. Loopback and
// private networks stay open: that is where people's services live.
func forbiddenNets() []netip.Prefix {
	var nets []netip.Prefix
	for _, s := range []string{
		"169.254.0.0/16", "fe80::/10", // link-local: AWS, Azure, Google, Oracle and others
		"fd00:ec2::254/128",  // AWS
		"fd20:ce::254/128",   // Google
		"100.100.100.200/32", // Alibaba
		"168.63.129.16/32",   // Azure's platform
		"192.0.0.192/32",     // Oracle
		"224.0.0.0/4", "ff00::/8",
	} {
		nets = append(nets, netip.MustParsePrefix(s))
	}
	return nets
}

// guard decides which addresses may be dialled. It is asked with the address
// that the name was resolved to, at each connection, so that neither DNS nor a
// redirect leads around it.
type guard struct{ forbidden []netip.Prefix }

func newGuard() *guard { return &guard{forbidden: forbiddenNets()} }

func (g *guard) check(addr netip.Addr) error {
	addr = addr.WithZone("").Unmap()
	// NAT64 (RFC 6052) carries an IPv4 address in its last four bytes.
	if nat64 := netip.MustParsePrefix("64:ff9b::/96"); nat64.Contains(addr) {
		b := addr.As16()
		addr = netip.AddrFrom4([4]byte(b[12:]))
	}
	for _, p := range g.forbidden {
		if p.Contains(addr) {
			return &forbiddenError{addr}
		}
	}
	return nil
}

// checkURL refuses addresses written out in a URL. It is what holds when a
// proxy does the dialling.
func (g *guard) checkURL(u *url.URL) error {
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return nil // a name: checked when it is dialled
	}
	return g.check(addr)
}

// control is net.Dialer.ControlContext: it runs between resolving and
// connecting.
func (g *guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("not an address: %w", err)
	}
	return g.check(ap.Addr())
}

func (g *guard) dialer() *net.Dialer {
	return &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second, ControlContext: g.control}
}
