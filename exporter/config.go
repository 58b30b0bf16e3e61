package exporter

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/internal/strictyaml"
)

// Defaults of what a module leaves out.
const (
	DefaultTimeout      = 10 * time.Second
	DefaultMaxBodyBytes = 16 << 20
	DefaultMaxRows      = 100_000
	DefaultMaxOpenConns = 3
	// DefaultMaxSamples is for one module.
	DefaultMaxSamples = 500_000
	// DefaultMaxLabelLength is in bytes.
	DefaultMaxLabelLength = 2048
)

// Config is a file that was read and found right: all its expressions are
// compiled. It is not changed after [ParseConfig], and printing it in any way
// shows no secret.
type Config struct {
	// Modules are the recipes by name.
	Modules map[string]*Module

	dialect string
	quirks  []Quirk
}

// String names the modules.
func (c *Config) String() string {
	return fmt.Sprintf("modules %s", strings.Join(c.names(), ", "))
}

// names returns the modules' names, sorted.
func (c *Config) names() []string { return slices.Sorted(maps.Keys(c.Modules)) }

// LoadConfig reads the file at path. Paths inside it are relative to its
// directory. A mistake in it is a strictyaml.Errors: all of them, each with its
// line.
func LoadConfig(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return ParseConfig(path, data)
}

// ParseConfig is [LoadConfig] for a file that was read already; name is its
// path.
func ParseConfig(name string, data []byte) (*Config, error) {
	if c, ok, err := parseForeign(name, data); ok {
		return c, err
	}
	var file fileSettings
	doc, err := strictyaml.Decode(name, data, &file)
	if err != nil {
		return nil, err
	}
	l := loader{doc: doc, dir: filepath.Dir(name), config: &Config{Modules: map[string]*Module{}}}
	l.file(file)
	if err := l.errs.Err(); err != nil {
		return nil, err
	}
	return l.config, nil
}

// The file as it is written.

type fileSettings struct {
	Modules map[string]*moduleSettings `yaml:"modules"`
}

type moduleSettings struct {
	HTTP           *httpSettings    `yaml:"http"`
	SQL            *sqlSettings     `yaml:"sql"`
	Targets        *allowSettings   `yaml:"targets"`
	MaxSamples     int              `yaml:"max_samples"`
	MaxLabelLength int              `yaml:"max_label_length"`
	Metrics        []metricSettings `yaml:"metrics"`
}

// UnmarshalYAML sets the defaults first.
func (s *moduleSettings) UnmarshalYAML(unmarshal func(any) error) error {
	type plain moduleSettings
	*s = moduleSettings{MaxSamples: DefaultMaxSamples, MaxLabelLength: DefaultMaxLabelLength}
	return unmarshal((*plain)(s))
}

type metricSettings struct {
	Name   string            `yaml:"name"`
	Type   string            `yaml:"type"`
	Help   string            `yaml:"help"`
	Unit   string            `yaml:"unit"`
	Query  string            `yaml:"query"`
	Rows   string            `yaml:"rows"`
	Labels map[string]string `yaml:"labels"`
	Value  string            `yaml:"value"`

	Convert   convertSettings   `yaml:",inline"`
	Histogram histogramSettings `yaml:",inline"`
}

type httpSettings struct {
	URL              secret.Text            `yaml:"url"`
	Method           string                 `yaml:"method"`
	Headers          map[string]secret.Text `yaml:"headers"`
	Body             secret.Text            `yaml:"body"`
	ValidStatusCodes []int                  `yaml:"valid_status_codes"`
	MaxBodyBytes     int64                  `yaml:"max_body_bytes"`
	Timeout          model.Duration         `yaml:"timeout"`
	Answer           formatSettings         `yaml:",inline"`
	// templatize makes Body a template over the request's parameters.
	templatize bool
	// Client must not be printed: its secrets show themselves to %+v and slog.
	Client promconfig.HTTPClientConfig `yaml:",inline"`
}

// UnmarshalYAML sets the defaults first. It does not validate, so that mistakes
// of single keys are all told with their lines.
func (s *httpSettings) UnmarshalYAML(unmarshal func(any) error) error {
	type plain httpSettings
	*s = httpSettings{
		MaxBodyBytes: DefaultMaxBodyBytes,
		Timeout:      model.Duration(DefaultTimeout),
		Answer:       formatSettings{MaxRows: DefaultMaxRows},
		Client:       promconfig.DefaultHTTPClientConfig,
	}
	return secret.RedactError(unmarshal((*plain)(s)))
}

// Format keeps the client's secrets out of every fmt verb.
func (s *httpSettings) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("http(<secret>)")) }

type sqlSettings struct {
	Driver          string         `yaml:"driver"`
	DSN             secret.Text    `yaml:"dsn"`
	DSNFile         string         `yaml:"dsn_file"`
	Timeout         model.Duration `yaml:"timeout"`
	MaxOpenConns    int            `yaml:"max_open_conns"`
	ConnMaxLifetime model.Duration `yaml:"conn_max_lifetime"`
	MaxRows         int            `yaml:"max_rows"`
}

// UnmarshalYAML sets the defaults first.
func (s *sqlSettings) UnmarshalYAML(unmarshal func(any) error) error {
	type plain sqlSettings
	*s = sqlSettings{
		Timeout:      model.Duration(DefaultTimeout),
		MaxOpenConns: DefaultMaxOpenConns,
		MaxRows:      DefaultMaxRows,
	}
	return unmarshal((*plain)(s))
}
