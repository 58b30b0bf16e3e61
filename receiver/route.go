package receiver

import (
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// Router decides which channels hear of which alerts. It is safe for concurrent
// use.
type Router struct{ routes []Route }

// Route is one line of the routes. A route without receiver and matchers takes
// every alert.
type Route struct {
	// Receiver that the notification must be for; empty is any.
	Receiver string
	// Matchers that the alert's labels must fulfil, all of them.
	Matchers labels.Matchers
	// Channels that hear of the alert, all at once.
	Channels []string
	// Continue looks at the routes below too.
	Continue bool
}

// Share is what one channel hears of a notification.
type Share struct {
	Channel string
	// Alerts in the notification's order, none twice.
	Alerts []template.Alert
}

// ParseMatchers reads matchers in Alertmanager's UTF-8 syntax, each string one or
// more of them. What only Alertmanager's older parser would take is refused, with
// the quotes that it lacks: that parser takes a == for part of the value.
func ParseMatchers(texts ...string) (labels.Matchers, error) {
	var all labels.Matchers
	for _, text := range texts {
		ms, err := parse.Matchers(text)
		if err != nil {
			return nil, quoted(text, err)
		}
		if len(ms) == 0 {
			return nil, errors.New(`expected a matcher such as severity="critical"`)
		}
		all = append(all, ms...)
	}
	return all, nil
}

// quoted adds to err what the older parser would make of text.
func quoted(text string, err error) error {
	old, e := labels.ParseMatchers(text)
	if e != nil || len(old) == 0 {
		return err
	}
	return fmt.Errorf("%w, did you mean %s?", err, labels.Matchers(old))
}

// NewRouter returns a router of the given routes, tried from the first to the
// last for each alert.
func NewRouter(routes ...Route) *Router { return &Router{routes} }

// Route gives each alert of a notification for receiver to the channels of the
// first route that takes it, and goes on below that where the route says so.
// The shares come in the order in which the channels were first met.
func (r *Router) Route(receiver string, alerts []template.Alert) []Share {
	var shares []Share
	for _, a := range alerts {
		for _, channel := range r.channels(receiver, a) {
			shares = give(shares, channel, a)
		}
	}
	return shares
}

// channels of one alert, none twice.
func (r *Router) channels(receiver string, a template.Alert) []string {
	var names []string
	set := labelSet(a.Labels)
	for _, route := range r.routes {
		if !route.takes(receiver, set) {
			continue
		}
		for _, c := range route.Channels {
			if !slices.Contains(names, c) {
				names = append(names, c)
			}
		}
		if !route.Continue {
			break
		}
	}
	return names
}

func (r *Router) uses(channel string) bool {
	return slices.ContainsFunc(r.routes, func(route Route) bool { return slices.Contains(route.Channels, channel) })
}

func (r Route) takes(receiver string, set model.LabelSet) bool {
	return (r.Receiver == "" || r.Receiver == receiver) && r.Matchers.Matches(set)
}

func give(shares []Share, channel string, a template.Alert) []Share {
	for i := range shares {
		if shares[i].Channel == channel {
			shares[i].Alerts = append(shares[i].Alerts, a)
			return shares
		}
	}
	return append(shares, Share{Channel: channel, Alerts: []template.Alert{a}})
}

func labelSet(kv template.KV) model.LabelSet {
	set := make(model.LabelSet, len(kv))
	for k, v := range kv {
		set[model.LabelName(k)] = model.LabelValue(v)
	}
	return set
}

// router builds the routes of the file.
func (l *loader) router() *Router {
	n := len(l.file.Routes)
	if n == 0 {
		l.errorf(strictyaml.Path{"routes"}, "routes: expected at least one, the last without receiver and matchers")
		return NewRouter()
	}
	routes := make([]Route, n)
	for i, rf := range l.file.Routes {
		routes[i] = l.route(i, rf)
		if i < n-1 && rf.Receiver == "" && len(rf.Matchers) == 0 && !rf.Continue {
			l.errorf(strictyaml.Path{"routes", i}, "routes: this one takes everything, the ones below it are never reached")
		}
	}
	if last := l.file.Routes[n-1]; last.Receiver != "" || len(last.Matchers) > 0 {
		l.errorf(strictyaml.Path{"routes", n - 1}, "routes: the last one must take the rest, without receiver and matchers")
	}
	return NewRouter(routes...)
}

func (l *loader) route(i int, rf routeFile) Route {
	r := Route{Receiver: rf.Receiver, Channels: rf.Channels, Continue: rf.Continue}
	for j, text := range rf.Matchers {
		ms, err := ParseMatchers(text)
		if err != nil {
			l.errorf(strictyaml.Path{"routes", i, "matchers", j}, "routes: matcher %q: %v", text, err)
		}
		r.Matchers = append(r.Matchers, ms...)
	}
	if len(rf.Channels) == 0 {
		l.errorf(strictyaml.Path{"routes", i}, "routes: expected at least one channel")
	}
	for j, name := range rf.Channels {
		at := strictyaml.Path{"routes", i, "channels", j}
		if _, ok := l.file.Channels[name]; !ok && len(l.file.Channels) > 0 {
			l.errorf(at, "routes: unknown channel %q, %s", name, hint(name, l.channelNames()))
		}
		if slices.Index(rf.Channels, name) < j {
			l.errorf(at, "routes: channel %q is named twice", name)
		}
	}
	return r
}

func (l *loader) channelNames() []string {
	names := make([]string, 0, len(l.file.Channels))
	for name := range l.file.Channels {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
