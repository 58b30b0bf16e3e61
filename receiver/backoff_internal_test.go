package receiver

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	r := Retry{MinBackoff: time.Second, MaxBackoff: 5 * time.Minute}
	for attempt, bound := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 9: 256 * time.Second, 10: 5 * time.Minute, 1000000: 5 * time.Minute} {
		var most time.Duration
		for range 1000 {
			d := r.backoff(attempt)
			if d < 0 || d > bound {
				t.Fatalf("attempt %d: got %s, want at most %s", attempt, d, bound)
			}
			most = max(most, d)
		}
		if most < bound/2 {
			t.Errorf("attempt %d: never more than %s of %s", attempt, most, bound)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration][2]string{
		-time.Second:                    {"0s", "0초"},
		0:                               {"0s", "0초"},
		1500 * time.Millisecond:         {"1s", "1초"},
		59 * time.Second:                {"59s", "59초"},
		60 * time.Second:                {"1m", "1분"},
		61 * time.Second:                {"1m 1s", "1분 1초"},
		2*time.Hour + 5*time.Minute + 1: {"2h 5m", "2시간 5분"},
		2*time.Hour + 5*time.Second:     {"2h", "2시간"},
		26 * time.Hour:                  {"1d 2h", "1일 2시간"},
		48*time.Hour + time.Minute:      {"2d", "2일"},
	} {
		if en, ko := duration("en", d), duration("ko", d); en != want[0] || ko != want[1] {
			t.Errorf("%s: got %q, %q, want %q, %q", d, en, ko, want[0], want[1])
		}
	}
}
