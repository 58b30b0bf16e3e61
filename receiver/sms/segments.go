package sms

import (
	"strings"
	"unicode"
	"unicode/utf16"
)

// Encoding is how a text travels, which decides how much of it fits into one
// segment.
type Encoding string

// The two encodings of SMS outside Korea.
const (
	GSM7 Encoding = "GSM-7"
	UCS2 Encoding = "UCS-2"
)

// The default alphabet of GSM 03.38 and its extension, whose characters take
// two septets: the escape and the character.
//
// Source: 3GPP TS 23.038, 6.2.1 and 6.2.1.1.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "\f^{}\\[~]|€"
)

// Size is what a text takes.
type Size struct {
	Encoding Encoding
	// Units are septets of GSM-7 or 16-bit units of UCS-2.
	Units int
	// Segments are what is paid for: none for an empty text.
	Segments int
}

// Measure counts exactly: a character that takes two units is never split over
// two segments, so a segment may end one unit early.
//
// Source: 3GPP TS 23.040, 9.2.3.24.1: a segment of several loses 6 octets to
// its header, which leaves 153 septets or 67 units.
func Measure(text string) Size {
	size := Size{Encoding: GSM7}
	single, part, width := 160, 153, septets
	if !isGSM7(text) {
		size.Encoding = UCS2
		single, part, width = 70, 67, utf16.RuneLen
	}
	used := part // of the last segment: full, so that the first character opens one
	for _, r := range text {
		w := width(r)
		size.Units += w
		if used+w > part {
			size.Segments++
			used = 0
		}
		used += w
	}
	if size.Units > 0 && size.Units <= single {
		size.Segments = 1
	}
	return size
}

func isGSM7(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return septets(r) == 0 })
}

// septets is 0 for what GSM-7 doesn't have.
func septets(r rune) int {
	switch {
	case strings.ContainsRune(gsmBasic, r):
		return 1
	case strings.ContainsRune(gsmExtension, r):
		return 2
	}
	return 0
}

// limits bound a text. Zero is no bound.
type limits struct {
	units    int // in UTF-16, as providers count
	segments int
}

func (l limits) allow(text string) bool {
	if l.units > 0 && utf16Len(text) > l.units {
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

// fit returns text, or as much of its beginning as the limits allow with a
// mark behind it. The mark is "…"; where that would turn GSM-7 into UCS-2, and
// so halve what fits, it is "...". The cut never goes through a character, be
// it made of several code points.
func fit(text string, l limits) string {
	if l.allow(text) {
		return text
	}
	at := starts(text)
	low, high := 0, len(at)-1 // cutting at at[low] fits, at at[high] doesn't
	for high-low > 1 {
		mid := (low + high) / 2
		if l.allow(marked(text[:at[mid]])) {
			low = mid
		} else {
			high = mid
		}
	}
	return marked(text[:at[low]])
}

func marked(s string) string {
	s = strings.TrimRightFunc(s, unicode.IsSpace)
	if isGSM7(s) {
		return s + "..."
	}
	return s + "…"
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
