package receiver

import (
	"math/rand/v2"
	"time"
)

// maxPause bounds how long a far side can silence its channel with one answer.
const maxPause = time.Hour

// backoff is how long to wait after the given attempt failed: a random part of a
// bound that doubles from attempt to attempt ("full jitter"), so that what failed
// together does not come back together.
//
// Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
func (r Retry) backoff(attempt int) time.Duration {
	bound := r.MaxBackoff
	if shift := attempt - 1; shift < 30 && r.MinBackoff<<shift < bound {
		bound = r.MinBackoff << shift
	}
	return rand.N(bound + 1)
}
