package postgres

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the store's own.
type metrics struct {
	registerer prometheus.Registerer // nil: nowhere
	all        []prometheus.Collector
	commit     prometheus.Histogram
	group      prometheus.Histogram
	retries    prometheus.Counter
}

func newMetrics(r prometheus.Registerer, s *Store) (*metrics, error) {
	m := &metrics{
		registerer: r,
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "bongsu_receiver_outbox_commit_duration_seconds",
			Help:    "Time of one transaction of the outbox, disk sync included.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 9),
		}),
		group: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "bongsu_receiver_outbox_commit_operations",
			Help:    "Operations that shared one transaction of the outbox.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 6),
		}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bongsu_receiver_outbox_transaction_retries_total",
			Help: "Transactions of the outbox that were run again after a conflict or a lost connection.",
		}),
	}
	m.all = []prometheus.Collector{
		m.commit, m.group, m.retries,
		gauge("bongsu_receiver_outbox_queue_length", "Operations that wait for the disk.",
			func() float64 { return float64(len(s.puts.queue) + len(s.settles.queue)) }),
		gauge("bongsu_receiver_outbox_connections", "Connections to the outbox's server.",
			func() float64 { return float64(s.pool.Stat().TotalConns()) }),
		gauge("bongsu_receiver_outbox_listening", "Whether the connection that hears of other replicas' work is up.",
			func() float64 { return s.listening() }),
	}
	if r == nil {
		return m, nil
	}
	for i, c := range m.all {
		if err := r.Register(c); err != nil {
			m.all = m.all[:i]
			m.close()
			return nil, err
		}
	}
	return m, nil
}

func gauge(name, help string, f func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f)
}

// listening is 1 or 0.
func (s *Store) listening() float64 {
	if s.listener != nil && s.listener.up.Load() {
		return 1
	}
	return 0
}

func (m *metrics) observe(ops int, took time.Duration) {
	m.commit.Observe(took.Seconds())
	m.group.Observe(float64(ops))
}

// close takes the metrics back, so that a store may be opened again with the
// same registry.
func (m *metrics) close() {
	if m.registerer == nil {
		return
	}
	for _, c := range m.all {
		m.registerer.Unregister(c)
	}
}
