package inbox

import "strings"

// The alphabet of GSM 03.38, written down here a second time on purpose: what
// the sender counts is checked against an independent count.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "^{}\\[~]|€\f"
)

// segments is the num_segments of a Twilio answer.
func segments(text string) int {
	single, part := 160, 153
	var sizes []int
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsmBasic, r):
			sizes = append(sizes, 1)
		case strings.ContainsRune(gsmExtended, r):
			sizes = append(sizes, 2)
		default:
			return packed(text, 70, 67)
		}
	}
	return pack(sizes, single, part)
}

func packed(text string, single, part int) int {
	var sizes []int
	for _, r := range text {
		sizes = append(sizes, units(string(r)))
	}
	return pack(sizes, single, part)
}

// pack counts the parts that characters of these sizes fill when none may be
// split over two parts.
func pack(sizes []int, single, part int) int {
	total, n, used := 0, 1, 0
	for _, s := range sizes {
		total += s
		if used+s > part {
			n, used = n+1, 0
		}
		used += s
	}
	if total <= single {
		return 1
	}
	return n
}
