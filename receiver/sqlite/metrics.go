package sqlite

import (
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the store's own.
type metrics struct {
	registerer prometheus.Registerer // nil: nowhere
	all        []prometheus.Collector
	commit     prometheus.Histogram
	group      prometheus.Histogram
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
	}
	m.all = []prometheus.Collector{
		m.commit, m.group,
		gauge("bongsu_receiver_outbox_queue_length", "Operations that wait for the disk.",
			func() float64 { return float64(len(s.writer.queue)) }),
		gauge("bongsu_receiver_outbox_wal_bytes", "Size of the outbox's write-ahead log file.",
			func() float64 { return size(s.path + "-wal") }),
		gauge("bongsu_receiver_outbox_file_bytes", "Size of the outbox's file.",
			func() float64 { return size(s.path) }),
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

// size is 0 for a file that is not there: the WAL comes and goes.
func size(path string) float64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return float64(info.Size())
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
