package am

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/receiver"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/common/model"
)

// Reload reads the configuration and its templates again. Whatever is wrong with them is returned and the last good configuration goes on
// running. Alerts, silences and the notification log outlive a reload; groups start to wait anew. It is safe for concurrent use, and
// refused before Start and after Stop.
func (s *Server) Reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() != running {
		return errNotRunning
	}
	c, err := s.load()
	if err != nil {
		return s.reloads.Note(err)
	}
	return s.reloads.Note(s.apply(c))
}

// plan is what a configuration becomes before anything that runs is touched.
type plan struct {
	config    *config.Config
	templates *template.Template
	routes    *dispatch.Route
	receivers map[string][]notify.Integration
	intervals map[string][]timeinterval.TimeInterval
}

// apply replaces inhibitor, pipeline and dispatcher. All that can fail comes first, so that after an error the old ones still run.
func (s *Server) apply(c *config.Config) error {
	p, err := s.plan(c)
	if err != nil {
		return fmt.Errorf("%s: %w", s.opts.ConfigFile, err)
	}
	s.stopDispatching()
	s.startDispatching(p)
	return nil
}

func (s *Server) plan(c *config.Config) (plan, error) {
	t, err := template.FromGlobs(c.Templates)
	if err != nil {
		return plan{}, fmt.Errorf("templates: %w", err)
	}
	t.ExternalURL = s.externalURL
	p := plan{config: c, templates: t, routes: dispatch.NewRoute(c.Route, nil), intervals: timeIntervals(c)}
	p.receivers, err = s.integrations(c, p.routes, t)
	return p, err
}

// integrations builds the receivers that a route leads to; the others are left out, as Alertmanager does.
func (s *Server) integrations(c *config.Config, routes *dispatch.Route, t *template.Template) (map[string][]notify.Integration, error) {
	used := make(map[string]bool)
	routes.Walk(func(r *dispatch.Route) { used[r.RouteOpts.Receiver] = true })
	built := make(map[string][]notify.Integration, len(used))
	var errs []error
	for _, r := range c.Receivers {
		if !used[r.Name] {
			s.opts.Logger.Info("no route leads to receiver", "receiver", r.Name)
			continue
		}
		integrations, err := receiver.BuildReceiverIntegrations(r, t, s.opts.Logger)
		if err != nil {
			errs = append(errs, fmt.Errorf("receiver %q: %w", r.Name, err))
		}
		built[r.Name] = integrations
	}
	return built, errors.Join(errs...)
}

func timeIntervals(c *config.Config) map[string][]timeinterval.TimeInterval {
	named := make(map[string][]timeinterval.TimeInterval)
	for _, ti := range c.MuteTimeIntervals {
		named[ti.Name] = ti.TimeIntervals
	}
	for _, ti := range c.TimeIntervals {
		named[ti.Name] = ti.TimeIntervals
	}
	return named
}

// stopDispatching waits for notifications that are being sent, but not for the inhibitor, which holds nothing.
func (s *Server) stopDispatching() {
	if i := s.inhibitor.Load(); i != nil {
		i.Stop()
	}
	if d := s.dispatcher.Load(); d != nil {
		d.Stop()
	}
}

// startDispatching follows upstream's order: the inhibitor knows all alerts before the dispatcher may notify any, and the API sees each
// only once it has loaded.
func (s *Server) startDispatching(p plan) {
	var noEvents eventrecorder.Recorder
	inhibitor := inhibit.NewInhibitor(s.alerts, p.config.InhibitRules, s.log("inhibitor"), noEvents)
	pipeline := s.pipelines.New(p.receivers, noWait, inhibitor, s.silencer, timeinterval.NewIntervener(p.intervals), s.marker, s.nflog, nil)
	dispatcher := dispatch.NewDispatcher(s.alerts, p.routes, pipeline, s.marker, notifyTimeout, dispatchMaintenance, nil,
		s.log("dispatcher"), noEvents, s.dispatchMetrics, p.templates)
	s.metrics.describe(p)
	s.warnRepeat(p.routes)
	s.api.Update(p.config, func(ctx context.Context, labels model.LabelSet) {
		s.inhibitor.Load().Mutes(ctx, labels)
		s.silencer.Mutes(ctx, labels)
	})

	s.parts.Go(inhibitor.Run)
	inhibitor.WaitForLoading()
	s.inhibitor.Store(inhibitor)
	s.parts.Go(func() { dispatcher.Run(s.started) })
	dispatcher.WaitForLoading()
	s.dispatcher.Store(dispatcher)
}

// warnRepeat speaks of a repeat_interval that outlasts the memory of what was sent, which makes repeats come early.
func (s *Server) warnRepeat(routes *dispatch.Route) {
	routes.Walk(func(r *dispatch.Route) {
		if r.RouteOpts.RepeatInterval > s.opts.Retention {
			s.opts.Logger.Warn("repeat_interval is longer than the notification log is kept", "route", r.Key(),
				"repeat_interval", r.RouteOpts.RepeatInterval, "retention", s.opts.Retention)
		}
	})
}

// noWait is how long this member of a cluster waits for the others: there are none.
func noWait() time.Duration { return 0 }

// notifyTimeout bounds one round of a group's notifications by its group_interval, but leaves it upstream's minimum.
func notifyTimeout(groupInterval time.Duration) time.Duration {
	return max(groupInterval, notify.MinTimeout)
}
