package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// The incidents that the shop can have.
const (
	incidentOrders  = "orders"
	incidentPayment = "payment"
)

// incident is one way in which the shop goes wrong, and the alert of rules/demo.yml that should tell of it.
type incident struct {
	Kind  string `json:"kind"`
	Title string `json:"title"`
	alert string
	// query is true in Prometheus as long as the polled answer shows the incident.
	query string
}

func incidents() []incident {
	return []incident{
		{incidentOrders, "orders get stuck", "ShopOrdersStuck", `shop_orders{state="stuck"} > 5`},
		{incidentPayment, "payment breaks", "ShopPaymentDown", `shop_payment_up == 0`},
	}
}

func findIncident(kind string) (incident, error) {
	all := incidents()
	i := slices.IndexFunc(all, func(in incident) bool { return in.Kind == kind })
	if i < 0 {
		var kinds []string
		for _, in := range all {
			kinds = append(kinds, in.Kind)
		}
		return incident{}, fmt.Errorf("unknown incident %q, expected one of %s", kind, strings.Join(kinds, ", "))
	}
	return all[i], nil
}

var (
	errUnderWay = errors.New("an incident is under way, one at a time: end it first")
	errNone     = errors.New("there is no incident to end")
)

// forgotten is when an incident that nobody ends is ended.
const forgotten = 10 * time.Minute

// director starts and ends incidents, one at a time, and follows each through the line.
type director struct {
	shop    *shop
	line    *line
	journal *journal
	limits  limits

	mu    sync.Mutex
	busy  bool
	end   func()    // ends the incident that is under way
	calls chan call // incidents asked for by start; holds one
}

// call is one incident that was asked for. Once it has been told of it ends when over is closed, and after linger in any case.
type call struct {
	incident
	over   <-chan struct{}
	linger time.Duration
}

func newDirector(s *shop, l *line, j *journal, lim limits) *director {
	return &director{shop: s, line: l, journal: j, limits: lim, calls: make(chan call, 1)}
}

// start begins an incident that lasts for linger after it has been told of, or says why not. Nothing happens unless run runs.
func (d *director) start(kind string, linger time.Duration) error {
	in, err := findIncident(kind)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy {
		return errUnderWay
	}
	over := make(chan struct{})
	d.busy, d.end = true, sync.OnceFunc(func() { close(over) })
	d.calls <- call{in, over, linger}
	return nil
}

// finish ends the incident under way as soon as it has been told of on all channels.
func (d *director) finish() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.busy {
		return errNone
	}
	d.end()
	return nil
}

func (d *director) free() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy, d.end = false, nil
}

// run plays the incidents that are started, until ctx ends. A hop that is missed is in the journal.
func (d *director) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-d.calls:
			_ = d.play(ctx, c)
			d.free()
		}
	}
}

// play takes one incident from its start to the last message that it is over. Its error names the hop that was missed; the shop is well
// again in any case.
func (d *director) play(ctx context.Context, c call) error {
	r := &run{incident: c.incident, line: d.line, began: time.Now()}
	d.shop.set(c.Kind)
	defer d.shop.set("")
	if err := follow(ctx, d.journal.act(firing, c.Title, r.began), r.firingHops(d.limits)); err != nil {
		return err
	}
	select {
	case <-c.over:
	case <-time.After(c.linger):
	case <-ctx.Done():
		return ctx.Err()
	}
	r.ended = time.Now()
	d.shop.set("")
	return follow(ctx, d.journal.act(resolved, c.Title, r.ended), r.resolvedHops(d.limits))
}

// once plays one incident that ends as soon as it was told of.
func (d *director) once(ctx context.Context, kind string) error {
	in, err := findIncident(kind)
	if err != nil {
		return err
	}
	return d.play(ctx, call{incident: in})
}
