package receiver

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// statsTimeout bounds what a scrape waits for the outbox's numbers.
const statsTimeout = 5 * time.Second

// gauges shows the outbox as it stands when a scrape asks. It is safe for
// concurrent use.
type gauges struct {
	ledger   Ledger
	channels func() []string // those configured, shown even at 0
	failed   prometheus.Counter
	logger   *slog.Logger

	up, pending, dead, oldest, quarantined *prometheus.Desc
}

func newGauges(ledger Ledger, channels func() []string, failed prometheus.Counter, logger *slog.Logger) *gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	return &gauges{
		ledger: ledger, channels: channels, failed: failed, logger: logger,
		up:          desc("storage_up", "Whether the outbox answered the last question for its numbers."),
		pending:     desc("pending_deliveries", "Deliveries that wait to be sent.", "channel"),
		dead:        desc("dead_deliveries", "Deliveries that were given up and not discarded by an operator.", "channel"),
		oldest:      desc("oldest_pending_seconds", "Age of the longest waiting delivery, 0 without any.", "channel"),
		quarantined: desc("quarantined_bodies", "Webhook bodies that were not understood."),
	}
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.up, g.pending, g.dead, g.oldest, g.quarantined} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. Without an answer of the outbox only
// storage_up is there: no number is better than an old one.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), statsTimeout)
	defer cancel()
	stats, err := g.ledger.Stats(ctx, time.Now())
	if err != nil {
		g.failed.Inc()
		g.logger.Error("outbox has no numbers for the metrics", "err", err)
		ch <- prometheus.MustNewConstMetric(g.up, prometheus.GaugeValue, 0)
		return
	}
	ch <- prometheus.MustNewConstMetric(g.up, prometheus.GaugeValue, 1)
	ch <- prometheus.MustNewConstMetric(g.quarantined, prometheus.GaugeValue, float64(stats.Quarantined))
	for name := range g.names(stats) {
		ch <- prometheus.MustNewConstMetric(g.pending, prometheus.GaugeValue, float64(stats.Pending[name]), name)
		ch <- prometheus.MustNewConstMetric(g.dead, prometheus.GaugeValue, float64(stats.Dead[name]), name)
		ch <- prometheus.MustNewConstMetric(g.oldest, prometheus.GaugeValue, stats.OldestPending[name].Seconds(), name)
	}
}

// names are the channels that are configured, or that the outbox has work for.
func (g *gauges) names(stats Stats) map[string]bool {
	names := map[string]bool{}
	for _, name := range g.channels() {
		names[name] = true
	}
	for name := range stats.Pending {
		names[name] = true
	}
	for name := range stats.Dead {
		names[name] = true
	}
	return names
}
