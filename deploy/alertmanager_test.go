package deploy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bongsu/bongsu/deploy"
)

func TestCheckAlertmanager(t *testing.T) {
	t.Parallel()
	const receivers = "\nreceivers: [{name: ops, webhook_configs: [{url: 'http://127.0.0.1:9744/webhook'}]}, {name: 당직}]\n"
	for name, c := range map[string]struct{ yaml, want string }{
		"all of it": {`global: {smtp_from: a@example.org}
route:
  receiver: ops
  group_by: ['...']
  routes:
    - {receiver: 당직, matchers: ['severity=~"critical|page"', '팀="봉수"'], continue: true, mute_time_intervals: [nights]}
    - {receiver: ops, match: {a: b}, match_re: {c: d}, repeat_interval: 4h}
inhibit_rules: [{source_matchers: [a=b], target_matchers: [c=d]}]
time_intervals: [{name: nights, time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}]}]}]` + receivers, ""},
		"no route":         {receivers, "a.yml:2: no route, expected one that names the default receiver"},
		"no receiver":      {"route: {group_by: [a]}" + receivers, "a.yml:1: the first route has no receiver, expected one of [ops 당직]"},
		"unknown receiver": {"route:\n  receiver: opps" + receivers, `a.yml:2: unknown receiver "opps", did you mean "ops"?`},
		"below": {
			"route:\n  receiver: ops\n  routes:\n    - routes:\n        - receiver: nobody" + receivers,
			`a.yml:5: unknown receiver "nobody"`,
		},
		"first has matchers": {
			"route:\n  receiver: ops\n  matchers: [a=b]" + receivers,
			"a.yml:3: the first route must take every alert, expected no matchers",
		},
		"time interval": {
			"route:\n  receiver: ops\n  routes:\n    - {mute_time_intervals: [nihgts]}" + receivers,
			`a.yml:4: unknown time interval "nihgts"`,
		},
		"unknown key": {"route:\n  recevier: ops" + receivers, `a.yml:2: unknown key "recevier", did you mean "receiver"?`},
		"two names":   {"route: {receiver: a}\nreceivers:\n  - name: a\n  - name: a\n", `a.yml:4: receiver "a" is given twice`},
		"no scheme": {
			"route: {receiver: a}\nreceivers:\n  - name: a\n    webhook_configs:\n      - url: 127.0.0.1:9744/webhook\n",
			"a.yml:5: expected a URL such as http://127.0.0.1:9744/webhook",
		},
		"no url": {
			"route: {receiver: a}\nreceivers:\n  - name: a\n    webhook_configs:\n      - {max_alerts: 3}\n",
			"a.yml:5: expected either url or url_file",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := deploy.CheckAlertmanager("a.yml", []byte(c.yaml)); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckAlertmanagerMatcher(t *testing.T) {
	t.Parallel()
	err := deploy.CheckAlertmanager("a.yml", []byte("route:\n  receiver: a\n  routes:\n    - matchers:\n        - severity==critical\nreceivers: [{name: a}]\n"))
	if err == nil || !cmp.Equal("a.yml:5: matcher", err.Error()[:16]) {
		t.Errorf("got %v", err)
	}
}
