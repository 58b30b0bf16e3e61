package sms

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
)

// ruler says what fits, and how a cut is marked.
type ruler interface {
	allow(text string) bool
	// marked is the beginning of a text with the mark of a cut behind it.
	marked(begin string) string
}

// limits bound a text. Zero is no bound.
type limits struct {
	units    int // in UTF-16, as most providers count
	segments int
	bytes    int // in UTF-8
}

func (l limits) allow(text string) bool {
	if l.units > 0 && utf16Len(text) > l.units {
		return false
	}
	if l.bytes > 0 && len(text) > l.bytes {
		return false
	}
	return l.segments == 0 || Measure(text).Segments <= l.segments
}

func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// marked ends in "…"; where that would turn GSM-7 into UCS-2, and so halve what
// fits, in "...".
func (l limits) marked(begin string) string {
	begin = strings.TrimRightFunc(begin, unicode.IsSpace)
	if isGSM7(begin) {
		return begin + "..."
	}
	return begin + "…"
}

var link = regexp.MustCompile(`https?://\S+`)

// fit returns text, or as much of its beginning as r allows with a mark behind
// it: what is wrong and how bad stands there. The last link, which says what to
// do, is kept behind the mark if it takes no more than half of the room. The
// cut goes neither through a character, be it made of several code points, nor
// through a link.
func fit(text string, r ruler) string {
	if r.allow(text) {
		return text
	}
	places := starts(text)
	links := link.FindAllStringIndex(text, -1)
	short, _ := cut(text, outside(places, links), "", r)
	if len(links) > 0 {
		last := links[len(links)-1]
		url := text[last[0]:last[1]]
		if !strings.Contains(short, url) && r.allow(url+"\n"+url) {
			if s, ok := cut(text[:last[0]], outside(starts(text[:last[0]]), links), "\n"+url, r); ok {
				return s
			}
		}
	}
	if short == r.marked("") { // a link and nothing before it: half a link is better
		short, _ = cut(text, places, "", r)
	}
	return short
}

// cut returns the longest beginning of text that r allows with the mark and the
// tail behind it, and whether there is anything of it left.
func cut(text string, places []int, tail string, r ruler) (string, bool) {
	low, high := 0, len(places)-1 // cutting at places[low] fits, at places[high] doesn't
	for high-low > 1 {
		mid := (low + high) / 2
		if r.allow(r.marked(text[:places[mid]]) + tail) {
			low = mid
		} else {
			high = mid
		}
	}
	return r.marked(text[:places[low]]) + tail, low > 0
}

// outside leaves out the places within links.
func outside(places []int, links [][]int) []int {
	out := make([]int, 0, len(places))
	for _, p := range places {
		for len(links) > 0 && p >= links[0][1] {
			links = links[1:]
		}
		if len(links) == 0 || p <= links[0][0] {
			out = append(out, p)
		}
	}
	return out
}

// starts are the places where a character begins, and the end of the text.
func starts(text string) []int {
	at := make([]int, 0, len(text)/2)
	var before rune
	flags := 0 // regional indicators in a row: they make flags in pairs
	for i, r := range text {
		if i == 0 || !joins(before, r) && flags%2 == 0 {
			at = append(at, i)
		}
		flags = nextFlags(flags, r)
		before = r
	}
	return append(at, len(text))
}

func nextFlags(flags int, r rune) int {
	if r >= 0x1F1E6 && r <= 0x1F1FF {
		return flags + 1
	}
	return 0
}

// joins reports whether r belongs to the character that before is part of.
// Source: the rules of UAX #29 that matter here, and no table.
func joins(before, r rune) bool {
	const zwj = '\u200d'
	switch {
	case before == zwj, r == zwj:
		return true
	case before == '\r' && r == '\n':
		return true
	case r >= 0x1F3FB && r <= 0x1F3FF: // tones of skin
		return true
	case r >= 0x1160 && r <= 0x11FF, r >= 0xD7B0 && r <= 0xD7FF: // vowels and finals of old Hangul
		return true
	}
	return unicode.Is(unicode.M, r)
}
