package sms

import (
	"strings"
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
