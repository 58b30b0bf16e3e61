package exporter

import (
	"math"
	"testing"
)

// TestParsers reads what people's services write. NaN stands for a refusal.
func TestParsers(t *testing.T) {
	t.Parallel()
	no := math.NaN()
	for parse, cases := range map[string]map[string]float64{
		"percent": {"28 %": 0.28, "28%": 0.28, " 28": 0.28, "-5.5 %": -0.055, "%": no, "": no, "28 %%": no, "28 percent": no},
		"bool":    {"true": 1, "YES": 1, " on ": 1, "1": 1, "enabled": 1, "False": 0, "off": 0, "0": 0, "예": no, "2": no, "": no},
		"bytes": {
			"512": 512, "150G": 150e9, "150 GB": 150e9, "1.5 GiB": 1.5 * (1 << 30), "1Ki": 1024, "10 kB": 10e3, "10KB": 10e3, "1 MiB": 1 << 20,
			"3 bytes": 3, "1 byte": 1, "7B": 7, "2t": 2e12, "-1K": -1000, "1e": 1e18, "G": no, "": no, "1 X": no, "1 Gi G": no, "1G2": no, "1i": no, "1kg": no, "1.2.3G": no,
		},
		"bytes_1024": {"150G": 150 * (1 << 30), "1 kB": 1024, "1KiB": 1024, "1": 1},
		"duration": {
			"1h3m": 3780, "250 ms": 0.25, "90": 90, "1.5": 1.5, "2 days 4 hours": 187200, "2 days, 4 hours": 187200, "1w": 604800, "1y2d": 31708800,
			"-1h30m": -5400, "5 µs": 5e-6, "1:02:03": 3723, "02:03": 123, "3-01:02:03": 262923, "12:00:00.5": 43200.5, "100:00:00": 360000,
			"1h 3": no, "3 4": no, "h": no, "": no, "1h-3m": no, "1:60": no, "1:2:3:4": no, "1 fortnight": no, "1시간": no, "x-1:2": no,
		},
		"time": {
			"2026-11-22T09:00:00Z": 1795338000, "2026-11-22T18:00:00.25+09:00": 1795338000.25, "2026-11-22 09:00:00": 1795338000, "2026-11-22T09:00:00": 1795338000,
			"2026-11-22": 1795305600, "Sun, 22 Nov 2026 09:00:00 GMT": 1795338000, "2026-11-22T18:00:00+0900": 1795338000,
			"1795338000": 1795338000, "1795338000.5": 1795338000.5, "1795338000500": 1795338000.5, "1795338000500000": 1795338000.5, "1795338000500000000": 1795338000.5,
			"-86400": -86400, "0": 0, "": no, "soon": no, "2026-13-01": no, "어제": no,
		},
	} {
		for text, want := range cases {
			got, err := parsers()[parse]([]byte(text))
			if math.IsNaN(want) != (err != nil) || err == nil && math.Abs(got-want) > 1e-9*math.Abs(want) {
				t.Errorf("%s: %q: got %v, %v, want %v", parse, text, got, err, want)
			}
		}
	}
}

// FuzzParsers: nothing makes them panic, and what is no error is a number.
func FuzzParsers(f *testing.F) {
	for _, s := range []string{"1h3m", "28 %", "1.5 GiB", "3-01:02:03", "2026-11-22T09:00:00Z", "-", "1e400", "한글"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, parse := range parsers() {
			if v, err := parse([]byte(s)); err == nil && math.IsNaN(v) {
				t.Errorf("%s: %q: NaN", name, s)
			}
		}
	})
}
