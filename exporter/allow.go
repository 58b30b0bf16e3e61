package exporter

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// allowSettings say what a module may ask. Each list that is there must agree.
type allowSettings struct {
	Schemes []string `yaml:"schemes"`
	// Hosts are names or addresses, as in URLs, with a port or without, or
	// *.example.org for all names below example.org.
	Hosts []string `yaml:"hosts"`
	// Networks are the addresses that may be dialled, in CIDR notation.
	Networks []string `yaml:"networks"`
}

// allowList is what a module may ask; nil is everything that the guard lets
// through.
type allowList struct {
	schemes, hosts []string
	networks       []netip.Prefix
}

// allowed checks a module's targets.
func (l *loader) allowed(path strictyaml.Path, m *Module, s *allowSettings) {
	if m.http == nil {
		if s != nil {
			l.errorf(path, "targets: is for http modules")
		}
		return
	}
	if s == nil {
		if carried := m.http.carries(); m.NeedsTarget() && len(carried) > 0 {
			l.errorf(path, "module %q asks whatever target it is told and carries credentials (%s): say with targets: {hosts: […]} which hosts they are for", m.name, strings.Join(carried, ", "))
		}
		return
	}
	m.allow = l.allowList(path, s)
	if len(m.allow.hosts) == 0 && len(m.allow.networks) == 0 {
		l.errorf(path, "targets: expected hosts or networks, or both")
	}
	if c := m.http.Client; len(m.allow.networks) > 0 && (c.ProxyURL.URL != nil || c.ProxyFromEnvironment) {
		l.errorf(with(path, "networks"), "networks: a proxy does the resolving, so that they could not be checked; use hosts")
	}
	if m.NeedsTarget() {
		return
	}
	if u, err := parseTarget(m.http.URL.Reveal()); err == nil {
		if err := m.allow.checkURL(u); err != nil {
			l.errorf(path, "module %q: its own url: %v", m.name, err)
		}
	}
}

func (l *loader) allowList(path strictyaml.Path, s *allowSettings) *allowList {
	a := &allowList{schemes: s.Schemes}
	for i, scheme := range s.Schemes {
		if scheme != "http" && scheme != "https" {
			l.errorf(with(path, "schemes", i), "scheme %q: expected http or https", scheme)
		}
	}
	for i, host := range s.Hosts {
		if !isHostPattern(host) {
			l.errorf(with(path, "hosts", i), "host %q: expected a name or an address, with a port or without, or *.example.org", host)
		}
		a.hosts = append(a.hosts, plainHost(host))
	}
	for i, text := range s.Networks {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			l.errorf(with(path, "networks", i), "network %q: expected CIDR notation such as 10.1.0.0/16", text)
		}
		a.networks = append(a.networks, p.Masked())
	}
	return a
}

func isHostPattern(host string) bool {
	rest := strings.TrimPrefix(host, "*.")
	u, err := url.Parse("//" + rest)
	return err == nil && u.Host == rest && u.Hostname() != "" && !strings.Contains(rest, "*")
}

// plainHost returns a host as names are compared.
func plainHost(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// checkURL checks what a URL says before anything is resolved.
func (a *allowList) checkURL(u *url.URL) error {
	if a == nil {
		return nil
	}
	if len(a.schemes) > 0 && !slices.Contains(a.schemes, u.Scheme) {
		return &forbiddenError{fmt.Sprintf("the scheme %q is not among the module's targets", u.Scheme)}
	}
	if len(a.hosts) > 0 && !a.hasHost(u) {
		return &forbiddenError{fmt.Sprintf("the host %q is not among the module's targets", u.Host)}
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
		return a.checkAddr(addr)
	}
	return nil
}

func (a *allowList) hasHost(u *url.URL) bool {
	host := plainHost(u.Hostname())
	return slices.ContainsFunc(a.hosts, func(pattern string) bool {
		if below, ok := strings.CutPrefix(pattern, "*"); ok {
			name, p, err := net.SplitHostPort(below)
			if err != nil {
				name, p = below, port(u)
			}
			return strings.HasSuffix(host, name) && len(host) > len(name) && p == port(u)
		}
		return pattern == host || pattern == "["+host+"]" || pattern == net.JoinHostPort(host, port(u))
	})
}

// checkAddr checks the address that a name was resolved to.
func (a *allowList) checkAddr(addr netip.Addr) error {
	if a == nil || len(a.networks) == 0 {
		return nil
	}
	addr = addr.WithZone("").Unmap()
	if slices.ContainsFunc(a.networks, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return nil
	}
	return &forbiddenError{fmt.Sprintf("%s is not in the networks of the module's targets", addr)}
}

// carries names what of the settings is secret to whom it is sent.
func (s *httpSettings) carries() []string {
	var found []string
	for key, there := range map[string]bool{
		"basic_auth": s.Client.BasicAuth != nil, "authorization": s.Client.Authorization != nil, "oauth2": s.Client.OAuth2 != nil,
		"bearer_token":         s.Client.BearerToken != "" || s.Client.BearerTokenFile != "",
		"a client certificate": s.Client.TLSConfig.Key != "" || s.Client.TLSConfig.KeyFile != "" || s.Client.TLSConfig.KeyRef != "",
	} {
		if there {
			found = append(found, key)
		}
	}
	names := slices.Collect(maps.Keys(s.Headers))
	if s.Client.HTTPHeaders != nil {
		for name, h := range s.Client.HTTPHeaders.Headers {
			if isSecretHeader(name) || len(h.Secrets) > 0 || len(h.Files) > 0 {
				found = append(found, "header "+name)
			}
		}
	}
	for _, name := range names {
		if isSecretHeader(name) {
			found = append(found, "header "+name)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// isSecretHeader reports whether a header's name speaks of credentials.
func isSecretHeader(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "cookie", "key", "token", "secret", "password", "session", "credential"}, func(word string) bool {
		return strings.Contains(name, word)
	})
}
