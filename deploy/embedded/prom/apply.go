package prom

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/util/logging"
)

// Reload reads the configuration and the rule files again. Whatever is wrong with them is returned and the last good configuration
// goes on running, with its alerts and their state. It is safe for concurrent use, and refused before Start and after Stop.
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
	if err := s.apply(c); err != nil {
		// Some parts may have taken the new configuration: give all of them the old one again.
		return s.reloads.Note(errors.Join(err, s.apply(s.config)))
	}
	s.config = c
	return s.reloads.Note(nil)
}

// apply hands a loaded configuration to every part. The order is that of Prometheus's main: the scrape and notify managers must know a
// job before discovery sends its targets.
func (s *Server) apply(c *config.Config) error {
	var errs []error
	for _, step := range []struct {
		name  string
		apply func(*config.Config) error
	}{
		{"storage", s.db.ApplyConfig},
		{"web", s.web.ApplyConfig},
		{"query log", s.applyQueryLog},
		{"scrape", s.scrape.ApplyConfig},
		{"scrape discovery", s.applyScrapeSD},
		{"notify", s.notifier.ApplyConfig},
		{"notify discovery", s.applyNotifySD},
		{"rules", s.applyRules},
	} {
		if err := step.apply(c); err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", s.opts.ConfigFile, step.name, err))
		}
	}
	return errors.Join(errs...)
}

func (s *Server) applyQueryLog(c *config.Config) error {
	if c.GlobalConfig.QueryLogFile == "" {
		s.engine.SetQueryLogger(nil)
		return nil
	}
	l, err := logging.NewJSONFileLogger(c.GlobalConfig.QueryLogFile)
	if err != nil {
		return err
	}
	s.engine.SetQueryLogger(l) // closes the one before
	return nil
}

func (s *Server) applyScrapeSD(c *config.Config) error {
	jobs, err := c.GetScrapeConfigs()
	if err != nil {
		return err
	}
	sd := make(map[string]discovery.Configs, len(jobs))
	for _, job := range jobs {
		sd[job.JobName] = job.ServiceDiscoveryConfigs
	}
	return s.scrapeSD.ApplyConfig(sd)
}

func (s *Server) applyNotifySD(c *config.Config) error {
	sd := make(map[string]discovery.Configs)
	for name, am := range c.AlertingConfig.AlertmanagerConfigs.ToMap() {
		sd[name] = am.ServiceDiscoveryConfigs
	}
	return s.notifySD.ApplyConfig(sd)
}

func (s *Server) applyRules(c *config.Config) error {
	var files []string
	for _, pattern := range c.RuleFiles {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			return fmt.Errorf("rule_files: %q: %w", pattern, err)
		}
		files = append(files, matches...)
	}
	interval := time.Duration(c.GlobalConfig.EvaluationInterval)
	s.evalInterval.Store(interval.Milliseconds())
	s.queryOffset.Store(int64(c.GlobalConfig.RuleQueryOffset))
	return s.rules.Update(interval, files, c.GlobalConfig.ExternalLabels, s.externalURL.String(), nil)
}
