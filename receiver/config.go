package receiver

import (
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/common/model"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// Config is a receiver.yml, read and ready to run. It is never changed after
// LoadConfig returned it.
type Config struct {
	// File it was read from.
	File string
	// DedupWindow is how long the same state counts as a repetition by accident
	// where the notification doesn't say why it was sent (Alertmanager < 0.32).
	DedupWindow time.Duration
	// Retention is how long settled notifications and quarantined bodies stay.
	Retention time.Duration
	Retry     Retry
	// MaxBodyBytes of a webhook; what is larger is kept cut and answered 413.
	MaxBodyBytes int64
	// Zone that times are shown in.
	Zone *time.Location
	// Outlets are the channels, sorted by name.
	Outlets []*Outlet
	Router  *Router
}

// Retry says when a delivery that failed is tried again.
type Retry struct {
	// MinBackoff bounds the first wait, MaxBackoff every wait.
	MinBackoff, MaxBackoff time.Duration
	// Expire is the age at which a delivery that keeps failing is dead.
	Expire time.Duration
}

// Outlet is one configured channel with all that sending through it needs.
type Outlet struct {
	Name, Kind string
	Built
	Renderer *Renderer
}

// Outlet returns the channel of that name, or nil.
func (c *Config) Outlet(name string) *Outlet {
	for _, o := range c.Outlets {
		if o.Name == name {
			return o
		}
	}
	return nil
}

// The values that stand for absent ones in the config.
const (
	defaultDedupWindow  = 5 * time.Minute
	defaultRetention    = 30 * 24 * time.Hour
	defaultMinBackoff   = time.Second
	defaultMaxBackoff   = 5 * time.Minute
	defaultExpire       = 24 * time.Hour
	defaultMaxBodyBytes = 4 << 20
	defaultTimeout      = 30 * time.Second
	defaultConcurrency  = 4
)

// configFile is receiver.yml as it is written.
type configFile struct {
	Templates    []string                              `yaml:"templates"`
	Locale       string                                `yaml:"locale"`
	Timezone     string                                `yaml:"timezone"`
	DedupWindow  model.Duration                        `yaml:"dedup_window"`
	Retention    model.Duration                        `yaml:"retention"`
	MaxBodyBytes int64                                 `yaml:"max_body_bytes"`
	Retry        retryFile                             `yaml:"retry"`
	Channels     map[string]map[string]strictyaml.Node `yaml:"channels"`
	Routes       []routeFile                           `yaml:"routes"`
}

type retryFile struct {
	MinBackoff model.Duration `yaml:"min_backoff"`
	MaxBackoff model.Duration `yaml:"max_backoff"`
	Expire     model.Duration `yaml:"expire"`
}

type routeFile struct {
	Receiver string   `yaml:"receiver"`
	Matchers []string `yaml:"matchers"`
	Channels []string `yaml:"channels"`
	Continue bool     `yaml:"continue"`
}

func defaults() configFile {
	return configFile{
		Locale:       locales()[0],
		DedupWindow:  model.Duration(defaultDedupWindow),
		Retention:    model.Duration(defaultRetention),
		MaxBodyBytes: defaultMaxBodyBytes,
		Retry: retryFile{
			MinBackoff: model.Duration(defaultMinBackoff),
			MaxBackoff: model.Duration(defaultMaxBackoff),
			Expire:     model.Duration(defaultExpire),
		},
	}
}

// LoadConfig reads path and builds its channels, without connecting to
// anything. The error holds every problem found, each with file and line.
// The logger goes to the channels, and takes what is odd but no error.
func LoadConfig(path string, kinds Kinds, logger *slog.Logger) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := defaults()
	doc, err := strictyaml.Decode(path, data, &f)
	if err != nil {
		return nil, err
	}
	l := loader{file: f, doc: doc, dir: filepath.Dir(path), kinds: kinds, logger: logger}
	c := l.load()
	if err := l.errs.Err(); err != nil {
		return nil, err
	}
	c.File = path
	return c, nil
}

// loader turns the file into a Config and collects all that is wrong with it.
type loader struct {
	file   configFile
	doc    *strictyaml.Document
	dir    string
	kinds  Kinds
	logger *slog.Logger
	errs   strictyaml.Errors
}

func (l *loader) errorf(path strictyaml.Path, format string, args ...any) {
	l.errs = append(l.errs, l.doc.Errorf(path, format, args...))
}

func (l *loader) load() *Config {
	l.checkLimits()
	c := &Config{
		DedupWindow:  time.Duration(l.file.DedupWindow),
		Retention:    time.Duration(l.file.Retention),
		MaxBodyBytes: l.file.MaxBodyBytes,
		Retry: Retry{
			MinBackoff: time.Duration(l.file.Retry.MinBackoff),
			MaxBackoff: time.Duration(l.file.Retry.MaxBackoff),
			Expire:     time.Duration(l.file.Retry.Expire),
		},
	}
	words := l.wording()
	c.Zone = words.Zone
	c.Outlets = l.outlets(words)
	c.Router = l.router()
	l.warnUnused(c)
	return c
}

func (l *loader) checkLimits() {
	f := l.file
	if f.MaxBodyBytes < 1024 {
		l.errorf(strictyaml.Path{"max_body_bytes"}, "max_body_bytes: %d is too small for any webhook, expected at least 1024", f.MaxBodyBytes)
	}
	if f.Retention < model.Duration(time.Hour) {
		l.errorf(strictyaml.Path{"retention"}, "retention: %s is too short, expected at least 1h", f.Retention)
	}
	if f.Retry.MinBackoff <= 0 {
		l.errorf(strictyaml.Path{"retry", "min_backoff"}, "retry: min_backoff must be more than 0")
	}
	if f.Retry.MaxBackoff < f.Retry.MinBackoff {
		l.errorf(strictyaml.Path{"retry", "max_backoff"}, "retry: max_backoff %s is less than min_backoff %s", f.Retry.MaxBackoff, f.Retry.MinBackoff)
	}
	if f.Retry.Expire < f.Retry.MaxBackoff {
		l.errorf(strictyaml.Path{"retry", "expire"}, "retry: expire %s is less than max_backoff %s", f.Retry.Expire, f.Retry.MaxBackoff)
	}
}

func (l *loader) warnUnused(c *Config) {
	for _, o := range c.Outlets {
		if !c.Router.uses(o.Name) {
			l.logger.Warn("no route leads to this channel", "channel", o.Name)
		}
	}
}
