package sms

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

// provider is one row of the table of providers: how a text is asked to be
// sent, and what the answer means. Each has a file of its own.
type provider struct {
	// max is the longest text that is taken, in UTF-16 units.
	max int
	// request writes the request for one text. It holds the secrets, so its
	// errors are scrubbed by the caller.
	request func(context.Context, text) (*http.Request, error)
	// judge reads an answer. Its error says retry, RetryAfter or Permanent.
	judge func(answer) (receiver.Receipt, error)
}

// text is one SMS to be sent.
type text struct {
	To, From, Text, Key string
	// Secret is the channel's, read for this request.
	Secret string
}

// answer is a provider's, read whole but for what nobody needs.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// verdict is what an answer is to the outbox.
type verdict int

const (
	retry verdict = iota // the default: anything not known to be final
	later                // the channel is told to slow down
	final
)

// apply makes err what v says.
func (v verdict) apply(a answer, err error) error {
	switch v {
	case later:
		return receiver.RetryAfter(retryAfter(a.header, time.Now()), err)
	case final:
		return receiver.Permanent(err)
	}
	return err
}

// byStatus is the verdict on a refusal of which only the HTTP status is known.
func byStatus(status int) verdict {
	switch status {
	case http.StatusTooManyRequests:
		return later
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return retry
	}
	if status >= 400 && status < 500 {
		return final
	}
	return retry
}

// retryAfter reads the header's seconds or date; zero, which leaves the time
// to the receiver, where it has neither.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.Atoi(value); err == nil {
		return max(0, time.Duration(s)*time.Second)
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
