package deploy

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"

	"github.com/bongsu/bongsu/internal/web"
)

// Options say where a part finds its config and where it listens.
type Options struct {
	// ConfigFile is exporter.yml or receiver.yml.
	ConfigFile string
	// Storage of the receiver, such as "sqlite:bongsu.db".
	Storage string
	// MaxProbes of the exporter at once; 0 is no limit.
	MaxProbes int
	// Web are exporter-toolkit's flags: addresses, TLS and auth.
	Web    *toolkit.FlagConfig
	Logger *slog.Logger
}

// Service is one part, wired and listening, but not yet answering.
type Service struct {
	listeners []net.Listener
	handler   http.Handler
	web       *toolkit.FlagConfig
	logger    *slog.Logger

	work   func(context.Context) error // nil for a part that only answers
	reload func() error
	close  func() error
}

// Addr is the first listener's address, "host:port". It is empty when systemd
// opens the socket.
func (s *Service) Addr() string {
	if len(s.listeners) == 0 {
		return ""
	}
	return s.listeners[0].Addr().String()
}

// Reload takes up a changed config, or returns why the last good one stays.
func (s *Service) Reload() error { return s.reload() }

// Run answers until ctx ends or the part fails, and then lets go of everything:
// first of the callers, then of the work, last of the storage, so that whatever
// was answered has been kept. It returns nil after an end that was asked for.
func (s *Service) Run(ctx context.Context) error {
	answering, hangUp := context.WithCancel(ctx)
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	worked := make(chan error, 1)
	go func() {
		defer hangUp()
		if s.work == nil {
			<-working.Done()
			worked <- nil
			return
		}
		worked <- s.work(working)
	}()
	served := web.Serve(answering, s.listeners, s.handler, s.web, s.logger)
	stopWork()
	return errors.Join(served, <-worked, s.close())
}

// newRegistry returns a registry that knows the process and the build.
func newRegistry(program string) *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		versioncollector.NewCollector(program),
	)
	return reg
}
