package exporter

import (
	"context"
	"errors"
	"fmt"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

var (
	errTooMany   = errors.New("too many samples")
	errLongLabel = errors.New("too long for a label")
	errBusy      = errors.New("no place became free among the probes that may run at once")
)

// limits bound what decoding may give; 0 is no limit.
type limits struct {
	// rows are the records of an answer, and those that a rows expression gives.
	rows int
	// samples are those of all the module's metrics, dropped ones among them.
	samples int
	// labelLength is that of a label's value, in bytes.
	labelLength int
}

// limits checks a module's limits.
func (l *loader) limits(path strictyaml.Path, m *Module, s *moduleSettings) {
	l.positive(with(path, "max_samples"), "max_samples", int64(s.MaxSamples))
	l.positive(with(path, "max_label_length"), "max_label_length", int64(s.MaxLabelLength))
	m.limits = limits{samples: s.MaxSamples, labelLength: s.MaxLabelLength}
	if s.HTTP != nil {
		m.limits.rows = s.HTTP.Answer.MaxRows
	} else if s.SQL != nil {
		m.limits.rows = s.SQL.MaxRows
	}
	for i := range m.questions {
		m.questions[i].limits = m.limits
	}
}

// checkRows refuses the record behind the last.
func (l limits) checkRows(n int) error {
	if l.rows > 0 && n > l.rows {
		return fmt.Errorf("%w: more than %d rows", errTooLarge, l.rows)
	}
	return nil
}

func (l limits) checkLabel(value []byte) error {
	if l.labelLength > 0 && len(value) > l.labelLength {
		return fmt.Errorf("%w: %d bytes, more than %d", errLongLabel, len(value), l.labelLength)
	}
	return nil
}

// tick counts a record that gives n samples, and looks at the clock now and
// then.
func (d *decoder) tick(n int) error {
	if d.seen++; d.seen%1024 == 0 && d.ev.ctx.Err() != nil {
		return errOver
	}
	if given := d.out.given.Add(int64(n)); d.limits.samples > 0 && given > int64(d.limits.samples) {
		return fmt.Errorf("%w: more than %d", errTooMany, d.limits.samples)
	}
	return nil
}

// stopReason finds the reason of decoding that ended early.
func stopReason(err error) Reason {
	switch {
	case errors.Is(err, errOver):
		return ReasonTimeout
	case errors.Is(err, errTooMany):
		return ReasonTooManySamples
	case errors.Is(err, errTooLarge):
		return ReasonTooLarge
	}
	return ReasonRows
}

// slots is how many probes may run at once; nil is any number.
type slots chan struct{}

func newSlots(n int) slots {
	if n <= 0 {
		return nil
	}
	return make(slots, n)
}

// take waits for a place until ctx ends.
func (s slots) take(ctx context.Context) error {
	if s == nil {
		return nil
	}
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errBusy
	}
}

func (s slots) give() {
	if s != nil {
		<-s
	}
}
