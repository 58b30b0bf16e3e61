package prom

import (
	"errors"
	"log/slog"
	"net"
	"time"
)

// Defaults of Options. Where Prometheus has a flag for it, the value is Prometheus's own, but for MaxSamples.
const (
	DefaultAddress     = "127.0.0.1:9090"
	DefaultRetention   = 15 * 24 * time.Hour
	DefaultResendDelay = time.Minute
	// DefaultMaxSamples is a tenth of Prometheus's: a query that runs out of memory takes exporter and receiver with it.
	DefaultMaxSamples = 5_000_000
)

// Options of a Server. The zero value of everything but ConfigFile, DataDir and Logger is a usable default.
type Options struct {
	// ConfigFile is a standard prometheus.yml. Relative paths in it are relative to its directory.
	ConfigFile string
	// DataDir keeps the time series. One process at a time.
	DataDir string
	// Listener, when given, is used instead of Address, and belongs to the Server from New on.
	Listener net.Listener
	// Address is host:port of the HTTP API; DefaultAddress when empty.
	Address string
	// WebConfigFile is an exporter-toolkit web configuration: TLS, basic auth.
	WebConfigFile string
	// ExternalURL is how people reach the API; it stands in the links of alerts. The URL of the listener when empty.
	ExternalURL string
	// Retention is how long samples are kept when ConfigFile has no storage.tsdb.retention.
	Retention time.Duration
	// MaxSamples bounds what one query may hold in memory; each sample takes about 16 bytes.
	MaxSamples int
	// ResendDelay is how often an alert that goes on firing is sent to Alertmanager again.
	ResendDelay time.Duration
	// Logger is required.
	Logger *slog.Logger
}

func (o Options) withDefaults() (Options, error) {
	switch {
	case o.Logger == nil:
		return o, errors.New("prom: Options.Logger is required")
	case o.ConfigFile == "":
		return o, errors.New("prom: Options.ConfigFile is required")
	case o.DataDir == "":
		return o, errors.New("prom: Options.DataDir is required")
	}
	if o.Address == "" {
		o.Address = DefaultAddress
	}
	if o.Retention <= 0 {
		o.Retention = DefaultRetention
	}
	if o.MaxSamples <= 0 {
		o.MaxSamples = DefaultMaxSamples
	}
	if o.ResendDelay <= 0 {
		o.ResendDelay = DefaultResendDelay
	}
	return o, nil
}
