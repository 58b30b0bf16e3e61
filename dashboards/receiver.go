package dashboards

// receiverDashboard begins with whether messages arrive, goes on to the
// channels, the queue and what comes in, and ends with the process.
func receiverDashboard() Dashboard {
	return dashboard(
		"bongsu-receiver", "Bongsu receiver",
		"Whether alerts become messages that arrive. The first row says whether all is well.",
		`alertname=~"BongsuReceiver.*|BongsuDeliver.*|BongsuWebhook.*|BongsuChannel.*|BongsuTemplate.*"`,
		[]Variable{
			choice("job", "Receiver", "label_values(bongsu_receiver_config_last_reload_successful, job)"),
			choice("channel", "Channel", `label_values(bongsu_receiver_pending_deliveries{job=~"$job"}, channel)`),
		},
		[]row{
			{"Is all well?", receiverSummary()},
			{"Do messages arrive?", receiverChannels()},
			{"What waits?", receiverQueue()},
			{"What comes in?", receiverWebhooks()},
			{"The receiver itself", append(receiverStorage(), process("bongsu_receiver_config_last_reload_successful")...)},
		},
	)
}

const (
	receivers = `{job=~"$job"}`
	channels  = `{job=~"$job", channel=~"$channel"}`
)

func receiverSummary() []*Panel {
	return []*Panel{
		stat("Receiver", "Whether the receiver answers Prometheus: its worst process counts.",
			answering("bongsu_receiver_config_last_reload_successful")).
			yesNo("up", "down").runbook("bongsureceiverdown").size(3, 4),
		stat("Outbox", "Whether the outbox answers: without it nothing is accepted or sent.",
			`min(bongsu_receiver_storage_up`+receivers+`)`).
			yesNo("up", "down").runbook("bongsureceiverstoragedown").size(3, 4),
		stat("Waiting", "Messages that wait to be sent, the ones being sent among them.",
			`sum(max by (job, channel) (bongsu_receiver_pending_deliveries`+channels+`))`).
			unit("short").decimals(0).from(50, "orange").runbook("bongsudeliverieslate").size(3, 4),
		stat("Longest wait", "Age of the longest waiting message. Seconds are normal; after five minutes an alert fires.",
			`max(bongsu_receiver_oldest_pending_seconds`+channels+`)`).
			unit("s").from(60, "orange").from(300, "red").runbook("bongsudeliverieslate").size(3, 4),
		stat("Given up", "Messages that will not arrive unless somebody retries them.",
			`sum(max by (job, channel) (bongsu_receiver_dead_deliveries`+channels+`))`).
			unit("short").decimals(0).from(1, "red").runbook("bongsudeliveriesdead").size(3, 4),
		stat("In quarantine", "Webhook bodies that were kept without being understood. Perhaps one was an alert.",
			`max(bongsu_receiver_quarantined_bodies`+receivers+`)`).
			unit("short").decimals(0).from(1, "orange").runbook("bongsuwebhookquarantined").size(3, 4),
		stat("Delivered", "Messages that arrived in the time shown.",
			`sum(increase(bongsu_receiver_deliveries_total{job=~"$job", channel=~"$channel", outcome="delivered"}[$__range]))`).once().
			unit("short").decimals(0).below("blue").runbook("bongsuchannelfailing").size(3, 4),
		stat("Configuration", "Whether the last reload of the configuration was taken.",
			`min(bongsu_receiver_config_last_reload_successful`+receivers+`)`).
			yesNo("loaded", "refused").runbook("bongsureceiverreloadfailed").size(3, 4),
	}
}

