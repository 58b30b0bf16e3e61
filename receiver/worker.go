package receiver

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// poll is the longest that a due delivery waits for a lost wake-up, or for
	// another process that made it due.
	poll = time.Second
	// leaseMargin is what a lease lasts beyond the longest Send: the time to
	// claim, render and record the outcome.
	leaseMargin = 30 * time.Second
	// storeTimeout bounds one operation of the outbox.
	storeTimeout = 10 * time.Second
	// maxStoreWait bounds the wait between two tries at an outbox that fails.
	maxStoreWait = 5 * time.Second
)

// pool sends the deliveries of one channel, as many at once as its concurrency
// allows. While an outcome could not be recorded it claims nothing, so that what
// the far side already has is not sent again when its lease runs out.
type pool struct {
	attempt
	outbox Outbox
	worker string
	pause  *pause

	wake   chan struct{} // something may have become claimable
	slots  chan struct{} // holds one value for each send under way
	unsaid atomic.Int32  // outcomes that the outbox has refused so far
	sends  sync.WaitGroup
}

func newPool(a attempt, outbox Outbox, worker string, p *pause) *pool {
	return &pool{
		attempt: a, outbox: outbox, worker: worker, pause: p,
		wake:  make(chan struct{}, 1),
		slots: make(chan struct{}, a.outlet.Concurrency),
	}
}

// signal says that something may have become claimable. It never blocks.
func (p *pool) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run claims and sends until claiming ends, then waits for the sends under way.
// These see the end of sending, which comes later and cuts them short.
func (p *pool) run(claiming, sending context.Context) {
	defer p.sends.Wait()
	failures := 0
	for p.ready(claiming) {
		jobs, err := p.claim(claiming)
		if err != nil {
			failures++
			p.metrics.storeErrors.WithLabelValues("claim").Inc()
			p.logger.Error("outbox gives no work", "err", err)
			sleep(claiming, storeWait(failures))
			continue
		}
		failures = 0
		for _, job := range jobs {
			p.start(sending, job)
		}
		if len(jobs) == 0 {
			p.idle(claiming)
		}
	}
}

// ready waits until the channel may claim: it has a free slot, is not paused, and
// owes the outbox no outcome. False means the end.
func (p *pool) ready(ctx context.Context) bool {
	for ctx.Err() == nil {
		wait := p.pause.left(time.Now())
		p.metrics.paused.WithLabelValues(p.outlet.Name).Set(boolean(wait > 0))
		if wait > 0 {
			sleep(ctx, wait)
			continue
		}
		if p.unsaid.Load() > 0 {
			p.idle(ctx)
			continue
		}
		select {
		case p.slots <- struct{}{}:
			<-p.slots
			return true
		case <-ctx.Done():
		}
	}
	return false
}

// claim asks for as much as there are free slots. The end of ctx does not stop
// it half-way: that would leave a lease that nobody works on.
func (p *pool) claim(ctx context.Context) ([]Job, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	return p.outbox.Claim(ctx, Claim{
		Worker:  p.worker,
		Channel: p.outlet.Name,
		Limit:   cap(p.slots) - len(p.slots),
		Now:     time.Now(),
		Lease:   p.outlet.Timeout + leaseMargin,
	})
}

func (p *pool) start(ctx context.Context, job Job) {
	p.slots <- struct{}{}
	p.sends.Go(func() {
		defer func() { <-p.slots }()
		s, pause := p.attempt.run(ctx, job)
		p.pause.extend(s.At.Add(pause))
		p.settle(ctx, job, s)
	})
}

// settle records the outcome, however long it takes, or until ctx ends: then the
// lease runs out and the delivery is sent again, as after a crash.
func (p *pool) settle(ctx context.Context, job Job, s Settlement) {
	for failures := 0; ; failures++ {
		err := p.record(ctx, s)
		if failures == 0 && err != nil {
			p.unsaid.Add(1)
			defer p.signal()
			defer p.unsaid.Add(-1)
		}
		switch {
		case err == nil:
			p.metrics.ended(job, s)
			p.log(ctx, job, s)
			return
		case errors.Is(err, ErrFenced):
			p.metrics.fenced.WithLabelValues(p.outlet.Name).Inc()
			p.logger.Warn("outcome came too late, the delivery was taken over", "delivery", job.ID, "attempt", job.Attempt, "outcome", s.Outcome)
			return
		}
		p.metrics.storeErrors.WithLabelValues("settle").Inc()
		p.logger.Error("outcome is not recorded yet", "delivery", job.ID, "attempt", job.Attempt, "outcome", s.Outcome, "err", err)
		if sleep(ctx, storeWait(failures+1)); ctx.Err() != nil {
			return
		}
	}
}

func (p *pool) record(ctx context.Context, s Settlement) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	return p.outbox.Settle(ctx, s)
}

// idle waits for a wake-up, or the time to look anyway.
func (p *pool) idle(ctx context.Context) {
	t := time.NewTimer(poll)
	defer t.Stop()
	select {
	case <-p.wake:
	case <-t.C:
	case <-ctx.Done():
	}
}

// pause is how long a channel leaves its far side alone. It outlives the pool,
// so that a reload does not forget it. It is safe for concurrent use.
type pause struct {
	mu    sync.Mutex
	until time.Time
}

func (p *pause) extend(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = later(p.until, until)
}

func (p *pause) left(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.until.Sub(now)
}

func storeWait(failures int) time.Duration {
	return min(maxStoreWait, 50*time.Millisecond<<min(failures, 10))
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
