// Package am runs Alertmanager in this process: grouping, inhibition, silences, the notification log, the notify pipeline and the API v2,
// from a standard alertmanager.yml.
//
// It is made of Alertmanager's own packages, put together as alertmanager/app does it (app/app.go, app/reloader.go of the pinned release);
// app itself can't be imported, because the web pages that it embeds are not in the module. There is no cluster, so nothing listens but
// the API.
package am

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/api"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/provider/mem"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/tsdb/fileutil"

	"github.com/bongsu/bongsu/deploy/embedded/serve"
)

// What Alertmanager sets by flags, and nobody needs to change here.
const (
	snapshotInterval    = 15 * time.Minute
	alertGCInterval     = 30 * time.Minute
	dispatchMaintenance = 30 * time.Second
)

// States of a Server.
const (
	made    int32 = iota // New has returned: port and data directory are taken, nothing runs
	running              // Start has begun
	stopped              // Stop has begun; there is no way back
)

// Server is one Alertmanager. Several can live in one process, each with a registry, a port and a data directory of its own.
// Its methods are safe for concurrent use.
type Server struct {
	opts        Options
	externalURL *url.URL
	registry    *prometheus.Registry
	reloads     serve.Reloads
	metrics     metrics
	http        *serve.Server
	lock        fileutil.Releaser
	started     time.Time

	nflog           *nflog.Log
	silences        *silence.Silences
	silencer        *silence.Silencer
	alerts          *mem.Alerts
	api             *api.API
	marker          marker.GroupMarker
	pipelines       *notify.PipelineBuilder
	dispatchMetrics *dispatch.DispatcherMetrics
	inhibitor       atomic.Pointer[inhibit.Inhibitor]   // replaced by each reload
	dispatcher      atomic.Pointer[dispatch.Dispatcher] // replaced by each reload

	stopSnapshots chan struct{}
	parts         sync.WaitGroup // goroutines of the parts

	lifecycle sync.Mutex   // lets Start and Stop exclude each other
	state     atomic.Int32 // written under lifecycle
	mu        sync.Mutex   // held while a configuration is applied
	first     *config.Config
}

// New loads and checks the configuration, takes the port, and opens and locks the data directory, in that order; whatever is wrong with
// them is its error, and then nothing is left open. Nothing is notified or answered before Start. A Server that is never started still
// has to be stopped.
func New(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, errors.Join(err, closeListener(o))
	}
	useUTF8Matchers(o.Logger)
	s := &Server{opts: o, registry: serve.NewRegistry(), started: time.Now(), stopSnapshots: make(chan struct{})}
	s.reloads = serve.NewReloads(s.registry, "alertmanager")
	s.metrics = newMetrics(s.registry)
	if s.first, err = s.load(); err != nil {
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

// open locks the data directory and builds the parts upon it.
func (s *Server) open() (err error) {
	if s.externalURL, err = s.http.ExternalURL(s.opts.ExternalURL); err != nil {
		return err
	}
	// Upstream has no lock: two processes would overwrite each other's snapshots, and notify twice.
	if s.lock, _, err = fileutil.Flock(filepath.Join(s.opts.DataDir, "lock")); err != nil {
		return fmt.Errorf("data directory %s: lock: %w", s.opts.DataDir, err)
	}
	if err := s.build(); err != nil {
		return errors.Join(err, s.lock.Release())
	}
	return nil
}

// build makes the parts in the order in which they need each other.
func (s *Server) build() (err error) {
	var noEvents eventrecorder.Recorder
	flags := featurecontrol.NoopFlags{}
	s.nflog, err = nflog.New(nflog.Options{
		SnapshotFile: s.file("nflog"), Retention: s.opts.Retention, Logger: s.log("nflog"), Metrics: s.registry,
	})
	if err != nil {
		return fmt.Errorf("notification log: %w", err)
	}
	s.silences, err = silence.New(silence.Options{
		SnapshotFile: s.file("silences"), Retention: s.opts.Retention, Logger: s.log("silences"), Metrics: s.registry, EventRecorder: noEvents,
	})
	if err != nil {
		return fmt.Errorf("silences: %w", err)
	}
	s.silencer = silence.NewSilencer(s.silences, s.log("silences"), noEvents)
	s.marker = marker.NewGroupMarker()
	s.pipelines = notify.NewPipelineBuilder(s.registry, flags, noEvents)
	s.dispatchMetrics = dispatch.NewDispatcherMetrics(false, s.registry, flags)
	s.alerts, err = mem.NewAlerts(context.Background(), alertGCInterval, 0, s.silencer, s.log("alerts"), noEvents, s.registry, flags)
	if err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	if s.api, err = s.buildAPI(); err != nil {
		s.alerts.Close() // it has started a goroutine
	}
	return err
}

// apis has one API built at a time: upstream's constructor expands a schema that all of the process share, and locks nothing.
var apis sync.Mutex //nolint:gochecknoglobals // what it guards is one for the process (DESIGN.md, D14)

func (s *Server) buildAPI() (*api.API, error) {
	apis.Lock()
	defer apis.Unlock()
	return api.New(api.Options{
		Alerts:          s.alerts,
		Silences:        s.silences,
		GroupMutedFunc:  s.marker.Muted,
		Logger:          s.log("api"),
		Registry:        s.registry,
		RequestDuration: s.metrics.requests,
		GroupFunc:       s.groups,
	})
}

// groups asks the dispatcher of the present configuration.
func (s *Server) groups(ctx context.Context, route func(*dispatch.Route) bool, filter func(*alert.Alert, time.Time) bool) (
	dispatch.AlertGroups, map[model.Fingerprint][]string, error,
) {
	return s.dispatcher.Load().Groups(ctx, route, filter)
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
		return errors.New("am: Start after Start or Stop")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts.Go(func() { s.nflog.Maintenance(snapshotInterval, s.file("nflog"), s.stopSnapshots, nil) })
	s.parts.Go(func() { s.silences.Maintenance(snapshotInterval, s.file("silences"), s.stopSnapshots, nil) })
	if err := s.reloads.Note(s.apply(s.first)); err != nil {
		return err
	}
	s.http.Start(s.mux())
	return nil
}

// Stop ends every part: no more questions and alerts, then no more notifications, and last the snapshots of silences and notification log
// are written. Every step is bounded by itself: requests under way by a few seconds, notifications by being cancelled. A second Stop
// returns nil at once.
//
// The process may be killed at any point. What is lost then is what came after the last snapshot, at most 15 minutes of new silences and
// of the notification log, as with an Alertmanager; a lost entry of the log means that an alert that still fires is notified once more.
func (s *Server) Stop() error {
	s.lifecycle.Lock()
	defer s.lifecycle.Unlock()
	was := s.state.Swap(stopped)
	if was == stopped {
		return nil
	}
	s.http.Stop() // a reload that came by HTTP finishes here, so mu is taken after it
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopDispatching()
	s.alerts.Close()
	close(s.stopSnapshots)
	s.parts.Wait()
	return s.lock.Release()
}

func (s *Server) file(name string) string { return filepath.Join(s.opts.DataDir, name) }

func (s *Server) log(component string) *slog.Logger {
	return s.opts.Logger.With("component", component)
}
