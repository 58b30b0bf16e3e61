package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// Address is where a part is to listen.
type Address struct {
	HostPort string
	// Movable: when it is in use, a free port of the same host is as good.
	Movable bool
}

// Move tells of a part whose address was in use.
type Move struct {
	Part     Part
	From, To string
}

// String says it as the user should read it.
func (m Move) String() string {
	return fmt.Sprintf("%s is in use: %s listens on %s instead (--%s.listen-address says where)", m.From, m.Part, m.To, m.Part)
}

// Listen opens the port of p, or, when that is in use and may be left, another one, of which the Move tells.
func Listen(ctx context.Context, p Part, a Address) (l net.Listener, m *Move, err error) {
	m, err = place(p, a, func(addr string) (string, error) {
		if l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", addr); err != nil {
			return "", err
		}
		return l.Addr().String(), nil
	})
	return l, m, err
}

func (s *Stack) listen(ctx context.Context, p Part) (net.Listener, error) {
	l, m, err := Listen(ctx, p, s.opts.Listen[p])
	s.moved(m)
	return l, err
}

func (s *Stack) moved(m *Move) {
	if m != nil {
		s.moves = append(s.moves, *m)
	}
}

// place opens a part at its address, or, if that is in use and may be left, at a free one. An address that can't be had is an error that
// names the flag, whatever flag the part itself speaks of.
func place(p Part, a Address, open func(addr string) (string, error)) (m *Move, err error) {
	_, err = open(a.HostPort)
	if a.Movable && errors.Is(err, syscall.EADDRINUSE) {
		host, _, _ := net.SplitHostPort(a.HostPort) // it was just listened on
		var got string
		got, err = open(net.JoinHostPort(host, "0"))
		m = &Move{p, a.HostPort, got}
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "listen" {
		return nil, fmt.Errorf("--%s.listen-address=%s: %w", p, a.HostPort, op)
	}
	return m, err
}
