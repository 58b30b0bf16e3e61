package prom

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/notifier"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/util/logging"
)

// What Prometheus's main sets by flags, and nobody needs to change here.
const (
	queryConcurrency   = 20
	queryTimeout       = 2 * time.Minute
	lookbackDelta      = 5 * time.Minute
	outageTolerance    = time.Hour
	forGracePeriod     = 10 * time.Minute
	maxConcurrentEvals = 4
	notifierQueue      = 10_000
	notifierBatch      = 256
	// discoveryInterval is how soon a new target is scraped. Prometheus waits 5 s, which is a long time for somebody who watches.
	discoveryInterval = 100 * time.Millisecond
)

// build makes the parts in the order in which they need each other. None of them runs yet.
func (s *Server) build(c *config.Config) error {
	scheme := c.GlobalConfig.MetricNameValidationScheme
	s.notifier = notifier.NewManager(&notifier.Options{
		QueueCapacity: notifierQueue, MaxBatchSize: notifierBatch, DrainOnShutdown: true, Registerer: s.registry,
	}, scheme, s.log("notifier"))
	if err := s.buildScrape(); err != nil {
		return err
	}
	if err := s.buildEngine(); err != nil {
		return err
	}
	s.buildRules(scheme)
	s.buildWeb()
	return nil
}

func (s *Server) buildScrape() error {
	sd, err := discovery.CreateAndRegisterSDMetrics(s.registry)
	if err != nil {
		return fmt.Errorf("service discovery metrics: %w", err)
	}
	s.scrapeSD = s.newDiscovery("scrape", sd)
	s.notifySD = s.newDiscovery("notify", sd)
	if s.scrapeSD == nil || s.notifySD == nil {
		return errors.New("service discovery: its metrics do not register") // upstream logs the reason and returns nil
	}
	s.scrape, err = scrape.NewManager(&scrape.Options{
		DiscoveryReloadInterval:  model.Duration(discoveryInterval),
		DiscoveryReloadOnStartup: true,
	}, s.log("scrape"), logging.NewJSONFileLogger, nil, s.db, s.registry)
	if err != nil {
		return fmt.Errorf("scrape manager: %w", err)
	}
	return nil
}

func (s *Server) newDiscovery(name string, sd *discovery.SDMetrics) *discovery.Manager {
	return discovery.NewManager(s.discovering, s.log("discovery "+name), s.registry, sd,
		discovery.Name(name), discovery.Updatert(discoveryInterval))
}

func (s *Server) buildEngine() error {
	tracker, err := promql.NewActiveQueryTracker(s.opts.DataDir, queryConcurrency, s.log("query tracker"))
	if err != nil {
		return fmt.Errorf("active query tracker: %w", err)
	}
	s.engine = promql.NewEngine(promql.EngineOpts{
		Logger:                   s.log("query engine"),
		Reg:                      s.registry,
		MaxSamples:               s.opts.MaxSamples,
		Timeout:                  queryTimeout,
		ActiveQueryTracker:       tracker,
		LookbackDelta:            lookbackDelta,
		NoStepSubqueryIntervalFn: func(int64) int64 { return s.evalInterval.Load() },
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		Parser:                   s.parser,
	})
	return nil
}

func (s *Server) buildRules(scheme model.ValidationScheme) {
	s.rules = rules.NewManager(&rules.ManagerOptions{
		NameValidationScheme:   scheme, // unset, it panics
		Appendable:             s.db,
		Queryable:              s.db,
		QueryFunc:              rules.EngineQueryFunc(s.engine, s.db),
		NotifyFunc:             rules.SendAlerts(s.notifier, s.externalURL.String()),
		Context:                s.evaluating,
		ExternalURL:            s.externalURL,
		Registerer:             s.registry,
		Logger:                 s.log("rules"),
		OutageTolerance:        outageTolerance,
		ForGracePeriod:         forGracePeriod,
		ResendDelay:            s.opts.ResendDelay,
		MaxConcurrentEvals:     maxConcurrentEvals,
		DefaultRuleQueryOffset: func() time.Duration { return time.Duration(s.queryOffset.Load()) },
		Parser:                 s.parser,
	})
}

// registerHeadMetrics adds the three gauges that Prometheus's main registers itself, and stock dashboards show.
func (s *Server) registerHeadMetrics() {
	gauge := func(name, help string, value func() int64) {
		s.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 { return float64(value()) / 1000 }))
	}
	gauge("prometheus_tsdb_head_min_time_seconds", "Minimum time bound of the head block.", s.db.Head().MinTime)
	gauge("prometheus_tsdb_head_max_time_seconds", "Maximum timestamp of the head block.", s.db.Head().MaxTime)
	gauge("prometheus_tsdb_lowest_timestamp_seconds", "Lowest timestamp value stored in the database.", func() int64 {
		if blocks := s.db.Blocks(); len(blocks) > 0 {
			return blocks[0].Meta().MinTime
		}
		return s.db.Head().MinTime()
	})
}

// contexts of the parts: each is cancelled at its own moment of Stop.
func (s *Server) makeContexts() {
	s.discovering, s.stopDiscovering = context.WithCancel(context.Background())
	s.evaluating, s.stopEvaluating = context.WithCancel(context.Background())
	s.answering, s.stopAnswering = context.WithCancel(context.Background())
}
