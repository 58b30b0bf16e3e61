// Package stack runs the whole line in one process: receiver, Alertmanager, exporter and Prometheus, which call each other over HTTP as they
// would on four machines.
package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/bongsu/bongsu/deploy"
	"github.com/bongsu/bongsu/deploy/embedded/am"
	"github.com/bongsu/bongsu/deploy/embedded/prom"
)

// Part is one of the four. Its name begins the flag of its address: --receiver.listen-address.
type Part string

// The parts, in the order in which they start: who is called goes before who calls.
const (
	Receiver     Part = "receiver"
	Alertmanager Part = "alertmanager"
	Exporter     Part = "exporter"
	Prometheus   Part = "prometheus"
)

// Options of a Stack.
type Options struct {
	// Listen is where each part listens; all four are required.
	Listen map[Part]Address
	// Config returns the path of a part's config file. It is called just before the part is made, with the addresses of those that were
	// made before, so that a generated file can name them.
	Config func(Part, Addresses) (string, error)
	// DataDir keeps time series, silences and outbox. One process at a time.
	DataDir string
	// WebConfigFile is exporter-toolkit's: TLS and auth, the same for all listeners.
	WebConfigFile string
	// Logger is required.
	Logger *slog.Logger
}

// Addresses are where the parts that were made listen, as "host:port".
type Addresses struct {
	Receiver, Alertmanager, Exporter, Prometheus string
}

// Stack is four running parts. Its methods are safe for concurrent use.
type Stack struct {
	opts  Options
	moves []Move

	failed   chan error
	stopping chan struct{}
	watching sync.WaitGroup

	mu    sync.Mutex // lets Reload and Stop exclude each other
	parts []part     // in the order of their start; nil after Stop
	at    Addresses
	urls  map[Part]string
}

// part is what all four have in common once they run.
type part struct {
	name   Part
	reload func() error
	stop   func(context.Context) error
}

// Start makes and starts the parts, one after the other, and returns when all answer. Of what is wrong with files, addresses and data it
// returns the first, with the part's name, and then nothing is left running. A context that has ended while the parts start counts as wrong;
// later the Stack lives until Stop.
func Start(ctx context.Context, o Options) (*Stack, error) {
	s := &Stack{opts: o, failed: make(chan error, 4), stopping: make(chan struct{}), urls: map[Part]string{}}
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	for _, step := range []struct {
		name  Part
		start func(ctx context.Context, file string) error
	}{
		{Receiver, s.startReceiver},
		{Alertmanager, s.startAlertmanager},
		{Exporter, s.startExporter},
		{Prometheus, s.startPrometheus},
	} {
		file, err := o.Config(step.name, s.at)
		if err == nil {
			err = step.start(ctx, file)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", step.name, err), s.Stop(context.WithoutCancel(ctx)))
		}
	}
	return s, nil
}

func (s *Stack) startReceiver(ctx context.Context, file string) (err error) {
	s.at.Receiver, err = s.startService(ctx, Receiver, deploy.NewReceiver, deploy.Options{
		ConfigFile: file, Storage: "sqlite:" + filepath.Join(s.opts.DataDir, "bongsu.db"),
	})
	return err
}

func (s *Stack) startExporter(ctx context.Context, file string) (err error) {
	s.at.Exporter, err = s.startService(ctx, Exporter, deploy.NewExporter, deploy.Options{ConfigFile: file})
	return err
}

func (s *Stack) startAlertmanager(ctx context.Context, file string) error {
	l, err := s.listen(ctx, Alertmanager)
	if err != nil {
		return err
	}
	s.at.Alertmanager = l.Addr().String()
	srv, err := am.New(am.Options{
		ConfigFile: file, DataDir: filepath.Join(s.opts.DataDir, "alertmanager"),
		Listener: l, WebConfigFile: s.opts.WebConfigFile, Logger: s.logger(Alertmanager),
	})
	if err != nil {
		return err
	}
	s.add(part{Alertmanager, srv.Reload, func(context.Context) error { return srv.Stop() }}, srv.URL())
	s.watch(Alertmanager, srv.Failed())
	return srv.Start()
}

func (s *Stack) startPrometheus(ctx context.Context, file string) error {
	l, err := s.listen(ctx, Prometheus)
	if err != nil {
		return err
	}
	s.at.Prometheus = l.Addr().String()
	srv, err := prom.New(prom.Options{
		ConfigFile: file, DataDir: filepath.Join(s.opts.DataDir, "prometheus"),
		Listener: l, WebConfigFile: s.opts.WebConfigFile, Logger: s.logger(Prometheus),
	})
	if err != nil {
		return err
	}
	s.add(part{Prometheus, srv.Reload, srv.Stop}, srv.URL())
	s.watch(Prometheus, srv.Failed())
	return srv.Start()
}

func (s *Stack) logger(p Part) *slog.Logger { return s.opts.Logger.With("part", string(p)) }

func (s *Stack) add(p part, url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts = append(s.parts, p)
	s.urls[p.name] = url
}

// watch hands on what ended a part that should run.
func (s *Stack) watch(name Part, failed <-chan error) {
	s.watching.Go(func() {
		select {
		case err := <-failed:
			s.failed <- fmt.Errorf("%s: %w", name, err)
		case <-s.stopping:
		}
	})
}

// Failed yields the error of a part that ended by itself, with its name. The owner should then call Stop: the line is as good as its
// weakest part.
func (s *Stack) Failed() <-chan error { return s.failed }

// URL is where a part can be reached, without a slash at its end.
func (s *Stack) URL(p Part) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.urls[p]
}

// Addresses are where the parts listen.
func (s *Stack) Addresses() Addresses { return s.at }

// Moves are the parts that found their address in use and listen elsewhere.
func (s *Stack) Moves() []Move { return slices.Clone(s.moves) }

// Reload has every part read its files anew. A part whose files are wrong goes on with what it had, and is named in the error; the others
// have taken up theirs.
func (s *Stack) Reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, p := range s.parts {
		if err := p.reload(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.name, err))
		}
	}
	return errors.Join(errs...)
}

// Stop ends the parts, last started first: who calls ends before who is called, so that nothing is sent into the void. When ctx ends, rule
// evaluations under way are cut off. A second Stop does nothing.
func (s *Stack) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parts == nil && isClosed(s.stopping) {
		return nil
	}
	close(s.stopping)
	var errs []error
	for _, p := range slices.Backward(s.parts) {
		if err := p.stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: stop: %w", p.name, err))
		}
	}
	s.parts = nil
	s.watching.Wait()
	return errors.Join(errs...)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
