package exporter

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// loader turns settings into modules and collects every mistake.
type loader struct {
	doc    *strictyaml.Document
	dir    string
	config *Config
	errs   strictyaml.Errors
	// seen is the first metric of each name in the whole file, and where.
	seen map[string]seenMetric
	// families are the names that OpenMetrics gives the metrics' families.
	families map[string]string
}

type seenMetric struct {
	metric Metric
	module string
}

func (l *loader) errorf(path strictyaml.Path, format string, args ...any) {
	l.errs = append(l.errs, l.doc.Errorf(path, format, args...))
}

// with returns path with more steps, never sharing memory with it.
func with(path strictyaml.Path, steps ...any) strictyaml.Path {
	return append(slices.Clone(path), steps...)
}

func (l *loader) file(f fileSettings) {
	l.seen, l.families = map[string]seenMetric{}, map[string]string{}
	if len(f.Modules) == 0 {
		l.errorf(nil, "no modules, expected modules: with at least one")
	}
	for _, name := range slices.Sorted(maps.Keys(f.Modules)) {
		path := strictyaml.Path{"modules", name}
		if name == "" {
			l.errorf(path, "a module needs a name")
		}
		if s := f.Modules[name]; s != nil {
			l.config.Modules[name] = l.module(path, name, s)
		} else {
			l.errorf(path, "module %q is empty, expected http or sql, and metrics", name)
		}
	}
}

func (l *loader) module(path strictyaml.Path, name string, s *moduleSettings) *Module {
	m := &Module{name: name, http: s.HTTP, sql: s.SQL}
	switch {
	case s.HTTP == nil && s.SQL == nil:
		l.errorf(path, "module %q has no source, expected one of http, sql", name)
	case s.HTTP != nil && s.SQL != nil:
		l.errorf(path, "module %q has two sources, expected one of http, sql", name)
	case s.HTTP != nil:
		l.http(with(path, "http"), s.HTTP)
		l.format(with(path, "http"), m, &s.HTTP.Answer)
	default:
		l.sql(with(path, "sql"), s.SQL)
	}
	if p := l.pass(with(path, "http", "prometheus"), s); p != nil {
		m.questions = append(m.questions, question{pass: p})
	} else if len(s.Metrics) == 0 {
		l.errorf(with(path, "metrics"), "module %q has no metrics, expected at least one", name)
	}
	l.allowed(with(path, "targets"), m, s.Targets)
	for i := range s.Metrics {
		l.metric(with(path, "metrics", i), m, &s.Metrics[i])
	}
	l.limits(path, m, s)
	return m
}

func (l *loader) http(path strictyaml.Path, s *httpSettings) {
	if !s.URL.IsZero() {
		if _, err := parseTarget(s.URL.Reveal()); err != nil {
			l.errorf(with(path, "url"), "url: %v", err)
		}
	}
	if s.Method == "" {
		s.Method = http.MethodGet
		if !s.Body.IsZero() {
			s.Method = http.MethodPost
		}
	}
	if !isToken(s.Method) {
		l.errorf(with(path, "method"), "%q is no HTTP method", s.Method)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		if !isToken(name) || strings.ContainsFunc(s.Headers[name].Reveal(), isControl) {
			l.errorf(with(path, "headers", name), "header %q cannot be sent: the name or the value has characters that HTTP does not allow", name)
		}
	}
	for i, code := range s.ValidStatusCodes {
		if code < 100 || code > 599 {
			l.errorf(with(path, "valid_status_codes", i), "%d is no HTTP status, expected 100 to 599", code)
		}
	}
	l.positive(with(path, "max_body_bytes"), "max_body_bytes", s.MaxBodyBytes)
	l.positive(with(path, "timeout"), "timeout", int64(s.Timeout))
	if s.MaxBodyBytes > 1<<31 {
		l.errorf(with(path, "max_body_bytes"), "max_body_bytes %d is above the limit of %d", s.MaxBodyBytes, int64(1)<<31)
	}
	if err := s.Client.Validate(); err != nil {
		l.errorf(path, "%v", err)
	}
	s.Client.SetDirectory(l.dir)
}

// positive refuses what would be no limit at all.
func (l *loader) positive(path strictyaml.Path, key string, value int64) {
	if value <= 0 {
		l.errorf(path, "%s must be above zero", key)
	}
}

// parseTarget reads a URL that may be asked. Its errors do not show it.
func parseTarget(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, fmt.Errorf("not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("the scheme is %q, expected http or https", u.Scheme)
	case u.Hostname() == "":
		return nil, fmt.Errorf("no host in the URL")
	}
	return u, nil
}

// isToken reports whether s is a token of RFC 9110, as methods and names of
// header fields are.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// drivers returns the names of drivers in a config, with those in database/sql.
func drivers() map[string]string {
	return map[string]string{"sqlite": "sqlite", "postgres": "pgx", "mysql": "mysql"}
}

func (l *loader) sql(path strictyaml.Path, s *sqlSettings) {
	if _, ok := drivers()[s.Driver]; !ok {
		l.errorf(with(path, "driver"), "unknown driver %q, %s", s.Driver, expected(s.Driver, slices.Sorted(maps.Keys(drivers()))))
	}
	if s.DSN.IsZero() == (s.DSNFile == "") {
		l.errorf(path, "set exactly one of dsn, dsn_file")
	}
	if s.DSNFile != "" && !filepath.IsAbs(s.DSNFile) {
		s.DSNFile = filepath.Join(l.dir, s.DSNFile)
	}
	l.positive(with(path, "timeout"), "timeout", int64(s.Timeout))
	l.positive(with(path, "max_open_conns"), "max_open_conns", int64(s.MaxOpenConns))
	l.positive(with(path, "max_rows"), "max_rows", int64(s.MaxRows))
}

// expected tells what a word should have been.
func expected(word string, candidates []string) string {
	if s := strictyaml.Suggest(word, candidates); s != "" {
		return fmt.Sprintf("did you mean %q?", s)
	}
	return "expected one of " + strings.Join(candidates, ", ")
}
