package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// defaultGrace is how long sends under way may go on after the end.
	defaultGrace = 10 * time.Second
	// pruneEvery is how often what is older than the retention is deleted.
	pruneEvery = time.Hour
	// readyTimeout bounds what a readiness probe waits for the outbox.
	readyTimeout = 2 * time.Second
)

// Options are what a Receiver is made of. Grace may be zero; all others are
// required.
type Options struct {
	// ConfigFile is read by New and by Reload.
	ConfigFile string
	// Kinds of channels that it may name.
	Kinds Kinds
	// Store keeps everything. It stays the caller's to close, after Run.
	Store Store
	// Registerer takes the receiver's own metrics.
	Registerer prometheus.Registerer
	Logger     *slog.Logger
	// Worker names this process in the history of deliveries.
	Worker string
	// Grace is how long sends under way may go on after the end was asked for.
	Grace time.Duration
}

// Receiver accepts webhooks and sees to it that their messages arrive. It is safe
// for concurrent use.
type Receiver struct {
	options Options
	logger  *slog.Logger
	metrics *metrics
	pages   *pages
	config  atomic.Pointer[Config]
	crew    atomic.Pointer[crew] // nil unless Run runs
	refused atomic.Bool          // the last webhook could not be kept
}

// New loads the config and registers the metrics. Nothing is claimed before Run.
func New(o Options) (*Receiver, error) {
	if o.Grace == 0 {
		o.Grace = defaultGrace
	}
	r := &Receiver{options: o, logger: o.Logger, metrics: newMetrics()}
	if err := r.load(); err != nil {
		return nil, err
	}
	var err error
	if r.pages, err = newPages(o.Store, r.Config, r.logger); err != nil {
		return nil, err
	}
	if err := r.metrics.register(o.Registerer); err != nil {
		return nil, err
	}
	failed := r.metrics.storeErrors.WithLabelValues("stats")
	if err := o.Registerer.Register(newGauges(o.Store, r.channels, failed, r.logger)); err != nil {
		return nil, err
	}
	return r, nil
}

// Config returns the config in use. It must not be changed.
func (r *Receiver) Config() *Config { return r.config.Load() }

// Reload reads the config file anew. With an error, the old config stays in use,
// whole. Deliveries under way end as they began; all others are sent as the new
// config says, those of a channel that is gone wait until it comes back.
func (r *Receiver) Reload() error {
	if err := r.load(); err != nil {
		return err
	}
	if c := r.crew.Load(); c != nil {
		c.change(r.Config())
		r.warnOrphans(context.Background())
	}
	r.logger.Info("config loaded", "file", r.options.ConfigFile)
	return nil
}

func (r *Receiver) load() error {
	c, err := LoadConfig(r.options.ConfigFile, r.options.Kinds, r.logger)
	r.metrics.reloaded(err)
	if err != nil {
		return err
	}
	for _, o := range c.Outlets {
		r.metrics.channel(o.Name)
	}
	r.config.Store(c)
	return nil
}

// Run sends what the outbox holds until ctx ends; then it claims nothing more and
// lets the sends under way finish within Grace. What could not finish is sent
// again by the next Run. It returns nil after such an end.
func (r *Receiver) Run(ctx context.Context) error {
	c := newCrew(r.options.Store, r.options.Worker, r.metrics, r.logger)
	if !r.crew.CompareAndSwap(nil, c) {
		return errors.New("receiver runs already")
	}
	defer r.crew.Store(nil)
	c.change(r.Config()) //nolint:contextcheck // sends outlive ctx by the grace
	r.warnOrphans(ctx)
	prune := time.NewTimer(time.Minute)
	defer prune.Stop()
	for {
		select {
		case <-ctx.Done():
			return c.end(r.options.Grace)
		case <-r.options.Store.Due():
			c.signal()
		case <-prune.C:
			c.work.Go(func() { r.prune(ctx) })
			prune.Reset(pruneEvery)
		}
	}
}

// Ready says why a webhook could not be kept, or delivered, just now.
func (r *Receiver) Ready() error {
	if r.crew.Load() == nil {
		return errors.New("receiver does not run")
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	if _, err := r.options.Store.Stats(ctx, time.Now()); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	if r.refused.Load() {
		return errors.New("outbox kept nothing of the last webhook, see the log")
	}
	return nil
}

func (r *Receiver) prune(ctx context.Context) {
	before := time.Now().Add(-r.Config().Retention)
	n, err := r.options.Store.Prune(ctx, before)
	if ctx.Err() != nil {
		return // the end was asked for; the next Run goes on with it
	}
	if err != nil {
		r.metrics.storeErrors.WithLabelValues("prune").Inc()
		r.logger.Error("old notifications stay", "err", err)
		return
	}
	if n > 0 {
		r.logger.Info("old notifications deleted", "count", n, "before", before)
	}
}

// warnOrphans names the channels that the outbox has work for and the config no
// longer has. Their deliveries wait; see D5 in DESIGN.md.
func (r *Receiver) warnOrphans(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	stats, err := r.options.Store.Stats(ctx, time.Now())
	if err != nil {
		r.logger.Error("outbox has no numbers", "err", err)
		return
	}
	for channel, n := range stats.Pending {
		if n > 0 && r.Config().Outlet(channel) == nil {
			r.logger.Warn("deliveries wait for a channel that is not configured", "channel", channel, "count", n)
		}
	}
}

func (r *Receiver) channels() []string {
	var names []string
	for _, o := range r.Config().Outlets {
		names = append(names, o.Name)
	}
	return names
}
