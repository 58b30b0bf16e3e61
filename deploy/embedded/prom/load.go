package prom

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/discovery/file" // registers file_sd_configs
	_ "github.com/prometheus/prometheus/discovery/http" // registers http_sd_configs
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"

	"github.com/bongsu/bongsu/deploy/embedded/refuse"
)

// refused are the sections of prometheus.yml that a Prometheus server acts on and this one does not.
func refused() []refuse.Section {
	return append([]refuse.Section{
		{Path: "remote_write", Reason: "the embedded Prometheus keeps its samples itself; run a Prometheus server to send them elsewhere"},
		{Path: "remote_read", Reason: "the embedded Prometheus reads its own samples alone; run a Prometheus server to read others"},
		{Path: "tracing", Reason: "the embedded Prometheus sends no traces; remove the section"},
		{Path: "otlp", Reason: "the embedded Prometheus takes no OTLP; remove the section"},
		{Path: "runtime", Reason: "garbage collection and log level belong to the whole process; use GOGC and --log.level"},
		{Path: "storage.exemplars", Reason: "the embedded Prometheus keeps no exemplars; remove the section"},
		{Path: "alerting.alertmanagers[].*_sd_configs", Except: honouredSD(), Reason: reasonSD},
	}, refusedInScrapeConfigs()...)
}

// refusedInScrapeConfigs holds for prometheus.yml and for the files of scrape_config_files.
func refusedInScrapeConfigs() []refuse.Section {
	return []refuse.Section{{Path: "scrape_configs[].*_sd_configs", Except: honouredSD(), Reason: reasonSD}}
}

// static_configs does not match the pattern, so it needs no mention.
func honouredSD() []string { return []string{"file_sd_configs", "http_sd_configs"} }

const reasonSD = "the embedded Prometheus knows static_configs, file_sd_configs and http_sd_configs"

// load reads ConfigFile and everything it names, and checks all that can be checked without running it. The error names the file, and for
// refused sections the line.
func (s *Server) load() (*config.Config, error) {
	if err := checkFile(s.opts.ConfigFile, refused()); err != nil {
		return nil, err
	}
	c, err := config.LoadFile(s.opts.ConfigFile, false, s.opts.Logger)
	if err != nil {
		return nil, err
	}
	if err := checkScrapeConfigFiles(c.ScrapeConfigFiles); err != nil {
		return nil, err
	}
	if _, err := c.GetScrapeConfigs(); err != nil {
		return nil, fmt.Errorf("%s: %w", s.opts.ConfigFile, err)
	}
	if err := rules.ParseFiles(c.RuleFiles, c.GlobalConfig.MetricNameValidationScheme, s.parser, s.opts.Logger); err != nil {
		return nil, fmt.Errorf("%s: %w", s.opts.ConfigFile, err)
	}
	s.warnMissingRules(c.RuleFiles)
	s.defaultRetention(c)
	return c, nil
}

func checkFile(file string, sections []refuse.Section) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return refuse.Check(file, data, sections)
}

func checkScrapeConfigFiles(patterns []string) error {
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return fmt.Errorf("scrape_config_files: %q: %w", pattern, err)
		}
		for _, file := range files {
			if err := checkFile(file, refusedInScrapeConfigs()); err != nil {
				return err
			}
		}
	}
	return nil
}

// warnMissingRules speaks of plain rule file names that do not exist. A Prometheus server takes them for a pattern that matches nothing
// and stays silent, so they can't be an error here.
func (s *Server) warnMissingRules(patterns []string) {
	for _, p := range patterns {
		if _, err := os.Stat(p); err != nil && !strings.ContainsAny(p, "*?[") {
			s.opts.Logger.Warn("rule file does not exist", "file", p)
		}
	}
}

// defaultRetention does what a Prometheus server does by its flags: a file without limits keeps samples for a bounded time, not for ever.
func (s *Server) defaultRetention(c *config.Config) {
	r := c.StorageConfig.TSDBConfig.Retention
	if r.Time == 0 && r.Size == 0 && r.Percentage == 0 {
		r.Time = model.Duration(s.opts.Retention)
	}
}

// newParser is the one PromQL dialect of rules, queries and checks: upstream's default, no experimental functions.
func newParser() parser.Parser { return parser.NewParser(parser.Options{}) }
