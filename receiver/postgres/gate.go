package postgres

import (
	"sync"

	"github.com/bongsu/bongsu/receiver"
)

// gate lets calls in until it is shut, and knows when the last has left.
type gate struct {
	mu     sync.Mutex
	closed bool
	inside sync.WaitGroup
}

// enter is paired with leave unless it returns receiver.ErrClosed.
func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return receiver.ErrClosed
	}
	g.inside.Add(1)
	return nil
}

func (g *gate) leave() { g.inside.Done() }

// shut reports whether it was open.
func (g *gate) shut() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := !g.closed
	g.closed = true
	return was
}

// wait returns when all have left a gate that was shut.
func (g *gate) wait() { g.inside.Wait() }
