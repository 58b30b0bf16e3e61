package receiver

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// crew is the pools of a running receiver, one a channel. It is safe for
// concurrent use.
type crew struct {
	outbox  Outbox
	worker  string
	metrics *metrics
	logger  *slog.Logger

	sending context.Context // ends when sends under way are to be cut short
	cut     context.CancelFunc
	work    sync.WaitGroup

	mu     sync.Mutex
	ended  bool
	pools  []*pool
	pauses map[string]*pause
	relax  context.CancelFunc // ends the claiming of pools
}

func newCrew(outbox Outbox, worker string, m *metrics, logger *slog.Logger) *crew {
	c := &crew{outbox: outbox, worker: worker, metrics: m, logger: logger, pauses: map[string]*pause{}, relax: func() {}}
	c.sending, c.cut = context.WithCancel(context.Background())
	return c
}

// change hands over to new pools for cfg. The old ones claim nothing more and end
// after their sends under way; what these hold is leased, so that nobody else
// takes it meanwhile.
func (c *crew) change(cfg *Config) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.relax()
	claiming, relax := context.WithCancel(c.sending)
	c.relax = relax
	c.pools = nil
	for _, o := range cfg.Outlets {
		if c.pauses[o.Name] == nil {
			c.pauses[o.Name] = &pause{}
		}
		a := attempt{outlet: o, retry: cfg.Retry, metrics: c.metrics, logger: c.logger.With("channel", o.Name)}
		p := newPool(a, c.outbox, c.worker, c.pauses[o.Name])
		c.pools = append(c.pools, p)
		c.work.Go(func() { p.run(claiming, c.sending) })
	}
}

// signal wakes all pools.
func (c *crew) signal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.pools {
		p.signal()
	}
}

// end stops claiming, waits for the sends under way until grace is over, then
// cuts them short.
func (c *crew) end(grace time.Duration) error {
	c.mu.Lock()
	c.ended = true
	c.relax()
	c.mu.Unlock()
	defer c.cut()
	done := make(chan struct{})
	go func() {
		c.work.Wait()
		close(done)
	}()
	if within(done, grace) {
		return nil
	}
	c.logger.Warn("sends under way are cut short", "after", grace)
	c.cut()
	if !within(done, storeTimeout+grace) {
		return errors.New("a channel does not end its send; its delivery is sent again when the lease has run out")
	}
	return nil
}

func within(done <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}
