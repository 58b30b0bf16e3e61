// Package serve gives the embedded servers their listeners: one port, one handler, one --web.config.file each.
package serve

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v3"

	"github.com/bongsu/bongsu/internal/web"
)

// Options say where and how to listen.
type Options struct {
	// Listener, when given, is used instead of Address. The Server owns it from New on, even when New fails.
	Listener net.Listener
	// Address is host:port; port 0 takes a free one.
	Address string
	// WebConfigFile is an exporter-toolkit web configuration (TLS, basic auth, rate limit); empty means plain HTTP.
	WebConfigFile string
	// Logger takes what net/http and exporter-toolkit have to say. Required.
	Logger *slog.Logger
}

// Server serves one handler on one port. Start and Stop exclude each other; the other methods are safe for concurrent use.
type Server struct {
	opts   Options
	scheme string
	stop   context.CancelFunc // nil before Start
	served sync.WaitGroup
	failed chan error
}

// New checks the web configuration and takes the port. Nothing is answered before Start.
func New(o Options) (*Server, error) {
	if o.Listener == nil {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", o.Address)
		if err != nil {
			return nil, err // "listen tcp 127.0.0.1:9090: bind: address already in use" says it all
		}
		o.Listener = l
	}
	scheme, err := Scheme(o.WebConfigFile)
	if err != nil {
		_ = o.Listener.Close()
		return nil, fmt.Errorf("%s: %w", o.WebConfigFile, err)
	}
	return &Server{opts: o, scheme: scheme, failed: make(chan error, 1)}, nil
}

// Scheme validates a web configuration file and returns "https" if it turns TLS on, else "http". An empty name is no file.
func Scheme(webConfigFile string) (string, error) {
	if err := toolkit.Validate(webConfigFile); err != nil || webConfigFile == "" {
		return "http", err
	}
	data, err := os.ReadFile(webConfigFile)
	if err != nil {
		return "", err
	}
	var c struct {
		TLS toolkit.TLSConfig `yaml:"tls_server_config"`
	}
	if err := yaml.Unmarshal(data, &c); err != nil {
		return "", err
	}
	if c.TLS.IsEnabled() {
		return "https", nil
	}
	return "http", nil
}

// URL is where the server can be reached, without a slash at its end. A server that listens on every address is named by the host's name.
func (s *Server) URL() string {
	addr := s.opts.Listener.Addr().String()
	host, port, err := net.SplitHostPort(addr)
	if err != nil { // not TCP: a listener of the caller's own making
		return s.scheme + "://" + addr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
		if name, err := os.Hostname(); err == nil {
			host = name
		}
	}
	return s.scheme + "://" + net.JoinHostPort(host, port)
}

// ExternalURL parses the URL by which people reach the server and that stands in its links: the given one, or URL when that is empty.
func (s *Server) ExternalURL(given string) (*url.URL, error) {
	if given == "" {
		given = s.URL()
	}
	u, err := url.Parse(strings.TrimRight(given, "/"))
	if err != nil {
		return nil, fmt.Errorf("external URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("external URL %q: want http:// or https:// and a host", given)
	}
	return u, nil
}

// Start begins to answer with h. Call it once.
func (s *Server) Start(h http.Handler) {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.served.Go(func() {
		flags := &toolkit.FlagConfig{WebConfigFile: &s.opts.WebConfigFile}
		if err := web.Serve(ctx, []net.Listener{s.opts.Listener}, h, flags, s.opts.Logger); err != nil {
			s.failed <- fmt.Errorf("serve %s: %w", s.URL(), err)
		}
	})
}

// Failed yields the error that ended serving, if one did.
func (s *Server) Failed() <-chan error { return s.failed }

// Stop closes the port and lets requests that are under way finish for a few seconds, after which they are cut off. It also releases a
// port that was never served.
func (s *Server) Stop() {
	if s.stop != nil {
		s.stop()
		s.served.Wait()
	}
	_ = s.opts.Listener.Close() // a second close is an error that nobody needs
}
