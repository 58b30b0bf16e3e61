package serve

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"
)

// Memory is a listener without a port: only the handler that its Proxy returns can connect to it. It puts our own mux, with TLS and
// basic auth, before an upstream handler that insists on listeners of its own.
//
// Its methods are safe for concurrent use.
type Memory struct {
	conns     chan net.Conn
	closed    chan struct{}
	close     sync.Once
	transport *http.Transport
}

// NewMemory opens a listener that has no address in the outside world.
func NewMemory() *Memory {
	m := &Memory{conns: make(chan net.Conn), closed: make(chan struct{})}
	m.transport = &http.Transport{
		DialContext:         m.dial,
		DisableCompression:  true, // what the caller accepts is passed through
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     time.Minute,
	}
	return m
}

// Accept implements net.Listener.
func (m *Memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. It also closes connections that wait for a next request.
func (m *Memory) Close() error {
	m.close.Do(func() { close(m.closed) })
	m.transport.CloseIdleConnections()
	return nil
}

// Addr implements net.Listener.
func (m *Memory) Addr() net.Addr { return memoryAddr{} }

// Proxy returns a handler that hands requests on to whoever serves this listener. When nobody does any more it answers 503.
func (m *Memory) Proxy() http.Handler {
	return &httputil.ReverseProxy{
		Transport: m.transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", memoryAddr{}.String()
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "not serving: "+err.Error(), http.StatusServiceUnavailable)
		},
	}
}

func (m *Memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case m.conns <- there:
		return here, nil
	case <-m.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "memory" }
