package exporter

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"text/template"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"

	"github.com/bongsu/bongsu/internal/secret"
)

// httpSource asks over HTTP and keeps its connections alive between probes.
type httpSource struct {
	settings  *httpSettings
	client    *http.Client
	guard     *guard
	documents *documents
	read      reader
	body      *template.Template // nil: as it stands
}

// newHTTPSource returns the source of a module. An error is about files that
// the settings name.
func newHTTPSource(m *Module, g *guard, docs *documents) (*httpSource, error) {
	s, g := m.http, g.of(m)
	rt, err := newOriginTransport(s, g)
	if err != nil {
		return nil, err
	}
	src := &httpSource{settings: s, guard: g, documents: docs, read: m.read}
	if s.templatize {
		if src.body, err = compileBody(s.Body.Reveal()); err != nil {
			return nil, err
		}
	}
	if src.read == nil {
		src.read = readJSON
	}
	src.client = &http.Client{Transport: rt, CheckRedirect: src.redirect}
	return src, nil
}

// Fetch implements [Source].
func (s *httpSource) Fetch(ctx context.Context, q Query) (*Answer, error) {
	raw := q.Target.URL
	if raw == "" {
		raw = s.settings.URL.Reveal()
	}
	resp, err := s.ask(ctx, raw, q)
	if err != nil {
		return nil, fetchFailure(httpReason(ctx, err), secret.RedactError(err))
	}
	defer func() { _ = resp.Body.Close() }()
	q.Story.response(resp, s.valid(resp.StatusCode))
	if !s.valid(resp.StatusCode) {
		return nil, fetchFailure(ReasonStatus, fmt.Errorf("status %d", resp.StatusCode))
	}
	doc := s.documents.get()
	if err := s.receive(doc, resp); err != nil {
		s.documents.put(doc)
		return nil, fetchFailure(httpReason(ctx, err), secret.RedactError(err))
	}
	q.Story.body(doc.data)
	return &Answer{doc: doc, pool: s.documents, read: s.read}, nil
}

func (s *httpSource) ask(ctx context.Context, raw string, q Query) (*http.Response, error) {
	u, err := parseTarget(raw)
	if err != nil {
		return nil, err
	}
	if err := s.guard.checkURL(u); err != nil {
		return nil, err
	}
	var body io.Reader
	if !s.settings.Body.IsZero() {
		body = strings.NewReader(renderBody(s.body, s.settings.Body.Reveal(), q.Target.Params))
	}
	req, err := http.NewRequestWithContext(q.Story.follow(ctx, s.settings.Method, u), s.settings.Method, u.String(), body)
	if err != nil {
		return nil, err
	}
	// Asked for here, since the transport neither asks nor unpacks: the limit on
	// the body is one on what it unpacks to.
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("Accept", s.settings.Answer.accept())
	req.Header.Set("User-Agent", "bongsu/"+version.Version)
	return s.client.Do(req)
}

func (s *httpSource) valid(status int) bool {
	if len(s.settings.ValidStatusCodes) > 0 {
		return slices.Contains(s.settings.ValidStatusCodes, status)
	}
	return status >= 200 && status < 300
}

// receive reads the body into the document.
func (s *httpSource) receive(d *document, resp *http.Response) error {
	body := io.Reader(resp.Body)
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		z, err := gzip.NewReader(body)
		if err != nil {
			return fmt.Errorf("not gzip, though the header says so: %w", err)
		}
		body = z
	}
	limit := s.settings.MaxBodyBytes
	// One byte over: no more body than that may ask for a larger buffer.
	if n := resp.ContentLength; n > 0 && n <= limit {
		d.data = slices.Grow(d.data, int(n)+1)
	}
	return d.receive(io.LimitReader(body, limit+1), limit)
}

// receive appends what r gives, up to limit bytes.
func (d *document) receive(r io.Reader, limit int64) error {
	for {
		if len(d.data) == cap(d.data) {
			d.data = slices.Grow(d.data, max(4096, len(d.data)))
		}
		n, err := r.Read(d.data[len(d.data):cap(d.data)])
		d.data = d.data[:len(d.data)+n]
		if int64(len(d.data)) > limit {
			return fmt.Errorf("%w: the body has more than %d bytes", errTooLarge, limit)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Close implements [Source].
func (s *httpSource) Close() error {
	s.client.CloseIdleConnections()
	return nil
}

// transportOptions put the guard under every connection, those for tokens
// included.
func transportOptions(g *guard) []promconfig.HTTPClientOption {
	return []promconfig.HTTPClientOption{promconfig.WithDialContextFunc(g.dial)}
}
