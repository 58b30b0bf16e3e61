package exporter

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bongsu/bongsu/internal/secret"
)

// Story is what happened in one probe, as text for a person, without secrets.
// A nil Story takes no notes. It is safe for concurrent use: connections are
// made, and given up, in goroutines of their own.
type Story struct {
	now   func() time.Time
	start time.Time

	mu      sync.Mutex
	text    strings.Builder
	secrets []string
	// open says that a stranger chose the target, whose body is not for them.
	open    bool
	dropped int
}

const (
	storyBody    = 1 << 10 // of a body, in bytes
	storyDropped = 100     // samples that are told of one by one
)

func newStory(m *Module, now func() time.Time) *Story {
	s := &Story{now: now, start: now(), open: m.NeedsTarget() && m.allow == nil}
	if m.http != nil {
		s.secrets = m.http.secrets()
	}
	return s
}

// add notes a line. What it is made of must be without secrets, or redacted.
func (s *Story) add(format string, args ...any) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.text, "%8.1f ms  %s\n", float64(s.now().Sub(s.start).Microseconds())/1000, fmt.Sprintf(format, args...))
}

// append adds the notes of another question of the same probe.
func (s *Story) append(o *Story) {
	if s == nil || o == nil {
		return
	}
	text := o.String()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.WriteString("\n" + text)
}

// String returns the notes.
func (s *Story) String() string {
	if s == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// shownHeaders are those whose values are told; who knows what others carry.
var shownHeaders = []string{
	"Accept", "Accept-Encoding", "Cache-Control", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Etag", "Host", "Last-Modified",
	"Retry-After", "Server", "Transfer-Encoding", "User-Agent", "Vary",
}

// follow returns a context in which a request tells of itself.
func (s *Story) follow(ctx context.Context, method string, u *url.URL) context.Context {
	if s == nil {
		return ctx
	}
	s.add("request   %s %s", method, secret.RedactURL(u.String()))
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaderField:  s.header,
		DNSStart:          func(i httptrace.DNSStartInfo) { s.add("dns       asks for %s", i.Host) },
		DNSDone:           func(i httptrace.DNSDoneInfo) { s.add("dns       %v", i.Addrs) },
		ConnectStart:      func(_, addr string) { s.add("connect   to %s", addr) },
		ConnectDone:       func(_, addr string, err error) { s.add("connect   %s: %s", addr, outcomeOf(err)) },
		TLSHandshakeStart: func() { s.add("tls       handshake") },
		TLSHandshakeDone: func(c tls.ConnectionState, err error) {
			s.add("tls       %s, %s", tls.VersionName(c.Version), outcomeOf(err))
		},
		GotConn:              func(i httptrace.GotConnInfo) { s.add("send      reused connection: %t", i.Reused) },
		WroteRequest:         func(i httptrace.WroteRequestInfo) { s.add("sent      %s", outcomeOf(i.Err)) },
		GotFirstResponseByte: func() { s.add("first     byte of the answer") },
	})
}

func outcomeOf(err error) string {
	if err == nil {
		return "done"
	}
	return secret.RedactError(err).Error()
}

// header notes a header as it was sent, and keeps its value out of the rest.
func (s *Story) header(name string, values []string) {
	name = http.CanonicalHeaderKey(strings.TrimPrefix(name, ":"))
	if slices.Contains(shownHeaders, name) {
		s.add("          %s: %s", name, strings.Join(values, ", "))
		return
	}
	s.add("          %s: <secret>", name)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range values {
		s.secrets = append(s.secrets, v)
		scheme, credentials, _ := strings.Cut(v, " ")
		s.secrets = append(s.secrets, credentials)
		if text, err := base64.StdEncoding.DecodeString(credentials); scheme == "Basic" && err == nil {
			_, password, _ := strings.Cut(string(text), ":")
			s.secrets = append(s.secrets, password)
		}
	}
}

// response notes the head of an answer. Of one that does not count, the body is
// read here: it often says why.
func (s *Story) response(resp *http.Response, valid bool) {
	if s == nil {
		return
	}
	s.add("answer    %s %s", resp.Proto, resp.Status)
	for _, name := range shownHeaders {
		if v := resp.Header.Get(name); v != "" {
			s.add("          %s: %s", name, v)
		}
	}
	if !valid && resp.Header.Get("Content-Encoding") == "" {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, storyBody))
		s.body(text)
	}
}

