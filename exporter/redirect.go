package exporter

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"

	promconfig "github.com/prometheus/common/config"
)

var errRedirect = errors.New("redirect not followed")

const maxRedirects = 10

// originTransport sends a module's secrets to the host that the probe was for
// and to no other: once a redirect leads away, the rest of the way goes without
// credentials, client certificate, cookies and configured headers. It is
// stricter than net/http, which knows a few headers and trusts subdomains.
type originTransport struct {
	headers       http.Header
	home, foreign http.RoundTripper
}

func newOriginTransport(s *httpSettings, g *guard) (*originTransport, error) {
	home, err := promconfig.NewRoundTripperFromConfig(s.Client, "exporter", transportOptions(g)...)
	if err != nil {
		return nil, err
	}
	bare := promconfig.HTTPClientConfig{
		FollowRedirects: s.Client.FollowRedirects,
		EnableHTTP2:     s.Client.EnableHTTP2,
		ProxyConfig:     s.Client.ProxyConfig,
		TLSConfig: promconfig.TLSConfig{
			CA: s.Client.TLSConfig.CA, CAFile: s.Client.TLSConfig.CAFile,
			InsecureSkipVerify: s.Client.TLSConfig.InsecureSkipVerify,
			MinVersion:         s.Client.TLSConfig.MinVersion, MaxVersion: s.Client.TLSConfig.MaxVersion,
		},
	}
	foreign, err := promconfig.NewRoundTripperFromConfig(bare, "exporter", transportOptions(g)...)
	if err != nil {
		return nil, err
	}
	headers := http.Header{}
	for name, value := range s.Headers {
		headers.Set(name, value.Reveal())
	}
	return &originTransport{headers, home, foreign}, nil
}

// RoundTrip implements http.RoundTripper.
func (t *originTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	if leftHome(req) {
		for _, h := range []string{"Authorization", "Cookie", "Referer"} {
			req.Header.Del(h)
		}
		return t.foreign.RoundTrip(req)
	}
	maps.Copy(req.Header, t.headers)
	if host := t.headers.Get("Host"); host != "" {
		req.Host = host
	}
	return t.home.RoundTrip(req)
}

// CloseIdleConnections is what http.Client looks for.
func (t *originTransport) CloseIdleConnections() {
	for _, rt := range []http.RoundTripper{t.home, t.foreign} {
		if c, ok := rt.(interface{ CloseIdleConnections() }); ok {
			c.CloseIdleConnections()
		}
	}
}

// leftHome reports whether any redirect up to this request led to another
// origin. It stays so when a later one leads back.
func leftHome(req *http.Request) bool {
	for req.Response != nil && req.Response.Request != nil {
		previous := req.Response.Request
		if !sameOrigin(previous.URL, req.URL) {
			return true
		}
		req = previous
	}
	return false
}

// sameOrigin compares scheme, host and port. From http to https on the usual
// ports counts as staying.
func sameOrigin(from, to *url.URL) bool {
	if from.Hostname() != to.Hostname() {
		return false
	}
	if from.Scheme == to.Scheme {
		return port(from) == port(to)
	}
	return port(from) == "80" && to.Scheme == "https" && port(to) == "443"
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// redirect is http.Client.CheckRedirect.
func (s *httpSource) redirect(req *http.Request, via []*http.Request) error {
	switch {
	case !s.settings.Client.FollowRedirects:
		return http.ErrUseLastResponse
	case len(via) >= maxRedirects:
		return fmt.Errorf("%w: more than %d", errRedirect, maxRedirects)
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return fmt.Errorf("%w: scheme %q", errRedirect, req.URL.Scheme)
	case req.Body != nil && req.Body != http.NoBody && leftHome(req):
		return fmt.Errorf("%w: the body would go to another host", errRedirect)
	}
	return s.guard.checkURL(req.URL)
}
