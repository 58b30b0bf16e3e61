package receiver

import (
	"fmt"
	"strings"
	"time"
)

// duration tells how long something lasted, in its two largest units.
func duration(locale string, d time.Duration) string {
	units := [...]struct {
		size   time.Duration
		en, ko string
	}{
		{24 * time.Hour, "d", "일"},
		{time.Hour, "h", "시간"},
		{time.Minute, "m", "분"},
		{time.Second, "s", "초"},
	}
	d = max(d, 0).Truncate(time.Second)
	var parts []string
	for _, u := range units {
		n := d / u.size
		d -= n * u.size
		if n == 0 && (len(parts) > 0 || u.size > time.Second) {
			if len(parts) > 0 {
				break
			}
			continue
		}
		name := u.en
		if locale == "ko" {
			name = u.ko
		}
		if parts = append(parts, fmt.Sprintf("%d%s", n, name)); len(parts) == 2 {
			break
		}
	}
	return strings.Join(parts, " ")
}
