package stack

import (
	"context"
	"errors"
	"testing"
)

// TestFailedNamesThePart has one part end by itself and another one be stopped: only the first is told of.
func TestFailedNamesThePart(t *testing.T) {
	t.Parallel()
	s := &Stack{failed: make(chan error, 4), stopping: make(chan struct{})}
	cause := errors.New("도끼")
	broken := make(chan error, 1)
	s.watch(Exporter, broken)
	s.watch(Receiver, make(chan error))
	broken <- cause
	if err := <-s.Failed(); !errors.Is(err, cause) || err.Error() != "exporter: 도끼" {
		t.Errorf("got %v, want exporter: 도끼", err)
	}
	if err := errors.Join(s.Stop(context.Background()), s.Stop(context.Background())); err != nil {
		t.Error(err)
	}
	if n := len(s.failed); n > 0 {
		t.Errorf("%d more errors after the end, want none", n)
	}
}
