package exporter

import (
	"net/netip"
	"net/url"
	"testing"
)

func TestAllowList(t *testing.T) {
	t.Parallel()
	a := &allowList{
		schemes:  []string{"https"},
		hosts:    []string{"a.example.org", "*.b.example.org", "c.example.org:8443", "*.d.example.org:444", "10.1.2.3", "[fd12::1]", "봉수.example.org"},
		networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd12::/16")},
	}
	for raw, want := range map[string]bool{
		"https://a.example.org/": true, "https://A.example.org.:99/x": true, "http://a.example.org/": false,
		"https://x.a.example.org/": false, "https://aa.example.org/": false, "https://a.example.org.evil.test/": false,
		"https://x.b.example.org/": true, "https://x.y.b.example.org:1/": true, "https://b.example.org/": false, "https://xb.example.org/": false,
		"https://c.example.org:8443/": true, "https://c.example.org/": false,
		"https://x.d.example.org:444/": true, "https://x.d.example.org/": false,
		"https://10.1.2.3/": true, "https://10.1.2.4/": false, "https://[fd12::1]:8/": true, "https://[fd12::2]/": false,
		"https://a.example.org@evil.test/": false, "https://봉수.example.org/": true,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.checkURL(u); (err == nil) != want {
			t.Errorf("%s: %v, want allowed %v", raw, err, want)
		}
	}
	for addr, want := range map[string]bool{"10.9.9.9": true, "::ffff:10.9.9.9": true, "11.0.0.1": false, "127.0.0.1": false, "fd12::9": true} {
		if err := a.checkAddr(netip.MustParseAddr(addr)); (err == nil) != want {
			t.Errorf("%s: %v, want allowed %v", addr, err, want)
		}
	}
}
