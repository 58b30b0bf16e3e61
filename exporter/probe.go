package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// RequestError is a probe that was not begun, because it asks for something
// that the config does not have or that is not allowed.
type RequestError struct{ Msg string }

// Error implements error.
func (e *RequestError) Error() string { return e.Msg }

func requestErrorf(format string, args ...any) error {
	return &RequestError{fmt.Sprintf(format, args...)}
}

func (c *Config) unknown(module string) error {
	hint := "known modules: " + strings.Join(c.names(), ", ")
	if s := strictyaml.Suggest(module, c.names()); s != "" {
		hint = fmt.Sprintf("did you mean %q? %s", s, hint)
	}
	return requestErrorf("unknown module %q; %s", module, hint)
}

// grace is how long a probe is waited for after its deadline. Sources end by
// themselves well within; the limit is for a driver that does not.
const grace = 250 * time.Millisecond

// Run probes one module, within its timeout and ctx. A failed probe is a Result
// too; the error is a *[RequestError] or [ErrClosed].
func (e *Exporter) Run(ctx context.Context, module string, t Target) (*Result, error) {
	return e.Do(ctx, Ask{Module: module, Target: t})
}

// Do is [Exporter.Run] with more to ask for.
func (e *Exporter) Do(ctx context.Context, a Ask) (*Result, error) {
	m, src, err := e.acquire(a.Module)
	if err != nil {
		return nil, err
	}
	source, err := e.sourceFor(m, src, a)
	if err != nil {
		e.release(src)
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, m.timeout())
	start := e.now()
	done := make(chan *Result, 1)
	e.metrics.inFlight.Inc()
	go func() {
		defer e.metrics.inFlight.Dec()
		defer e.release(src)
		defer cancel()
		if err := e.slots.take(ctx); err != nil {
			done <- m.failed(ReasonBusy, err)
			return
		}
		defer e.slots.give()
		done <- e.probe(ctx, m, source, a)
	}()
	r := m.await(ctx, done)
	e.metrics.probed(r, e.now().Sub(start))
	e.log(ctx, r, a.Target)
	return r, nil
}

// sourceFor returns what a probe is made with: the module's source, or the saved
// answer.
func (e *Exporter) sourceFor(m *Module, live Source, a Ask) (Source, error) {
	if a.Saved != nil {
		return e.saved(m, a.Saved)
	}
	return live, m.accepts(a.Target, e.guard)
}

// await returns what the probe gave, or a failure if the probe does not end
// with its time. That probe then ends when it likes, unheard.
func (m *Module) await(ctx context.Context, done <-chan *Result) *Result {
	select {
	case r := <-done:
		return r
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case r := <-done:
		return r
	case <-late.C:
		return m.failed(ReasonTimeout, errors.New("no answer in time, nor an end to the attempt"))
	}
}

// failed is what a probe gave that was not made.
func (m *Module) failed(reason Reason, err error) *Result {
	r := &Result{Module: m.name}
	r.failed = true
	r.fail(fetchFailure(reason, fmt.Errorf("module %q: %w", m.name, err)))
	return r
}

// accepts checks the target before anything is asked.
func (m *Module) accepts(t Target, g *guard) error {
	switch {
	case m.NeedsTarget() && t.URL == "":
		return requestErrorf("module %q asks what it is told to: the parameter target is missing, expected a URL", m.name)
	case m.NeedsTarget():
		u, err := parseTarget(t.URL)
		if err != nil {
			return requestErrorf("target: %v", err)
		}
		if u.User != nil && m.dialect == "" {
			return requestErrorf("target: credentials belong into the config, not into the URL")
		}
		if err := g.of(m).checkURL(u); err != nil {
			return requestErrorf("target: %v", err)
		}
	case t.URL != "":
		return requestErrorf("module %q names its own target: the parameter target is not for it", m.name)
	}
	return nil
}

// probe asks all questions of a module at once.
func (e *Exporter) probe(ctx context.Context, m *Module, src Source, a Ask) *Result {
	parts, given := make([]*Result, len(m.questions)), &atomic.Int64{}
	var wg sync.WaitGroup
	for i := range m.questions {
		wg.Go(func() { parts[i] = e.answer(ctx, m, &m.questions[i], src, a, given) })
	}
	wg.Wait()
	r := parts[0]
	for _, p := range parts[1:] {
		r.merge(p)
	}
	return r
}

// answer asks one question and reads what comes.
func (e *Exporter) answer(ctx context.Context, m *Module, q *question, src Source, ask Ask, given *atomic.Int64) (r *Result) {
	r = &Result{Module: m.name, outcome: outcome{given: given}}
	defer func() {
		// One odd answer must not take the other modules with it.
		if p := recover(); p != nil {
			r = &Result{Module: m.name}
			r.failed = true
			r.fail(decodeFailure(ReasonInternal, fmt.Errorf("module %q: defect: %v", m.name, p)))
		}
	}()
	if ask.Tell {
		r.story = newStory(m, e.now)
		defer func() { r.story.end(r) }()
	}
	start := e.now()
	a, err := src.Fetch(ctx, Query{Target: ask.Target, Text: q.text, Story: r.story})
	r.Fetch = e.now().Sub(start)
	if err != nil {
		r.failed = true
		r.fail(m.fetchFailed(q, err))
		return r
	}
	defer a.release()
	start = e.now()
	q.decode(ctx, m.name, a, &r.outcome)
	r.Decode = e.now().Sub(start)
	return r
}

// fetchFailed names the module, and the metric that a query is for.
func (m *Module) fetchFailed(q *question, err error) *Failure {
	var f *Failure
	if !errors.As(err, &f) {
		f = fetchFailure(ReasonInternal, err)
	}
	where := fmt.Sprintf("module %q", m.name)
	if m.sql != nil {
		where += fmt.Sprintf(": metric %q", q.groups[0].metrics[0].Name)
	}
	return &Failure{f.Stage, f.Reason, fmt.Errorf("%s: %w", where, f.Err)}
}

// merge adds what another question of the same probe gave. They ran at once, so
// the longer stage is how long it took.
func (r *Result) merge(o *Result) {
	r.Fetch, r.Decode = max(r.Fetch, o.Fetch), max(r.Decode, o.Decode)
	r.batches = append(r.batches, o.batches...)
	r.failed = r.failed || o.failed
	r.story.append(o.story)
	for _, f := range o.failures {
		r.fail(f)
	}
	for reason, n := range o.dropped {
		r.drop(reason, n)
	}
}

// log writes one line for each failure of a probe.
func (e *Exporter) log(ctx context.Context, r *Result, t Target) {
	for _, f := range r.failures {
		e.logger.WarnContext(ctx, "probe "+r.verdict(), "module", r.Module, "target", cmp.Or(redactTarget(t), "-"),
			"stage", f.Stage, "reason", f.Reason, "err", f.Err)
	}
}
