package sms

import (
	"strings"
	"testing"
)

// TestFitKeepsTheLink: what is wrong stands first, what to do stands last.
func TestFitKeepsTheLink(t *testing.T) {
	t.Parallel()
	const url = "https://wiki.example.org/r" // 26 units
	rep := strings.Repeat
	for _, c := range []struct {
		name, text, want string
		limits           limits
	}{
		{"at the end", "[위험] 봉수대 " + rep("글", 60) + "\n" + url, "[위험] 봉수대 " + rep("글", 23) + "…\n" + url, limits{units: 60}},
		{"GSM-7", "critical " + rep("a", 160) + " " + url, "critical " + rep("a", 121) + "...\n" + url, limits{segments: 1}},
		{"in the middle", "봉수대 " + rep("글", 40) + " " + url + rep(" 글", 40), "봉수대 " + rep("글", 28) + "…\n" + url, limits{units: 60}},
		{"the last of two", "http://a.b/1 " + rep("글", 60) + " " + url, "http://a.b/1 " + rep("글", 19) + "…\n" + url, limits{units: 60}},
		{"it is in what is left anyway", "봉수대 " + url + rep(" 글", 60), "봉수대 " + url + rep(" 글", 14) + "…", limits{units: 60}},
		{"too long to be worth it", "봉수대 " + rep("글", 60) + " https://x.org/" + rep("y", 40), "봉수대 " + rep("글", 55) + "…", limits{units: 60}},
		{"no half of a link", "봉수대 " + rep("글", 9) + " https://x.org/" + rep("y", 60), "봉수대 " + rep("글", 9) + "…", limits{units: 60}},
		{"nothing but a link", "https://x.org/" + rep("y", 60), "https://x.org/" + rep("y", 43) + "...", limits{units: 60}},
	} {
		got := fit(c.text, c.limits)
		if got != c.want {
			t.Errorf("%s:\ngot  %q\nwant %q", c.name, got, c.want)
		}
		if !c.limits.allow(got) {
			t.Errorf("%s: %q is over the limits", c.name, got)
		}
	}
}
