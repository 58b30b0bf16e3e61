package exporter

import (
	"reflect"
	"time"

	"github.com/bongsu/bongsu/internal/secret"
)

// Module is one recipe, ready to run.
type Module struct {
	name string
	http *httpSettings // exactly one of these two is set
	sql  *sqlSettings
	// questions are what the source is asked, each once, with all that is read
	// from its answer.
	questions []question
	metrics   []*metric
	dialect   string // as of [Config.Dialect]
	read      reader // nil: the answer is JSON
	allow     *allowList
	limits    limits
}

// question is one query (the only one, for HTTP) and the groups of metrics that
// read its answer.
type question struct {
	text   string
	groups []group
	je     []jeGroup // of a module of json_exporter, in place of groups
	pass   *pass     // of format: prometheus: what goes through as it is
	limits limits
}

// group is the metrics that share rows and labels: the labels of a row are
// written once for all of them.
type group struct {
	rows    *expr // nil: each row as it is
	labels  []label
	metrics []*metric
}

type label struct {
	name  string
	value *expr
}

// metric is one entry of a module's list.
type metric struct {
	Metric
	value     *expr       // nil for a histogram
	convert   *conversion // nil: as it is
	timestamp *expr       // nil: none
	histogram *histogram
}

// Name returns the module's name.
func (m *Module) Name() string { return m.name }

// Kind returns the kind of its source: "http" or "sql".
func (m *Module) Kind() string {
	if m.http != nil {
		return "http"
	}
	return "sql"
}

// NeedsTarget reports whether a probe must say what to ask.
func (m *Module) NeedsTarget() bool { return m.http != nil && m.http.URL.IsZero() }

// Asks says in a few words what the module asks, without secrets.
func (m *Module) Asks() string {
	switch {
	case m.sql != nil:
		return m.sql.Driver
	case m.NeedsTarget():
		return "?target="
	}
	return secret.RedactURL(m.http.URL.Reveal())
}

// timeout is the longest that a probe of the module may take.
func (m *Module) timeout() time.Duration {
	if m.http != nil {
		return time.Duration(m.http.Timeout)
	}
	return time.Duration(m.sql.Timeout)
}

// sameSource reports whether both modules can use one source, so that a reload
// keeps its connections.
func (m *Module) sameSource(o *Module) bool {
	return reflect.DeepEqual(m.allow, o.allow) && reflect.DeepEqual(m.http, o.http) && reflect.DeepEqual(m.sql, o.sql)
}
