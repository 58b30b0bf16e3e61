package receiver

import (
	"context"
	"errors"
	"time"
)

// Channel sends messages to one kind of far side. Implementations are safe for
// concurrent use. receiver/channeltest is the suite that every one passes.
type Channel interface {
	// Send hands m to the far side and returns its receipt. A nil error means
	// that the far side has taken responsibility for the message.
	//
	// An error means "try again later", unless it wraps one made by Permanent
	// (never again) or by RetryAfter (not before a stated time, and the whole
	// channel waits). Send returns as soon as ctx ends, whatever the far side
	// does, and never retries by itself: the outbox does. No error, and no
	// receipt, holds a secret.
	Send(ctx context.Context, m Message) (Receipt, error)
}

// Message is a rendered delivery, ready to be sent.
type Message struct {
	// Key is the delivery's: the same for every attempt.
	Key string
	// To is one recipient in the channel's own form: a mail address, a phone
	// number, a Slack channel.
	To string
	// Subject, Text and HTML are the rendered Texts of the channel; those that
	// the channel has no template for are empty.
	Subject, Text, HTML string
	// Plain: no template wrote Text, for one failed. It is the bare facts, in no
	// channel's markup, and must not be read as any.
	Plain bool
	// Status of the alerts in it, for colours and such.
	Status Status
	// Severity is the severity label that the alerts have in common, if any.
	Severity string
	// ThreadRef is the Ref of the last receipt in this thread's episode, empty
	// for the first message of it.
	ThreadRef string
	// Attempt counts from 1.
	Attempt int
}

// Receipt is the far side's word that it has taken a message.
type Receipt struct {
	// ID is what the far side calls the message, for the operator's questions
	// to the provider (queue id, SID, ts). May be empty.
	ID string `json:"id,omitempty"`
	// Ref is what the channel wants to be given as Message.ThreadRef with the
	// next message of the same thread. May be empty.
	Ref string `json:"ref,omitempty"`
	// Detail is a short human remark (the answer's text, number of segments).
	Detail string `json:"detail,omitempty"`
}

type permanentError struct{ err error }

func (e permanentError) Error() string { return e.err.Error() }
func (e permanentError) Unwrap() error { return e.err }

// Permanent marks err as final: no later attempt can succeed.
func Permanent(err error) error { return permanentError{err} }

// IsPermanent reports whether err wraps one made by Permanent.
func IsPermanent(err error) bool {
	_, ok := errors.AsType[permanentError](err)
	return ok
}

type retryAfterError struct {
	err   error
	delay time.Duration
}

func (e retryAfterError) Error() string { return e.err.Error() }
func (e retryAfterError) Unwrap() error { return e.err }

// RetryAfter marks err as the far side's wish to be left alone for delay. It
// holds for the whole channel, for that is what such answers (HTTP 429, SMTP
// 421) are about. A delay of zero leaves the time to the receiver's backoff.
func RetryAfter(delay time.Duration, err error) error { return retryAfterError{err, delay} }

// RetryDelay reports whether err wraps one made by RetryAfter, and its delay.
func RetryDelay(err error) (time.Duration, bool) {
	r, ok := errors.AsType[retryAfterError](err)
	return r.delay, ok
}
