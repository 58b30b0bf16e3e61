package receiver_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
)

// The exposition of a receiver that has just begun, whole: rules and dashboards
// may name what is in it.
func TestExposition(t *testing.T) {
	t.Parallel()
	onStage(t, twoChannels, func(s *stage) {
		mfs, err := s.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, mf := range mfs {
			if _, err := expfmt.MetricFamilyToText(&b, mf); err != nil {
				t.Fatal(err)
			}
		}
		golden(t, "testdata/metrics.prom", b.String())
	})
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	onStage(t, twoChannels, func(s *stage) {
		problems, err := testutil.GatherAndLint(s.registry)
		if err != nil || len(problems) > 0 {
			t.Errorf("lint: %v, %v", problems, err)
		}
		mfs, err := s.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		readme, err := os.ReadFile("README.md")
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, mf := range mfs {
			names[mf.GetName()] = true
			if !strings.Contains(string(readme), "`"+mf.GetName()) {
				t.Errorf("README.md does not list %s", mf.GetName())
			}
		}
		for _, name := range regexp.MustCompile("`(bongsu_receiver_[a-z_]+)").FindAllStringSubmatch(string(readme), -1) {
			if !names[name[1]] {
				t.Errorf("README.md lists %s, which is not there from the start", name[1])
			}
		}
		for _, channel := range []string{"chat", "mail"} {
			for name, label := range map[string]string{
				"attempts_total": "retry", "deliveries_total": "dead", "deduplicated_total": "stale",
			} {
				if n := s.metric("bongsu_receiver_"+name, channel, label); n != 0 {
					t.Errorf("%s of %s: got %v, want 0", name, channel, n)
				}
			}
			for _, name := range []string{"pending_deliveries", "dead_deliveries", "oldest_pending_seconds", "fenced_total", "queue_latency_seconds"} {
				if n := s.metric("bongsu_receiver_"+name, channel); n != 0 {
					t.Errorf("%s of %s: got %v, want 0", name, channel, n)
				}
			}
		}
		s.post(webhookBody("g", first, firing("A")))
		s.pass(time.Second)
		for name, want := range map[string]float64{"webhooks_total accepted": 1, "notifications_accepted_total": 1, "webhook_duration_seconds": 1, "attempts_total mail delivered": 1, "queue_latency_seconds chat": 1, "attempt_duration_seconds mail": 1} {
			f := strings.Fields(name)
			if n := s.metric("bongsu_receiver_"+f[0], f[1:]...); n != want {
				t.Errorf("%s: got %v, want %v", name, n, want)
			}
		}
	})
}
