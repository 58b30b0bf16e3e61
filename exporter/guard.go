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
type forbiddenError struct{ msg string }

func (e *forbiddenError) Error() string { return e.msg }

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
type guard struct {
	forbidden []netip.Prefix
	// allow is what a module's targets may be.
	allow *allowList
	// token is the host and port of the module's OAuth2 server, which is no
	// target.
	token string
}

func newGuard() *guard { return &guard{forbidden: forbiddenNets()} }

// of returns the guard with what a module may ask.
func (g *guard) of(m *Module) *guard {
	own := &guard{forbidden: g.forbidden, allow: m.allow}
	if o := m.http.Client.OAuth2; o != nil {
		if u, err := url.Parse(o.TokenURL); err == nil {
			own.token = net.JoinHostPort(u.Hostname(), port(u))
		}
	}
	return own
}

func (g *guard) check(addr netip.Addr) error {
	addr = addr.WithZone("").Unmap()
	// NAT64 (RFC 6052) carries an IPv4 address in its last four bytes.
	if nat64 := netip.MustParsePrefix("64:ff9b::/96"); nat64.Contains(addr) {
		b := addr.As16()
		addr = netip.AddrFrom4([4]byte(b[12:]))
	}
	for _, p := range g.forbidden {
		if p.Contains(addr) {
			return &forbiddenError{fmt.Sprintf("%s is never asked: link-local, cloud metadata or multicast", addr)}
		}
	}
	return nil
}

// checkURL refuses addresses written out in a URL, and hosts that are not
// among the module's targets. It is what holds when a proxy does the dialling.
func (g *guard) checkURL(u *url.URL) error {
	if err := g.allow.checkURL(u); err != nil {
		return err
	}
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
	if err := g.check(ap.Addr()); err != nil {
		return err
	}
	return g.allow.checkAddr(ap.Addr())
}

func (g *guard) dialer() *net.Dialer {
	return &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second, ControlContext: g.control}
}

// dial connects to what may be asked, or to the server that gives out tokens.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if address == g.token {
		g = &guard{forbidden: g.forbidden}
	}
	return g.dialer().DialContext(ctx, network, address)
}
