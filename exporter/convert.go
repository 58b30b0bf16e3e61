package exporter

import (
	"maps"
	"slices"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// convertSettings are short keys for what would take more jq.
type convertSettings struct {
	// Map gives numbers for texts; what it does not have is read without it.
	Map map[string]float64 `yaml:"map"`
	// Parse says what a text means: see parsers.
	Parse string `yaml:"parse"`
	// Scale multiplies the number.
	Scale *float64 `yaml:"scale"`
	// Default stands for null and for what is not there.
	Default *float64 `yaml:"default"`
	// Timestamp is an expression for when the sample was true.
	Timestamp string `yaml:"timestamp"`
}

// conversion turns the result of a value's expression into a number.
type conversion struct {
	table    map[string]float64
	parse    func(text []byte) (float64, error)
	scale    float64
	fallback *float64
}

// parsers are what parse: may say, and what it makes of a text.
func parsers() map[string]func([]byte) (float64, error) {
	return map[string]func([]byte) (float64, error){
		"bool":       parseBool,
		"bytes":      func(text []byte) (float64, error) { return parseBytes(text, false) },
		"bytes_1024": func(text []byte) (float64, error) { return parseBytes(text, true) },
		"duration":   parseDuration,
		"percent":    parsePercent,
		"time":       parseTime,
	}
}

// conversion checks the short keys of a metric; nil means that there are none.
func (l *loader) conversion(path strictyaml.Path, name string, s *convertSettings) *conversion {
	if s.Map == nil && s.Parse == "" && s.Scale == nil && s.Default == nil {
		return nil
	}
	c := &conversion{table: s.Map, parse: parseNumber, scale: 1, fallback: s.Default}
	if s.Parse != "" {
		all := parsers()
		if c.parse = all[s.Parse]; c.parse == nil {
			l.errorf(with(path, "parse"), "metric %q: unknown parse %q, %s", name, s.Parse, expected(s.Parse, slices.Sorted(maps.Keys(all))))
		}
	}
	if s.Scale != nil {
		if c.scale = *s.Scale; c.scale == 0 {
			l.errorf(with(path, "scale"), "metric %q: scale 0 would make every value 0", name)
		}
	}
	return c
}

// number is [number] with the conversion in between. A default is not scaled.
func (c *conversion) number(found cell) (float64, error) {
	switch {
	case c == nil:
		return number(found)
	case found.kind == kindNull && c.fallback != nil:
		return *c.fallback, nil
	case c.table != nil:
		if v, ok := c.table[string(appendLabelValue(nil, found))]; ok {
			return v * c.scale, nil
		}
	}
	v, err := 0.0, error(nil)
	if found.kind == kindNumber || found.kind == kindString {
		v, err = c.parse(found.text)
	} else {
		v, err = number(found)
	}
	return v * c.scale, err
}

// time reads the timestamp of a row; null is none.
func (d *decoder) time(c *column, at uint32) error {
	found, err := d.ev.one(c.metric.timestamp, at)
	if err != nil || found.kind == kindNull {
		return err
	}
	seconds, err := parseTime(found.text)
	if err != nil || found.kind != kindNumber && found.kind != kindString {
		return &notNumberError{found}
	}
	c.setTime(len(c.values), seconds)
	return nil
}
