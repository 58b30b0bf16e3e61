package receiver

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The results of a webhook, as the metrics name them.
const (
	resultAccepted    = "accepted"    // on disk, 200
	resultQuarantined = "quarantined" // not understood, on disk as it came, 202
	resultTooLarge    = "too_large"   // kept cut, 413
	resultUnavailable = "unavailable" // not kept, 503
	resultMethod      = "method"      // not a POST, 405
)

// metrics are the receiver's own. Those with a channel exist at 0 as soon as the
// channel is configured.
type metrics struct {
	webhooks         *prometheus.CounterVec
	webhookDuration  prometheus.Histogram
	accepted         prometheus.Counter
	verdicts         *prometheus.CounterVec
	attempts         *prometheus.CounterVec
	attemptDuration  *prometheus.HistogramVec
	deliveries       *prometheus.CounterVec
	queueLatency     *prometheus.HistogramVec
	fenced           *prometheus.CounterVec
	templateFailures *prometheus.CounterVec
	storeErrors      *prometheus.CounterVec
	paused           *prometheus.GaugeVec
	reloadOK         prometheus.Gauge
	reloadTime       prometheus.Gauge
}

const namespace = "bongsu_receiver"

func newMetrics() *metrics {
	// From an in-process channel to a far side that hangs, and from at once to a day.
	sendBuckets := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	queueBuckets := []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21600, 86400}
	m := &metrics{
		webhooks:         counterVec("webhooks_total", "Webhook calls by what became of them.", "result"),
		webhookDuration:  histogram("webhook_duration_seconds", "Time from a webhook's arrival to its answer.", sendBuckets),
		accepted:         counter("notifications_accepted_total", "Notifications that are on disk and were answered 2xx."),
		verdicts:         counterVec("deduplicated_total", "What notifications were to the recipients they were routed to; news and reminder are sent, the others dropped.", "channel", "verdict"),
		attempts:         counterVec("attempts_total", "Attempts to send, by how they ended.", "channel", "outcome"),
		attemptDuration:  histogramVec("attempt_duration_seconds", "Time of one attempt, rendering and sending.", sendBuckets, "channel"),
		deliveries:       counterVec("deliveries_total", "Deliveries that are finished, by how.", "channel", "outcome"),
		queueLatency:     histogramVec("queue_latency_seconds", "Time from a notification's acceptance to its delivery.", queueBuckets, "channel"),
		fenced:           counterVec("fenced_total", "Attempts whose outcome came after their lease had been taken over.", "channel"),
		templateFailures: counterVec("template_failures_total", "Messages sent as a plain text because a template failed.", "channel"),
		storeErrors:      counterVec("storage_errors_total", "Failed operations of the outbox.", "operation"),
		paused: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "channel_paused",
			Help: "Whether the channel waits because its far side asked for it.",
		}, []string{"channel"}),
		reloadOK: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "config_last_reload_successful",
			Help: "Whether the last attempt to load the config succeeded.",
		}),
		reloadTime: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "config_last_reload_success_timestamp_seconds",
			Help: "When the config was last loaded with success.",
		}),
	}
	for _, r := range []string{resultAccepted, resultQuarantined, resultTooLarge, resultUnavailable, resultMethod} {
		m.webhooks.WithLabelValues(r)
	}
	for _, op := range []string{"put", "quarantine", "claim", "settle", "prune", "stats"} {
		m.storeErrors.WithLabelValues(op)
	}
	return m
}

func (m *metrics) register(r prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{
		m.webhooks, m.webhookDuration, m.accepted, m.verdicts, m.attempts, m.attemptDuration, m.deliveries, m.queueLatency,
		m.fenced, m.templateFailures, m.storeErrors, m.paused, m.reloadOK, m.reloadTime,
	} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// channel makes all of a channel's metrics exist.
func (m *metrics) channel(name string) {
	for _, v := range []Verdict{News, Reminder, Duplicate, Stale, Silent} {
		m.verdicts.WithLabelValues(name, string(v))
	}
	for _, o := range []Outcome{OutcomeDelivered, OutcomeRetry, OutcomeDead} {
		m.attempts.WithLabelValues(name, string(o))
	}
	for _, o := range []Outcome{OutcomeDelivered, OutcomeDead} {
		m.deliveries.WithLabelValues(name, string(o))
	}
	m.attemptDuration.WithLabelValues(name)
	m.queueLatency.WithLabelValues(name)
	m.fenced.WithLabelValues(name)
	m.templateFailures.WithLabelValues(name)
	m.paused.WithLabelValues(name)
}

// reloaded records that a config was loaded, or was not.
func (m *metrics) reloaded(err error) {
	if err != nil {
		m.reloadOK.Set(0)
		return
	}
	m.reloadOK.Set(1)
	m.reloadTime.Set(float64(time.Now().Unix()))
}

// ended records the outcome of one attempt that the outbox has.
func (m *metrics) ended(job Job, s Settlement) {
	channel := job.Thread.Channel
	m.attempts.WithLabelValues(channel, string(s.Outcome)).Inc()
	if s.Outcome == OutcomeRetry {
		return
	}
	m.deliveries.WithLabelValues(channel, string(s.Outcome)).Inc()
	if s.Outcome == OutcomeDelivered {
		m.queueLatency.WithLabelValues(channel).Observe(s.At.Sub(job.CreatedAt).Seconds())
	}
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
}

func counterVec(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
}

func histogramVec(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}
