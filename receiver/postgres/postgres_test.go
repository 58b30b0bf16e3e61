package postgres

import (
	"testing"

	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/outboxtest"
)

func TestExercise(t *testing.T) {
	t.Parallel()
	need(t)
	outboxtest.Exercise(t, func(t *testing.T) outboxtest.Engine {
		st := newStorage(t, shared)
		return outboxtest.Engine{Open: func(t *testing.T) receiver.Store { return st.open(t, Options{}) }}
	})
}
