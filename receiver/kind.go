package receiver

import (
	"log/slog"
	"time"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// Kinds are the kinds of channel that a receiver.yml may name, by the key that
// opens their section ("email", "sms", "slack"). It is a literal map in main,
// so that the compiler finds what is missing.
type Kinds map[string]Kind

// Kind builds one channel from its section of the config. It connects to
// nothing: a far side that is down must not keep a config from loading. Its
// errors come from Settings.Node, and so carry file and line.
type Kind func(Settings) (Built, error)

// Settings is what a Kind builds a channel from.
type Settings struct {
	// Name of the channel in the config.
	Name string
	// Node is the kind's section; Decode is strict.
	Node strictyaml.Node
	// Dir is the config file's directory; relative *_file paths start there.
	Dir string
	// Logger for what the channel has to say between sends.
	Logger *slog.Logger
}

// Common are the keys that every channel has. A kind's config holds it inline.
type Common struct {
	// SendResolved: the recipients want to hear of resolved alerts. Nil is yes.
	SendResolved *bool `yaml:"send_resolved"`
	// Locale of the built-in texts, "en" or "ko". Empty is the config's.
	Locale string `yaml:"locale"`
}

// Texts are the Alertmanager template texts that a channel's messages are
// rendered from, as written in the config or the kind's own defaults, such as
// `{{ template "bongsu.email.subject" . }}`. An empty one is not rendered.
type Texts struct {
	Subject, Text, HTML string
}

// Built is one channel, ready to send.
type Built struct {
	Channel Channel
	// To are the recipients; each gets a delivery of its own. A channel that
	// has one destination for all (a Slack webhook) names it here too.
	To     []string
	Texts  Texts
	Common Common
	// Timeout bounds one Send. Zero is the receiver's default.
	Timeout time.Duration
	// Concurrency is how many sends may be under way at once. Zero is the
	// receiver's default.
	Concurrency int
}