func receiverChannels() []*Panel {
	return []*Panel{
		graph("Messages by channel", "Messages that arrived, in each interval of the graph.").
			ask(`sum by (channel) (increase(bongsu_receiver_deliveries_total{job=~"$job", channel=~"$channel", outcome="delivered"}[$__rate_interval]))`, "{{channel}}").
			unit("short").decimals(1).stacked().runbook("bongsuchannelfailing"),
		graph("Attempts by outcome", "retry is tried again by itself, dead is refused for good or too old.").
			ask(`sum by (outcome) (increase(bongsu_receiver_attempts_total`+channels+`[$__rate_interval]))`, "{{outcome}}").
			unit("short").decimals(1).stacked().color("delivered", "green").color("retry", "orange").color("dead", "red").
			runbook("bongsuchannelfailing"),
		graph("Failed attempts by channel", "Share of the attempts that failed. No line where nothing was sent.").
			ask(`sum by (channel) (increase(bongsu_receiver_attempts_total{job=~"$job", channel=~"$channel", outcome!="delivered"}[$__rate_interval]))`+
				` / sum by (channel) (increase(bongsu_receiver_attempts_total`+channels+`[$__rate_interval]))`, "{{channel}}").
			unit("percentunit").span(0, 1).from(0.5, "red").line().runbook("bongsuchannelfailing"),
		graph("From webhook to delivery", "How long messages take from acceptance to the far side's receipt, waits and retries among it.").
			quantiles("bongsu_receiver_queue_latency_seconds", channels).
			unit("s").runbook("bongsudeliverieslate"),
		graph("Time of an attempt, by channel", "95 of 100 attempts are faster than this. It is the far side's speed.").
			ask(`histogram_quantile(0.95, sum by (le, channel) (rate(bongsu_receiver_attempt_duration_seconds_bucket`+channels+`[$__rate_interval])))`, "{{channel}}").
			unit("s").runbook("bongsuchannelfailing"),
		graph("Troubles on the way", "Templates that failed (sent as plain text), outcomes that came too late (perhaps sent twice), channels that wait because the far side asked for it.").
			ask(`sum(increase(bongsu_receiver_template_failures_total`+channels+`[$__rate_interval]))`, "failed templates").
			ask(`sum(increase(bongsu_receiver_fenced_total`+channels+`[$__rate_interval]))`, "late outcomes").
			ask(`sum(max by (channel) (bongsu_receiver_channel_paused`+channels+`))`, "paused channels").
			unit("short").decimals(1).runbook("bongsutemplatefailed"),
	}
}

func receiverQueue() []*Panel {
	return []*Panel{
		graph("Waiting by channel", "Messages that wait to be sent. A hill that shrinks again is a far side that was ill for a while.").
			ask(`max by (channel) (bongsu_receiver_pending_deliveries`+channels+`)`, "{{channel}}").
			unit("short").decimals(0).stacked().runbook("bongsudeliverieslate").size(8, 8),
		graph("Longest wait by channel", "Age of the longest waiting message. Above the dashed line an alert fires.").
			ask(`max by (channel) (bongsu_receiver_oldest_pending_seconds`+channels+`)`, "{{channel}}").
			unit("s").from(300, "red").line().runbook("bongsudeliverieslate").size(8, 8),
		graph("Given up by channel", "Messages that will not arrive unless somebody retries them.").
			ask(`max by (channel) (bongsu_receiver_dead_deliveries`+channels+`)`, "{{channel}}").
			unit("short").decimals(0).runbook("bongsudeliveriesdead").size(8, 8),
	}
}

func receiverWebhooks() []*Panel {
	return []*Panel{
		graph("Webhooks by result", "accepted is on disk. unavailable was answered 503 and comes again. quarantined and too_large were not understood.").
			ask(`sum by (result) (rate(bongsu_receiver_webhooks_total`+receivers+`[$__rate_interval]))`, "{{result}}").
			unit("reqps").stacked().color("accepted", "green").color("unavailable", "red").color("quarantined", "orange").
			runbook("bongsuwebhooksrefused").size(8, 8),
		graph("Time of a webhook", "From its arrival until its answer: the disk's speed, mostly.").
			quantiles("bongsu_receiver_webhook_duration_seconds", receivers).
			unit("s").runbook("bongsureceiverstoragefailing").size(8, 8),
		graph("News and repetitions", "What notifications were to those they were for. news and reminder are sent; duplicate, stale and silent are dropped.").
			ask(`sum by (verdict) (increase(bongsu_receiver_deduplicated_total`+channels+`[$__rate_interval]))`, "{{verdict}}").
			unit("short").decimals(1).stacked().runbook("bongsuchannelfailing").size(8, 8),
	}
}

func receiverStorage() []*Panel {
	return []*Panel{
		graph("Errors of the outbox", "Failed operations, in each interval of the graph. Flat at 0 when all is well.").
			ask(`sum by (operation) (increase(bongsu_receiver_storage_errors_total`+receivers+`[$__rate_interval]))`, "{{operation}}").
			unit("short").decimals(1).runbook("bongsureceiverstoragefailing").size(6, 8),
	}
}
