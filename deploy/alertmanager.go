package deploy

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// alertmanagerFile is as much of an alertmanager.yml as decides who hears of an
// alert. Alertmanager's own loader would bring its notifiers' client libraries
// along, over a hundred packages that nothing here uses; the settings of
// notifiers other than the webhook are therefore left to amtool check-config.
type alertmanagerFile struct {
	Global            strictyaml.Node        `yaml:"global"`
	Templates         []string               `yaml:"templates"`
	Route             *alertmanagerRoute     `yaml:"route"`
	Receivers         []alertmanagerReceiver `yaml:"receivers"`
	InhibitRules      []strictyaml.Node      `yaml:"inhibit_rules"`
	TimeIntervals     []timeInterval         `yaml:"time_intervals"`
	MuteTimeIntervals []timeInterval         `yaml:"mute_time_intervals"`
	Tracing           strictyaml.Node        `yaml:"tracing"`
	EventRecorder     strictyaml.Node        `yaml:"event_recorder"`
}

type alertmanagerRoute struct {
	Receiver            string              `yaml:"receiver"`
	GroupBy             []string            `yaml:"group_by"`
	GroupWait           model.Duration      `yaml:"group_wait"`
	GroupInterval       model.Duration      `yaml:"group_interval"`
	RepeatInterval      model.Duration      `yaml:"repeat_interval"`
	Matchers            []string            `yaml:"matchers"`
	Match               map[string]string   `yaml:"match"`
	MatchRE             map[string]string   `yaml:"match_re"`
	Continue            bool                `yaml:"continue"`
	MuteTimeIntervals   []string            `yaml:"mute_time_intervals"`
	ActiveTimeIntervals []string            `yaml:"active_time_intervals"`
	Labels              strictyaml.Node     `yaml:"labels"`
	Routes              []alertmanagerRoute `yaml:"routes"`
}

type alertmanagerReceiver struct {
	Name     string                     `yaml:"name"`
	Webhooks []alertmanagerWebhook      `yaml:"webhook_configs"`
	Others   map[string]strictyaml.Node `yaml:",inline"`
}

type alertmanagerWebhook struct {
	URL          string                   `yaml:"url"`
	URLFile      string                   `yaml:"url_file"`
	SendResolved bool                     `yaml:"send_resolved"`
	MaxAlerts    uint64                   `yaml:"max_alerts"`
	Timeout      model.Duration           `yaml:"timeout"`
	HTTPConfig   *config.HTTPClientConfig `yaml:"http_config"`
	Payload      strictyaml.Node          `yaml:"payload"`
}

type timeInterval struct {
	Name  string          `yaml:"name"`
	Times strictyaml.Node `yaml:"time_intervals"`
}

// CheckAlertmanager looks for what would keep an alertmanager.yml from loading,
// or its routes from reaching a receiver.
func CheckAlertmanager(name string, data []byte) error {
	var f alertmanagerFile
	doc, err := strictyaml.Decode(name, data, &f)
	if err != nil {
		return err
	}
	c := alertmanagerChecker{doc: doc, receivers: map[string]bool{}, intervals: map[string]bool{}}
	c.names(&f)
	if f.Route == nil {
		c.add(nil, "no route, expected one that names the default receiver")
		return c.errs.Err()
	}
	if f.Route.Receiver == "" {
		c.add(strictyaml.Path{"route"}, "the first route has no receiver, expected one of %v", c.known())
	}
	if len(f.Route.Matchers)+len(f.Route.Match)+len(f.Route.MatchRE) > 0 {
		c.add(strictyaml.Path{"route", "matchers"}, "the first route must take every alert, expected no matchers")
	}
	c.route(strictyaml.Path{"route"}, *f.Route)
	return c.errs.Err()
}

type alertmanagerChecker struct {
	doc                  *strictyaml.Document
	receivers, intervals map[string]bool
	errs                 strictyaml.Errors
}

func (c *alertmanagerChecker) add(path strictyaml.Path, format string, args ...any) {
	c.errs = append(c.errs, c.doc.Errorf(path, format, args...))
}

func (c *alertmanagerChecker) names(f *alertmanagerFile) {
	for i, r := range f.Receivers {
		path := strictyaml.Path{"receivers", i}
		switch {
		case r.Name == "":
			c.add(path, "receiver without a name")
		case c.receivers[r.Name]:
			c.add(path, "receiver %q is given twice", r.Name)
		}
		c.receivers[r.Name] = true
		for j, w := range r.Webhooks {
			if (w.URL == "") == (w.URLFile == "") {
				c.add(at(path, "webhook_configs", j), "expected either url or url_file")
			}
			if u, err := url.Parse(w.URL); w.URL != "" && !strings.Contains(w.URL, "{{") && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
				c.add(at(path, "webhook_configs", j, "url"), "expected a URL such as http://127.0.0.1:9744/webhook")
			}
		}
	}
	for _, t := range append(f.TimeIntervals, f.MuteTimeIntervals...) {
		c.intervals[t.Name] = true
	}
}

func (c *alertmanagerChecker) route(path strictyaml.Path, r alertmanagerRoute) {
	if r.Receiver != "" && !c.receivers[r.Receiver] {
		c.add(at(path, "receiver"), "unknown receiver %q%s", r.Receiver, hint(r.Receiver, c.known()))
	}
	for i, m := range r.Matchers {
		if _, err := parse.Matchers(m); err != nil {
			c.add(at(path, "matchers", i), "matcher %q: %v", m, err)
		}
	}
	for _, list := range []struct {
		key   string
		names []string
	}{{"mute_time_intervals", r.MuteTimeIntervals}, {"active_time_intervals", r.ActiveTimeIntervals}} {
		for i, name := range list.names {
			if !c.intervals[name] {
				c.add(at(path, list.key, i), "unknown time interval %q", name)
			}
		}
	}
	for i, sub := range r.Routes {
		c.route(at(path, "routes", i), sub)
	}
}

func (c *alertmanagerChecker) known() []string { return sortedKeys(c.receivers) }

func at(path strictyaml.Path, steps ...any) strictyaml.Path {
	return append(slices.Clip(path), steps...)
}

func hint(word string, known []string) string {
	if s := strictyaml.Suggest(word, known); s != "" {
		return ", did you mean \"" + s + "\"?"
	}
	return ""
}

var errNotOurs = errors.New("not a file of Bongsu, Prometheus rules or Alertmanager: expected one of the top-level keys modules, channels, groups, route")
