package exporter

import (
	"bytes"
	"math"
	"strings"
	"time"
)

// parsePercent reads 28 % or 28 as 0.28.
func parsePercent(text []byte) (float64, error) {
	v, err := parseNumber(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(text), []byte("%"))))
	return v / 100, err
}

// parseBool reads a word for true as 1, one for false as 0.
func parseBool(text []byte) (float64, error) {
	switch strings.ToLower(string(bytes.TrimSpace(text))) {
	case "true", "t", "yes", "y", "on", "enabled", "1":
		return 1, nil
	case "false", "f", "no", "n", "off", "disabled", "0":
		return 0, nil
	}
	return 0, errNotNumber
}

// splitUnit parts a text into its first number and the word behind it.
func splitUnit(text string) (number float64, unit, rest string, err error) {
	text = strings.TrimSpace(text)
	i := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && !strings.ContainsRune("+-.", r) })
	if i < 0 {
		i = len(text)
	}
	if number, err = parseNumber([]byte(text[:i])); err != nil {
		return 0, "", "", errNotNumber
	}
	rest = strings.TrimLeft(text[i:], " ")
	i = strings.IndexAny(rest, " 0123456789+-.")
	if i < 0 {
		i = len(rest)
	}
	return number, rest[:i], strings.TrimSpace(rest[i:]), nil
}

// parseBytes reads 150G, 1.5 GiB or 512 as bytes. K, M, G, T, P, E, with B or
// without, are powers of 1000, or of 1024 if binary; Ki, Mi and so on are
// always powers of 1024. Upper and lower case are the same.
func parseBytes(text []byte, binary bool) (float64, error) {
	v, unit, rest, err := splitUnit(string(text))
	if err != nil || rest != "" {
		return 0, errNotNumber
	}
	unit = strings.TrimSuffix(strings.ToLower(unit), "b")
	if unit == "" || unit == "yte" || unit == "ytes" || unit == "bytes" || unit == "byte" {
		return v, nil
	}
	prefix, isBinary := strings.CutSuffix(unit, "i")
	power := strings.Index("kmgtpe", prefix) + 1
	if power == 0 || len(prefix) != 1 {
		return 0, errNotNumber
	}
	base := 1000.0
	if binary || isBinary {
		base = 1024
	}
	return v * math.Pow(base, float64(power)), nil
}

// durationUnits are what parseDuration knows, in seconds.
func durationUnit(unit string) (float64, bool) {
	switch strings.ToLower(unit) {
	case "ns":
		return 1e-9, true
	case "us", "µs", "μs":
		return 1e-6, true
	case "ms", "msec":
		return 1e-3, true
	case "s", "sec", "secs", "second", "seconds":
		return 1, true
	case "m", "min", "mins", "minute", "minutes":
		return 60, true
	case "h", "hr", "hrs", "hour", "hours":
		return 3600, true
	case "d", "day", "days":
		return 24 * 3600, true
	case "w", "week", "weeks":
		return 7 * 24 * 3600, true
	case "y", "year", "years":
		return 365 * 24 * 3600, true
	}
	return 0, false
}

// parseDuration reads 1h3m, 250 ms, 2 days 4 hours, 1:02:03, 3-01:02:03 or a
// number of seconds as seconds. A sign counts for all of it.
func parseDuration(text []byte) (float64, error) {
	s := strings.TrimSpace(string(text))
	if strings.Contains(s, ":") {
		return parseClock(s)
	}
	sign := 1.0
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		s, sign = rest, -1
	}
	total := 0.0
	for rest := s; ; {
		v, unit, behind, err := splitUnit(rest)
		if err != nil || v < 0 {
			return 0, errNotNumber
		}
		if unit == "" && behind == "" && rest == s {
			return sign * v, nil
		}
		size, ok := durationUnit(strings.TrimSuffix(unit, ","))
		if !ok {
			return 0, errNotNumber
		}
		total += v * size
		if rest = behind; rest == "" {
			return sign * total, nil
		}
	}
}

// parseClock reads hours:minutes:seconds or minutes:seconds, with days and a
// dash before it perhaps.
func parseClock(s string) (float64, error) {
	total := 0.0
	if days, clock, ok := strings.Cut(s, "-"); ok {
		v, err := parseNumber([]byte(days))
		if err != nil {
			return 0, errNotNumber
		}
		s, total = clock, v*24*3600
	}
	parts := strings.Split(s, ":")
	if len(parts) > 3 {
		return 0, errNotNumber
	}
	seconds := 0.0
	for i, part := range parts {
		v, err := parseNumber([]byte(part))
		if err != nil || v < 0 || i > 0 && v >= 60 {
			return 0, errNotNumber
		}
		seconds = seconds*60 + v
	}
	return total + seconds, nil
}

// parseTime reads a time as seconds of Unix time: RFC 3339, the same with a
// space or without a zone (UTC then), a date, an HTTP date, or a number of
// seconds, milliseconds, microseconds or nanoseconds, told apart by its size:
// seconds up to the year 5138.
func parseTime(text []byte) (float64, error) {
	if v, err := parseNumber(text); err == nil {
		for limit := 1e11; limit <= 1e17; limit *= 1000 {
			if math.Abs(v) < limit {
				return v / (limit / 1e11), nil
			}
		}
		return v / 1e9, nil
	}
	s := strings.TrimSpace(string(text))
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", time.DateTime, time.DateOnly,
		time.RFC1123, time.RFC1123Z, "2006-01-02T15:04:05Z0700",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return float64(t.Unix()) + float64(t.Nanosecond())/1e9, nil
		}
	}
	return 0, errNotNumber
}
