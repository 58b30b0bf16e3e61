package sms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

// provider is one row of the table of providers: how a text is asked to be
// sent, and what the answer means. Each has a file of its own.
type provider struct {
	// request writes the request for one text. It holds the secrets, so its
	// errors are scrubbed by the caller.
	request func(context.Context, text) (*http.Request, error)
	// judge reads an answer. Its error says retry, RetryAfter or Permanent.
	judge func(answer) (receiver.Receipt, error)
	// segments and bytes (of UTF-8) are the most that it takes, zero where it
	// counts otherwise.
	segments, bytes int
	// korean: it counts in bytes of EUC-KR.
	korean bool
}

// text is one SMS to be sent.
type text struct {
	To, From, Text, Key string
	// Title and Long are of Korea's LMS.
	Title string
	Long  bool
	// Secret is the channel's, read for this request.
	Secret string
}

// newForm and newJSON are the two ways in which providers want it.
func newForm(ctx context.Context, target string, form url.Values) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, errors.New("malformed URL") // it may hold secrets
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req, nil
}

func newJSON(ctx context.Context, target string, body any) (*http.Request, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // a link's & stays readable in what is logged there
	if err := enc.Encode(body); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, &b)
	if err != nil {
		return nil, errors.New("malformed URL") // it may hold secrets
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	return req, nil
}

// digits is a number of E.164 without its plus.
func digits(number string) string { return strings.TrimPrefix(number, "+") }

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
	accepted
)

// UnmarshalYAML reads a verdict by its name.
func (v *verdict) UnmarshalYAML(unmarshal func(any) error) error {
	var name string
	if err := unmarshal(&name); err != nil {
		return err
	}
	names := []string{retry: "retry", later: "later", final: "final", accepted: "accepted"}
	i := slices.Index(names, name)
	if i < 0 {
		return fmt.Errorf("verdict: expected one of accepted, final, later, retry, got %q", name)
	}
	*v = verdict(i)
	return nil
}

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