// body notes the start of what was received.
func (s *Story) body(data []byte) {
	if s == nil {
		return
	}
	s.add("body      %d bytes", len(data))
	if s.open {
		s.add("          not shown: the module asks whatever it is told; with targets it would be")
		return
	}
	const more = 256 // so that no secret is cut in half and stays
	text := strings.ToValidUTF8(string(data[:min(len(data), storyBody+more)]), "\uFFFD")
	text = s.redact(text)
	if len(text) > storyBody {
		text = strings.ToValidUTF8(text[:storyBody], "") + " …"
	}
	for line := range strings.Lines(text) {
		s.add("          | %s", strings.TrimRight(line, "\r\n"))
	}
}

// secretFields finds values that are named like secrets, in JSON, XML, forms
// and the like.
var secretFields = regexp.MustCompile(`(?i)([\w.-]*(?:passw|secret|token|api_?-?key|credential|authorization|cookie|session)[\w.-]*["']?\s*[:=>]\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s"'&,;<>]+)`)

// redact takes secrets out of a text: those of the config, those that were sent,
// and what is named like one.
func (s *Story) redact(text string) string {
	s.mu.Lock()
	known := slices.Clone(s.secrets)
	s.mu.Unlock()
	// Names first: they would be found in what stands for secrets.
	text = secretFields.ReplaceAllString(text, "$1<secret>")
	slices.SortFunc(known, func(a, b string) int { return len(b) - len(a) })
	for _, k := range known {
		if len(k) >= 4 { // shorter ones are found in any text
			text = strings.ReplaceAll(text, k, "<secret>")
		}
	}
	return text
}

// rows notes what the answer was read as.
func (s *Story) rows(d *document, rows []Row) {
	if s == nil {
		return
	}
	s.add("rows      %d", len(rows))
	for i, r := range rows[:min(len(rows), 3)] {
		if text, err := d.marshal(r.at); err == nil && !s.open {
			s.add("          %d: %s", i+1, cutAt(s.redact(string(text)), 300))
		}
	}
}

func cutAt(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + " …"
}

// drop notes a sample that could not be given.
func (s *Story) drop(reason Reason, metric, what, expr string, err error) {
	if s == nil {
		return
	}
	if s.dropped++; s.dropped > storyDropped { // one goroutine decodes
		return
	}
	msg := err.Error()
	if s.open {
		msg = "not shown"
	}
	s.add("dropped   %s: %s: %s %s: %s", metric, reason, what, expr, cutAt(s.redact(msg), 300))
}

// end notes what came of it.
func (s *Story) end(r *Result) {
	if s == nil {
		return
	}
	if s.dropped > storyDropped {
		s.add("dropped   and %d more", s.dropped-storyDropped)
	}
	for _, f := range r.failures {
		msg := f.Err.Error()
		if s.open && f.Stage == StageDecode {
			msg = "not shown"
		}
		s.add("failure   %s: %s: %s", f.Stage, f.Reason, cutAt(s.redact(msg), 500))
	}
	s.add("end       %s", r.verdict())
}

// secrets are what of the settings must not be shown. What comes from files is
// seen when it is sent.
func (s *httpSettings) secrets() []string {
	list := []string{s.Body.Reveal(), string(s.Client.BearerToken)}
	for _, h := range s.Headers {
		list = append(list, h.Reveal())
	}
	if b := s.Client.BasicAuth; b != nil {
		list = append(list, string(b.Password))
	}
	if a := s.Client.Authorization; a != nil {
		list = append(list, string(a.Credentials))
	}
	if o := s.Client.OAuth2; o != nil {
		list = append(list, string(o.ClientSecret))
	}
	if u, err := url.Parse(s.URL.Reveal()); err == nil {
		if password, ok := u.User.Password(); ok {
			list = append(list, password)
		}
		for _, values := range u.Query() {
			list = append(list, values...)
		}
	}
	return list
}
