package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bongsu/bongsu/receiver/inbox"
)

// limits bound how long a hop may take before it counts as missed.
type limits struct{ Prometheus, Webhook, Channel time.Duration }

// usualLimits are generous: a hop that takes longer on a busy machine is broken all the same.
func usualLimits() limits { return limits{15 * time.Second, 15 * time.Second, 20 * time.Second} }

// hop is one step of an incident's way, as it shows from outside.
type hop struct {
	name   string
	within time.Duration
	look   func(context.Context) (sight, error)
}

// sight is what a look at a hop has found.
type sight struct {
	seen bool
	// at is when it happened; zero means just now.
	at time.Time
	// text tells what was seen or, as long as it wasn't, what is known.
	text string
}

// missed is the error of an incident that came no further.
type missed struct {
	act, hop string
	within   time.Duration
	known    string
}

func (e *missed) Error() string {
	s := fmt.Sprintf("hop %q of the %s alert: not seen within %s", e.hop, e.act, e.within)
	if e.known != "" {
		s += ": " + e.known
	}
	return s
}

// glance is how long one looks away between two looks.
const glance = 50 * time.Millisecond

// follow watches for the hops, stage by stage, those of one stage in any order, and notes each in the act as it is seen. It gives up at the
// first stage that has a hop missed, after the others of that stage had their time.
func follow(ctx context.Context, a *act, stages [][]hop) error {
	a.expect(stages)
	defer a.over()
	for _, stage := range stages {
		if err := followStage(ctx, a, stage); err != nil {
			return err
		}
	}
	return nil
}

func followStage(ctx context.Context, a *act, stage []hop) error {
	var errs []error
	began := time.Now()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	known := map[string]string{}
	for open := stage; len(open) > 0; {
		var still []hop
		for _, h := range open {
			s, err := h.look(ctx)
			if err != nil {
				s = sight{text: err.Error()}
			}
			known[h.name] = s.text
			switch {
			case s.seen:
				a.saw(h.name, s)
			case time.Since(began) > h.within:
				miss := &missed{a.name, h.name, h.within, known[h.name]}
				a.miss(miss)
				errs = append(errs, miss)
			default:
				still = append(still, h)
			}
		}
		open = still
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	a.next()
	return errors.Join(errs...)
}

// skew is how much earlier than the incident its alert may seem to be active: Prometheus dates a sample by the start of its scrape.
const skew = time.Second

// run is one incident under way, with what its hops have found out for those behind them.
type run struct {
	incident
	line         *line
	began, ended time.Time
	fingerprint  string
}

// The two acts of an incident.
const (
	firing   = "firing"
	resolved = "resolved"
)

func (r *run) firingHops(l limits) [][]hop {
	return [][]hop{
		{{"polled", l.Prometheus, r.polled}},
		{{"pending", l.Prometheus, r.pending}},
		{{"firing", l.Prometheus, r.firing}},
		{{"grouped", l.Prometheus, r.grouped}},
		{{"webhook", l.Webhook, r.webhook(firing)}},
		r.channels(l, firing),
	}
}

func (r *run) resolvedHops(l limits) [][]hop {
	return [][]hop{
		{{"polled", l.Prometheus, r.recovered}},
		{{"resolved", l.Prometheus, r.resolved}},
		{{"webhook", l.Webhook, r.webhook(resolved)}},
		r.channels(l, resolved),
	}
}

func (r *run) channels(l limits, status string) (hops []hop) {
	for _, m := range []inbox.Medium{inbox.Email, inbox.SMS, inbox.Slack} {
		hops = append(hops, hop{string(m), l.Channel, r.channel(m, status)})
	}
	return hops
}

func (r *run) polled(ctx context.Context) (sight, error) {
	value, ok, err := r.line.sample(ctx, r.query)
	metric, _, _ := strings.Cut(r.query, " ")
	return sight{seen: ok, text: metric + " is " + value + " in Prometheus"}, err
}

func (r *run) recovered(ctx context.Context) (sight, error) {
	_, still, err := r.line.sample(ctx, r.query)
	return sight{seen: err == nil && !still, text: "Prometheus knows that the shop is well"}, err
}

func (r *run) pending(ctx context.Context) (sight, error) {
	a, err := r.line.alert(ctx, r.alert, r.began.Add(-skew))
	return sight{seen: a.State == "pending" || a.State == "firing", text: r.alert + " is " + a.State}, err
}

func (r *run) firing(ctx context.Context) (sight, error) {
	a, err := r.line.alert(ctx, r.alert, r.began.Add(-skew))
	return sight{seen: a.State == "firing", text: r.alert + " is " + a.State}, err
}

func (r *run) resolved(ctx context.Context) (sight, error) {
	a, err := r.line.alert(ctx, r.alert, r.began.Add(-skew))
	return sight{seen: err == nil && a.State == "inactive", text: r.alert + " is " + a.State}, err
}

func (r *run) grouped(ctx context.Context) (s sight, err error) {
	r.fingerprint, err = r.line.grouped(ctx, r.alert, r.began)
	if r.fingerprint == "" {
		return sight{text: "Alertmanager has not heard of " + r.alert}, err
	}
	return sight{seen: true, text: "Alertmanager has it, and waits for more of its group"}, err
}

func (r *run) webhook(status string) func(context.Context) (sight, error) {
	return func(ctx context.Context) (sight, error) {
		ds, err := r.line.deliveries(ctx, r.fingerprint, status, r.since(status))
		if len(ds) == 0 {
			return sight{text: "the receiver has accepted nothing that says " + status}, err
		}
		at := ds[len(ds)-1].CreatedAt
		return sight{seen: true, at: at, text: fmt.Sprintf("the receiver has kept it: %d deliveries to make", len(ds))}, err
	}
}

// since is when the act of that status began.
func (r *run) since(status string) time.Time {
	if status == resolved {
		return r.ended
	}
	return r.began
}

func (r *run) channel(medium inbox.Medium, status string) func(context.Context) (sight, error) {
	return func(ctx context.Context) (sight, error) {
		m, ok := r.line.message(medium, r.alert, r.since(status))
		if !ok {
			return r.unsent(ctx, medium, status)
		}
		to := m.To
		if medium == inbox.Slack {
			to = m.ToName
		}
		how := ""
		if len(m.Earlier) > 0 {
			how = " (the same message, edited)"
		}
		return sight{seen: true, at: m.ChangedAt, text: to + how + ": " + firstLine(m)}, nil
	}
}

// unsent tells what the receiver says of a message that is not there.
func (r *run) unsent(ctx context.Context, medium inbox.Medium, status string) (sight, error) {
	ds, err := r.line.deliveries(ctx, r.fingerprint, status, r.since(status))
	for _, d := range ds {
		if d.Channel == channelOf(medium) && d.LastError != "" {
			return sight{text: fmt.Sprintf("%s after %d attempts: %s", d.State, d.Attempts, d.LastError)}, err
		}
	}
	return sight{text: "nothing came"}, err
}

// channelOf is the name in files/receiver.yml.
func channelOf(m inbox.Medium) string {
	return map[inbox.Medium]string{inbox.Email: "mail", inbox.SMS: "phone", inbox.Slack: "chat"}[m]
}

func firstLine(m inbox.Message) string {
	s := m.Subject
	if s == "" {
		s = m.Text
	}
	s, _, _ = strings.Cut(s, "\n")
	return s
}
