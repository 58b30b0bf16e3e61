package exporter

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options are what an [Exporter] needs. Load is required.
type Options struct {
	// Load reads the config, now and at each reload; see [LoadConfig].
	Load func() (*Config, error)
	// Logger gets a line for each probe that did not succeed wholly. Without
	// it nothing is logged.
	Logger *slog.Logger
	// Registerer takes the exporter's own metrics. Without it they are not
	// shown.
	Registerer prometheus.Registerer
	// Now is the clock for durations and timestamps; time.Now if nil. Deadlines
	// follow the real clock.
	Now func() time.Time
	// MaxConcurrent is how many modules may be probed at once; more wait within
	// their deadline. 0 is no limit.
	MaxConcurrent int
}

// Exporter answers probes. It is safe for concurrent use.
type Exporter struct {
	load      func() (*Config, error)
	logger    *slog.Logger
	now       func() time.Time
	metrics   *ownMetrics
	guard     *guard
	documents *documents
	slots     slots

	reloading sync.Mutex // one reload at a time

	mu      sync.Mutex // guards the rest
	config  *Config
	sources map[string]*heldSource
	closed  bool
}

// heldSource is a source with the number of those who use it: the config of
// the moment, and each running probe. Whoever leaves last closes it, so that a
// reload never cuts a running probe.
type heldSource struct {
	Source
	module *Module
	users  int // guarded by Exporter.mu
}

// ErrClosed is returned after [Exporter.Close].
var ErrClosed = errors.New("the exporter is closed")

// New loads the config and returns an exporter for it. Nothing is asked or
// connected before the first probe.
func New(o Options) (*Exporter, error) {
	e := &Exporter{
		load: o.Load, logger: o.Logger, now: o.Now,
		metrics: newOwnMetrics(), guard: newGuard(), documents: &documents{}, slots: newSlots(o.MaxConcurrent),
		config: &Config{},
	}
	if e.logger == nil {
		e.logger = slog.New(slog.DiscardHandler)
	}
	if e.now == nil {
		e.now = time.Now
	}
	if err := e.Reload(); err != nil {
		return nil, err
	}
	if o.Registerer != nil {
		if err := o.Registerer.Register(e.metrics); err != nil {
			return nil, errors.Join(err, e.Close())
		}
	}
	return e, nil
}

// Reload takes up the config as it is now, wholly or not at all: after an error
// everything is as it was. Sources of modules that ask as before keep their
// connections; running probes end with the config that they began with.
func (e *Exporter) Reload() error {
	e.reloading.Lock()
	defer e.reloading.Unlock()
	err := e.reload()
	e.metrics.reloaded(err == nil, e.now())
	return err
}

func (e *Exporter) reload() error {
	c, err := e.load()
	if err != nil {
		return err
	}
	fresh, err := e.newSources(c)
	if err != nil {
		return err
	}
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return errors.Join(ErrClosed, closeAll(fresh))
	}
	gone := e.swap(c, fresh)
	e.mu.Unlock()
	e.metrics.modules(c.names())
	if err := closeAll(gone); err != nil {
		e.logger.Warn("closing a source that is no longer used", "err", err)
	}
	return nil
}

// newSources makes a source for every module that cannot keep the one it has.
func (e *Exporter) newSources(c *Config) ([]*heldSource, error) {
	var fresh []*heldSource
	for _, name := range c.names() {
		m := c.Modules[name]
		if old := e.current(name); old != nil && old.module.sameSource(m) {
			continue
		}
		src, err := e.newSource(m)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("module %q: %w", name, err), closeAll(fresh))
		}
		fresh = append(fresh, &heldSource{Source: src, module: m})
	}
	return fresh, nil
}

func (e *Exporter) newSource(m *Module) (Source, error) {
	if m.http != nil {
		return newHTTPSource(m, e.guard, e.documents)
	}
	return newSQLSource(m.sql, e.documents)
}

func (e *Exporter) current(module string) *heldSource {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sources[module]
}

// swap puts the new config in place and returns the sources that nobody uses
// any more. The caller holds e.mu.
func (e *Exporter) swap(c *Config, fresh []*heldSource) (gone []*heldSource) {
	sources := map[string]*heldSource{}
	for _, s := range fresh {
		s.users++
		sources[s.module.name] = s
	}
	for name, s := range e.sources {
		_, wanted := c.Modules[name]
		if wanted && sources[name] == nil {
			sources[name] = s
		} else if s.users--; s.users == 0 {
			gone = append(gone, s)
		}
	}
	e.config, e.sources = c, sources
	return gone
}

// acquire returns a module with its source, to be given back by release.
func (e *Exporter) acquire(name string) (*Module, *heldSource, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, nil, ErrClosed
	}
	m, ok := e.config.Modules[name]
	if !ok {
		return nil, nil, e.config.unknown(name)
	}
	s := e.sources[name]
	s.users++
	return m, s, nil
}

func (e *Exporter) release(s *heldSource) {
	e.mu.Lock()
	s.users--
	last := s.users == 0
	e.mu.Unlock()
	if last {
		if err := s.Close(); err != nil {
			e.logger.Warn("closing a source that is no longer used", "module", s.module.name, "err", err)
		}
	}
}

// Close ends all idle connections; those of running probes end with them. Later
// probes fail with [ErrClosed].
func (e *Exporter) Close() error {
	e.mu.Lock()
	gone := e.swap(&Config{}, nil)
	e.closed = true
	e.mu.Unlock()
	return closeAll(gone)
}

// Config returns the config in use.
func (e *Exporter) Config() *Config {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.config
}

// Modules returns the modules in use, by name.
func (e *Exporter) Modules() []*Module {
	c := e.Config()
	modules := make([]*Module, 0, len(c.Modules))
	for _, name := range c.names() {
		modules = append(modules, c.Modules[name])
	}
	return slices.Clip(modules)
}

func closeAll(sources []*heldSource) error {
	var errs []error
	for _, s := range sources {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
