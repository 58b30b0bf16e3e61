package am

import (
	"errors"
	"log/slog"
	"net"
	"time"
)

// Defaults of Options, which are Alertmanager's own, but for the address: Alertmanager listens to everybody.
const (
	DefaultAddress   = "127.0.0.1:9093"
	DefaultRetention = 120 * time.Hour
)

// Options of a Server. The zero value of everything but ConfigFile, DataDir and Logger is a usable default.
type Options struct {
	// ConfigFile is a standard alertmanager.yml. Relative paths in it are relative to its directory.
	ConfigFile string
	// DataDir keeps the silences and the log of what was notified. One process at a time.
	DataDir string
	// Listener, when given, is used instead of Address, and belongs to the Server from New on.
	Listener net.Listener
	// Address is host:port of the HTTP API; DefaultAddress when empty.
	Address string
	// WebConfigFile is an exporter-toolkit web configuration: TLS, basic auth.
	WebConfigFile string
	// ExternalURL is how people reach the API; it stands in notifications. The URL of the listener when empty.
	ExternalURL string
	// Retention is how long resolved silences and the notification log are kept.
	Retention time.Duration
	// Logger is required.
	Logger *slog.Logger
}

func (o Options) withDefaults() (Options, error) {
	switch {
	case o.Logger == nil:
		return o, errors.New("am: Options.Logger is required")
	case o.ConfigFile == "":
		return o, errors.New("am: Options.ConfigFile is required")
	case o.DataDir == "":
		return o, errors.New("am: Options.DataDir is required")
	}
	if o.Address == "" {
		o.Address = DefaultAddress
	}
	if o.Retention <= 0 {
		o.Retention = DefaultRetention
	}
	return o, nil
}
