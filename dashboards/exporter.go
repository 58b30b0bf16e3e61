package dashboards

// exporterDashboard begins with whether all is well, goes on to what is not and
// why, and ends with the exporter's own process.
func exporterDashboard() Dashboard {
	return dashboard(
		"bongsu-exporter", "Bongsu exporter",
		"What Bongsu polls, whether it answers, and why not. The first row says whether all is well.",
		`alertname=~"BongsuExporter.*|BongsuProbe.*"`,
		[]Variable{
			choice("job", "Exporter", "label_values(bongsu_exporter_config_last_reload_successful, job)"),
			choice("module", "Module", "label_values(probe_samples, module)"),
			choice("instance", "Target", `label_values(probe_samples{module=~"$module"}, instance)`),
		},
		[]row{
			{"Is all well?", exporterSummary()},
			{"Which probe, since when, and why?", exporterFailures()},
			{"How long does it take?", exporterDurations()},
			{"How much comes in?", exporterVolume()},
			{"The exporter itself", process("bongsu_exporter_config_last_reload_successful")},
		},
	)
}

// probes selects what the probes of the chosen modules and targets say.
const probes = `{module=~"$module", instance=~"$instance"}`

// ownProbes selects what the chosen exporters count by module.
const ownProbes = `{job=~"$job", module=~"$module"}`

func exporterSummary() []*Panel {
	return []*Panel{
		stat("Exporter", "Whether the exporter answers Prometheus: its worst process counts.",
			answering("bongsu_exporter_config_last_reload_successful")).
			yesNo("up", "down").runbook("bongsuexporterdown"),
		stat("Probes that fail", "Modules that bring nothing from their target, at this moment.",
			`count(probe_success`+probes+` == 0 and probe_samples`+probes+` == 0) or vector(0)`).
			unit("short").decimals(0).from(1, "red").runbook("bongsuprobefailed"),
		stat("Partial probes", "Modules of which some whole metrics are missing, at this moment.",
			`count(probe_success`+probes+` == 0 and probe_samples`+probes+` > 0) or vector(0)`).
			unit("short").decimals(0).from(1, "orange").runbook("bongsuprobepartial"),
		stat("Success", "Share of the probes that brought everything, over the time shown.",
			`avg(avg_over_time(probe_success`+probes+`[$__range]))`).once().
			unit("percentunit").span(0, 1).below("red").from(0.95, "orange").from(0.999, "green").runbook("bongsuprobeflapping"),
		stat("Slowest probe", "The longest probe at this moment. Above the scrape's timeout, ten seconds if you did not set it, its samples are lost.",
			`max(sum by (job, instance, module) (probe_duration_seconds`+probes+`))`).
			unit("s").from(5, "orange").from(9, "red").runbook("bongsuprobeslow"),
		stat("Configuration", "Whether the last reload of the configuration was taken.",
			`min(bongsu_exporter_config_last_reload_successful{job=~"$job"})`).
			yesNo("loaded", "refused").runbook("bongsuexporterreloadfailed"),
	}
}

func exporterFailures() []*Panel {
	return []*Panel{
		timeline("Probes over time", "Green: everything came. Red: whole metrics, or everything, did not. A gap: Prometheus got no answer from the exporter.",
			`probe_success`+probes, "{{module}} {{instance}}").
			yesNo("well", "failed").runbook("bongsuprobefailed"),
		table("Why probes fail", "The stage and reason of each failure at this moment, also of single samples. Empty when all is well.",
			`sum by (module, instance, stage, reason) (probe_failure_info`+probes+`) > 0`, "module", "instance", "stage", "reason").
			unit("none").whenWell("all is well").runbook("bongsuprobefailed"),
		graph("Failures by reason", "How many probes name this stage and reason. Flat at 0 when all is well.").
			ask(`sum by (stage, reason) (probe_failure_info`+probes+`) or vector(0)`, "{{stage}} {{reason}}").
			unit("short").decimals(0).runbook("bongsuprobefailed"),
		graph("Dropped samples by reason", "Single rows that could not be shown. \"missing\" are nulls, which may be natural; the others are worth a look.").
			ask(`sum by (reason) (probe_samples_dropped`+probes+`)`, "{{reason}}").
			unit("short").decimals(0).runbook("bongsuprobesamplesdropped"),
		graph("Results of probes", "How each probe ended, by second: success, partial (single samples are missing) or failed.").
			ask(`sum by (result) (rate(bongsu_exporter_probes_total`+ownProbes+`[$__rate_interval]))`, "{{result}}").
			unit("ops").stacked().color("success", "green").color("partial", "orange").color("failed", "red").
			runbook("bongsuprobefailed"),
	}
}

func exporterDurations() []*Panel {
	return []*Panel{
		graph("Time by module", "The whole of each probe. The dashed lines are half and nearly all of Prometheus's default timeout.").
			ask(`max by (module) (sum by (job, instance, module) (probe_duration_seconds`+probes+`))`, "{{module}}").
			unit("s").from(5, "orange").from(9, "red").line().runbook("bongsuprobeslow"),
		graph("Time by stage", "fetch is the far side and the network, decode is our own work. The mean over the chosen probes.").
			ask(`avg by (stage) (probe_duration_seconds`+probes+`)`, "{{stage}}").
			unit("s").stacked().runbook("bongsuprobeslow"),
		graph("Spread of probe times", "Half of the probes were faster than the lowest line, 99 of 100 faster than the highest.").
			quantiles("bongsu_exporter_probe_duration_seconds", ownProbes).
			unit("s").runbook("bongsuprobeslow"),
		graph("Probes in flight", "Probes of single modules that run at this moment. A line that only climbs is a target that never answers.").
			ask(`sum by (instance) (bongsu_exporter_probes_in_flight{job=~"$job"})`, "{{instance}}").
			unit("short").decimals(0).runbook("bongsuprobeslow"),
	}
}

func exporterVolume() []*Panel {
	return []*Panel{
		graph("Samples by module", "What each module brings. A step down is something that vanished from its answer.").
			ask(`sum by (module) (probe_samples`+probes+`)`, "{{module}}").
			unit("short").decimals(0).runbook("bongsuprobepartial"),
		graph("Probes by module", "Probes by second. Prometheus's scrape interval sets the rhythm.").
			ask(`sum by (module) (rate(bongsu_exporter_probes_total`+ownProbes+`[$__rate_interval]))`, "{{module}}").
			unit("ops").runbook("bongsuprobeunanswered"),
	}
}
