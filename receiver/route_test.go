package receiver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/alertmanager/template"

	"github.com/bongsu/bongsu/receiver"
)

func matchers(t testing.TB, texts ...string) receiver.Route {
	t.Helper()
	ms, err := receiver.ParseMatchers(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return receiver.Route{Matchers: ms}
}

func TestRouter(t *testing.T) {
	t.Parallel()
	route := func(name string, cont bool, channels string, texts ...string) receiver.Route {
		r := matchers(t, texts...)
		r.Receiver, r.Continue, r.Channels = name, cont, strings.Fields(channels)
		return r
	}
	router := receiver.NewRouter(
		route("", true, "log", `severity=~"critical|warning"`),
		route("ops", false, "phone chat", `severity="critical"`),
		route("", false, "chat", `서비스="결제"`, `환경!="시험"`),
		route("", false, "mail"),
	)
	for _, tt := range []struct {
		name, receiver string
		alerts         []template.Alert
		want           string
	}{
		{"critical for ops", "ops", []template.Alert{labelled("1", "severity", "critical")}, "log[1] phone[1] chat[1]"},
		{"critical for others", "dev", []template.Alert{labelled("1", "severity", "critical")}, "log[1] mail[1]"},
		{"UTF-8 labels", "dev", []template.Alert{labelled("1", "서비스", "결제", "환경", "운영")}, "chat[1]"},
		{"UTF-8 mismatch", "dev", []template.Alert{labelled("1", "서비스", "결제", "환경", "시험")}, "mail[1]"},
		{
			"each alert on its own, in order", "ops",
			[]template.Alert{labelled("1"), labelled("2", "severity", "critical"), labelled("3", "severity", "warning")},
			"mail[1 3] log[2 3] phone[2] chat[2]",
		},
		{"none", "ops", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, s := range router.Route(tt.receiver, tt.alerts) {
				var names []string
				for _, a := range s.Alerts {
					names = append(names, a.Fingerprint)
				}
				got = append(got, fmt.Sprintf("%s%v", s.Channel, names))
			}
			if g := strings.Join(got, " "); g != tt.want {
				t.Errorf("got %s, want %s", g, tt.want)
			}
		})
	}
}

func labelled(fingerprint string, pairs ...string) template.Alert {
	a := template.Alert{Fingerprint: fingerprint, Status: "firing", Labels: template.KV{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		a.Labels[pairs[i]] = pairs[i+1]
	}
	return a
}

func ExampleRouter() {
	critical, err := receiver.ParseMatchers(`severity="critical"`)
	if err != nil {
		panic(err)
	}
	router := receiver.NewRouter(
		receiver.Route{Receiver: "ops", Matchers: critical, Channels: []string{"phone", "mail"}},
		receiver.Route{Channels: []string{"mail"}}, // takes the rest
	)
	alerts := []template.Alert{
		{Labels: template.KV{"alertname": "DiskFull", "severity": "critical"}},
		{Labels: template.KV{"alertname": "DiskBusy", "severity": "warning"}},
	}
	for _, share := range router.Route("ops", alerts) {
		for _, a := range share.Alerts {
			fmt.Println(share.Channel, a.Labels["alertname"])
		}
	}
	// Output:
	// phone DiskFull
	// mail DiskFull
	// mail DiskBusy
}
