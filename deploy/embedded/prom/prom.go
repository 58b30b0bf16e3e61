// Package prom runs Prometheus in this process: scrape, TSDB, rules, PromQL, notifier and HTTP API, from a standard prometheus.yml and
// standard rule files.
//
// It is made of Prometheus's own packages, put together as Prometheus's main does it (cmd/prometheus/main.go of the pinned release). Those
// packages promise no stable Go API; the files and the HTTP API v1 are stable. DESIGN.md of the module tells what is refused and why.
package prom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/notifier"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/web"

	"github.com/bongsu/bongsu/deploy/embedded/serve"
)

// States of a Server.
const (
	made    int32 = iota // New has returned: port and data directory are taken, nothing runs
	running              // Start has begun
	stopped              // Stop has begun; there is no way back
)

// Server is one Prometheus. Several can live in one process, each with a registry, a port and a data directory of its own.
// Its methods are safe for concurrent use.
type Server struct {
	opts        Options
	externalURL *url.URL
	parser      parser.Parser
	registry    *prometheus.Registry
	reloads     serve.Reloads
	http        *serve.Server
	memory      *serve.Memory
	db          localStorage

	notifier           *notifier.Manager
	scrapeSD, notifySD *discovery.Manager
	scrape             *scrape.Manager
	engine             *promql.Engine
	rules              *rules.Manager
	web                *web.Handler

	discovering, evaluating, answering             context.Context
	stopDiscovering, stopEvaluating, stopAnswering context.CancelFunc
	parts                                          sync.WaitGroup // goroutines of the parts

	evalInterval atomic.Int64 // milliseconds; default step of subqueries
	queryOffset  atomic.Int64 // nanoseconds; global.rule_query_offset

	lifecycle sync.Mutex   // lets Start and Stop exclude each other
	state     atomic.Int32 // written under lifecycle
	mu        sync.Mutex   // held while a configuration is applied; guards config
	config    *config.Config
}

// New loads and checks the configuration, takes the port, and opens and locks the data directory, in that order; whatever is wrong with
// them is its error, and then nothing is left open. Nothing is scraped or answered before Start. A Server that is never started still
// has to be stopped.
func New(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, errors.Join(err, closeListener(o))
	}
	s := &Server{opts: o, parser: newParser(), registry: serve.NewRegistry(), memory: serve.NewMemory()}
	s.reloads = serve.NewReloads(s.registry, "prometheus")
	if s.config, err = s.load(); err != nil {
		return nil, errors.Join(err, closeListener(o))
	}
	s.http, err = serve.New(serve.Options{Listener: o.Listener, Address: o.Address, WebConfigFile: o.WebConfigFile, Logger: s.log("http")})
	if err != nil {
		return nil, err
	}
	if err := s.open(); err != nil {
		s.http.Stop()
		return nil, err
	}
	return s, nil
}

// closeListener keeps the promise that a given listener belongs to the Server, even to one that never came to be.
func closeListener(o Options) error {
	if o.Listener == nil {
		return nil
	}
	return o.Listener.Close()
}

// open opens the storage and builds the parts upon it.
func (s *Server) open() (err error) {
	if s.externalURL, err = s.http.ExternalURL(s.opts.ExternalURL); err != nil {
		return err
	}
	if s.db, err = openStorage(s.opts, s.config, s.registry); err != nil {
		return err
	}
	s.registerHeadMetrics()
	s.makeContexts()
	if err := s.build(s.config); err != nil {
		return errors.Join(err, s.db.Close())
	}
	return nil
}

// URL is where the HTTP API is, without a slash at its end.
func (s *Server) URL() string { return s.http.URL() }

// Registry holds this server's own metrics.
func (s *Server) Registry() *prometheus.Registry { return s.registry }

// Failed yields the error that ended serving HTTP, if one did; the owner should then call Stop.
func (s *Server) Failed() <-chan error { return s.http.Failed() }

// Start applies the configuration and starts every part. When it returns nil, the server is ready. After an error the Server can only be
// stopped.
func (s *Server) Start() error {
	s.lifecycle.Lock()
	defer s.lifecycle.Unlock()
	if !s.state.CompareAndSwap(made, running) {
		return errors.New("prom: Start after Start or Stop")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runParts()
	if err := s.reloads.Note(s.apply(s.config)); err != nil {
		return err
	}
	s.web.SetReady(web.Ready)
	s.http.Start(s.mux())
	return nil
}

// runParts starts the goroutines. It comes before the first apply so that Stop, which waits for parts that run, has one path only.
func (s *Server) runParts() {
	s.parts.Go(func() { _ = s.scrapeSD.Run() }) // always context.Canceled
	s.parts.Go(func() { _ = s.notifySD.Run() })
	s.parts.Go(func() { _ = s.scrape.Run(s.scrapeSD.SyncCh()) }) // always nil
	s.parts.Go(func() { s.notifier.Run(s.notifySD.SyncCh()) })
	s.parts.Go(s.rules.Run)
	s.parts.Go(func() {
		if err := s.web.Run(s.answering, []net.Listener{s.memory}, ""); err != nil {
			s.log("web").Error("the HTTP API has ended", "err", err)
		}
	})
}

// Stop ends every part in the order that loses nothing: no more questions, no more targets, no more evaluations, then the alerts that are
// still queued are sent, and the storage is closed last. When ctx ends, rule evaluations that are under way are cut off; requests
// have a few seconds of their own.
// A second Stop returns nil at once.
//
// The process may be killed at any point: the TSDB replays its log at the next New, and rules find the state of their alerts in it.
func (s *Server) Stop(ctx context.Context) error {
	s.lifecycle.Lock()
	defer s.lifecycle.Unlock()
	was := s.state.Swap(stopped)
	if was == stopped {
		return nil
	}
	defer context.AfterFunc(ctx, s.stopEvaluating)()
	s.web.SetReady(web.Stopping)
	s.http.Stop() // a reload that came by HTTP finishes here, so mu is taken after it
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopDiscovering()
	if was == running {
		s.rules.Stop() // before the notifier, or its last alerts would have nowhere to go
		s.scrape.Stop()
		s.notifier.Stop()
	}
	s.stopAnswering()
	s.parts.Wait()
	return errors.Join(s.memory.Close(), s.close())
}

// close releases what New has opened.
func (s *Server) close() error {
	s.stopEvaluating()
	s.engine.SetQueryLogger(nil)
	if err := errors.Join(s.engine.Close(), s.db.Close()); err != nil {
		return fmt.Errorf("data directory %s: %w", s.opts.DataDir, err)
	}
	return nil
}

func (s *Server) log(component string) *slog.Logger {
	return s.opts.Logger.With("component", component)
}
