package sms

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMeasure(t *testing.T) {
	t.Parallel()
	rep := strings.Repeat
	for _, c := range []struct {
		name, text string
		want       Size
	}{
		{"nothing", "", Size{GSM7, 0, 0}},
		{"one", "a", Size{GSM7, 1, 1}},
		{"full", rep("a", 160), Size{GSM7, 160, 1}},
		{"one more", rep("a", 161), Size{GSM7, 161, 2}},
		{"two full", rep("a", 306), Size{GSM7, 306, 2}},
		{"three", rep("a", 307), Size{GSM7, 307, 3}},
		{"euro", rep("€", 80), Size{GSM7, 160, 1}},
		{"euro over", rep("€", 81), Size{GSM7, 162, 2}},
		// 152 and an escape pair, which does not fit into the 153rd septet.
		{"pair at the edge", rep("a", 152) + "€" + rep("a", 152), Size{GSM7, 306, 3}},
		{"all of the alphabet", gsmBasic + gsmExtension, Size{GSM7, 127 + 20, 1}},
		{"hangul", rep("글", 70), Size{UCS2, 70, 1}},
		{"hangul over", rep("글", 71), Size{UCS2, 71, 2}},
		{"hangul two full", rep("글", 134), Size{UCS2, 134, 2}},
		{"hangul three", rep("글", 135), Size{UCS2, 135, 3}},
		{"emoji", rep("🔥", 35), Size{UCS2, 70, 1}},
		// 33 emoji fill 66 of 67 units: a surrogate pair is not split.
		{"emoji over", rep("🔥", 67), Size{UCS2, 134, 3}},
		{"one that is not GSM-7", rep("a", 70) + "ê", Size{UCS2, 71, 2}},
		{"backtick", "`", Size{UCS2, 1, 1}},
	} {
		if got := Measure(c.text); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
	if n := utf8.RuneCountInString(gsmBasic); n != 127 {
		t.Errorf("the alphabet has %d characters, want 127 and the escape", n)
	}
}

func TestFit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text, want string
		limits           limits
	}{
		{"no limit", strings.Repeat("글", 9999), strings.Repeat("글", 9999), limits{}},
		{"fits", "봉수", "봉수", limits{units: 2}},
		{"hangul", "봉수대에 연기", "봉수대에…", limits{units: 6}},
		{"ascii", "abcdefgh", "abcd...", limits{units: 7}},
		{"surrogates", "🔥🔥🔥", "🔥…", limits{units: 4}},
		{"family", "가👨‍👩‍👧‍👦나", "가…", limits{units: 9}},
		{"flags", "🇰🇷🇰🇷🇰🇷", "🇰🇷…", limits{units: 8}},
		{"accent", "e\u0301e\u0301e\u0301", "e\u0301…", limits{units: 4}},
		{"old hangul", "\u1112\u119e\u11ab글글", "...", limits{units: 3}},
		{"skin", "👍🏽👍🏽", "👍🏽…", limits{units: 6}},
		{"segments", strings.Repeat("a", 320), strings.Repeat("a", 303) + "...", limits{segments: 2}},
		// The one that would make it UCS-2 is cut away, and with it the need for "…".
		{"becomes GSM-7", strings.Repeat("a", 200) + "글", strings.Repeat("a", 157) + "...", limits{segments: 1}},
	} {
		got := fit(c.text, c.limits)
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if !c.limits.allow(got) {
			t.Errorf("%s: %q is over the limits", c.name, got)
		}
	}
}

func FuzzFit(f *testing.F) {
	f.Add("봉수대 🔥👨‍👩‍👧‍👦 e\u0301 smoke", 7, 1)
	f.Fuzz(func(t *testing.T, s string, units, segments int) {
		if !utf8.ValidString(s) || units < 3 || units > 2000 || segments < 0 || segments > 20 {
			t.Skip()
		}
		l := limits{units: units, segments: segments}
		got := fit(s, l)
		if !utf8.ValidString(got) || !l.allow(got) {
			t.Fatalf("got %q within %+v", got, l)
		}
	})
}
