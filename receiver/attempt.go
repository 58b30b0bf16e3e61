package receiver

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"
)

// attempt is one try at a delivery, and what is decided from how it went.
type attempt struct {
	outlet  *Outlet
	retry   Retry
	metrics *metrics
	logger  *slog.Logger
}

// run renders and sends job and returns what to record. The pause is what the
// far side asked of the whole channel.
func (a attempt) run(ctx context.Context, job Job) (s Settlement, pause time.Duration) {
	began := time.Now()
	receipt, err := a.send(ctx, job)
	now := time.Now()
	a.metrics.attemptDuration.WithLabelValues(a.outlet.Name).Observe(now.Sub(began).Seconds())
	return a.judge(job, receipt, err, now)
}

func (a attempt) send(ctx context.Context, job Job) (receipt Receipt, err error) {
	ctx, cancel := context.WithTimeout(ctx, a.outlet.Timeout)
	defer cancel()
	// A channel that panics must not take the others with it.
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
			a.logger.Error("channel panicked", "delivery", job.ID, "attempt", job.Attempt, "err", err, "stack", string(debug.Stack()))
		}
	}()
	m, err := a.outlet.Renderer.Render(job)
	if err != nil {
		a.metrics.templateFailures.WithLabelValues(a.outlet.Name).Inc()
		a.logger.Error("template failed, sending plain text", "delivery", job.ID, "err", err)
	}
	return a.outlet.Channel.Send(ctx, m)
}

// panicked keeps the value of a panic out of logs and rows unless it is the
// runtime's own, for it may hold a secret.
func panicked(p any) error {
	if re, ok := p.(runtime.Error); ok {
		return fmt.Errorf("panic: %w", re)
	}
	return fmt.Errorf("panic: a value of type %T", p)
}

func (a attempt) judge(job Job, receipt Receipt, err error, now time.Time) (Settlement, time.Duration) {
	s := Settlement{ID: job.ID, Attempt: job.Attempt, At: now}
	if err == nil {
		s.Outcome, s.Receipt = OutcomeDelivered, receipt
		return s, 0
	}
	s.Error = clip(err.Error(), 2000)
	wait := a.retry.backoff(job.Attempt)
	pause, asked := RetryDelay(err)
	if asked {
		if pause <= 0 {
			pause = wait
		}
		pause = min(pause, maxPause)
		wait = max(wait, pause)
	}
	// The last attempt is made when the time to live ends, not a backoff before.
	expiry := job.CreatedAt.Add(a.retry.Expire)
	switch {
	case IsPermanent(err):
		s.Outcome, s.Cause = OutcomeDead, CausePermanent
	case !now.Before(expiry):
		s.Outcome, s.Cause = OutcomeDead, CauseExpired
	default:
		s.Outcome, s.NotBefore = OutcomeRetry, later(earlier(now.Add(wait), expiry), now.Add(pause))
	}
	return s, pause
}

// log writes the attempt's one line.
func (a attempt) log(ctx context.Context, job Job, s Settlement) {
	level, text := slog.LevelInfo, "delivered"
	attrs := []any{"delivery", job.ID, "attempt", job.Attempt, "to", job.Thread.To, "waited", s.At.Sub(job.CreatedAt).Round(time.Millisecond)}
	switch s.Outcome {
	case OutcomeRetry:
		level, text = slog.LevelWarn, "not delivered, trying again"
		attrs = append(attrs, "err", s.Error, "not_before", s.NotBefore)
	case OutcomeDead:
		level, text = slog.LevelError, "not delivered, given up"
		attrs = append(attrs, "err", s.Error, "cause", s.Cause)
	}
	a.logger.Log(ctx, level, text, attrs...)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
