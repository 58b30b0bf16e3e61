package exporter

import (
	"mime"
	"strconv"
	"strings"
)

// negotiate chooses the format from the Accept header: the one with the highest
// weight, the earlier of equals, the text format if nothing fits.
func negotiate(accept []string) format {
	best, weight := formatText, 0.0
	for item := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		media, params, err := mime.ParseMediaType(item)
		if err != nil {
			continue
		}
		f, ok := formatFor(media, params["version"])
		if q := quality(params); ok && q > weight {
			best, weight = f, q
		}
	}
	return best
}

func formatFor(media, version string) (format, bool) {
	switch media {
	case "application/openmetrics-text":
		return formatOpenMetrics, version == "" || version == "1.0.0" || version == "0.0.1"
	case "text/plain":
		return formatText, version == "" || version == "0.0.4"
	case "*/*", "text/*":
		return formatText, true
	}
	return formatText, false
}

func acceptsGzip(accept []string) bool {
	for item := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		coding, params, err := mime.ParseMediaType(item)
		if err == nil && (coding == "gzip" || coding == "*") {
			return quality(params) > 0
		}
	}
	return false
}

// quality returns the weight of an item, RFC 9110 section 12.4.2.
func quality(params map[string]string) float64 {
	q, err := strconv.ParseFloat(params["q"], 64)
	if err != nil {
		return 1
	}
	return q
}
