package dashboards

// answering is 1 while every process that has, or had within a day, the metric
// owner answers Prometheus, else 0. A process that is down has no metrics, hence
// the look back; its coarse step keeps it cheap.
func answering(owner string) string {
	m := owner + `{job=~"$job"}`
	return `min(up and on (job, instance) (` + m + ` or present_over_time(` + m + `[1d:5m])))`
}

// process shows what every Go program says of itself, for the processes that
// have the metric owner.
func process(owner string) []*Panel {
	ours := ` and on (job, instance) ` + owner + `{job=~"$job"}`
	return []*Panel{
		graph("Memory", "Memory that the process holds. A line that only climbs over days is a leak: please report it.").
			ask(`process_resident_memory_bytes`+ours, "{{job}} {{instance}}").
			unit("bytes").size(6, 8),
		graph("CPU", "Share of one core that the process uses.").
			ask(`rate(process_cpu_seconds_total[$__rate_interval])`+ours, "{{job}} {{instance}}").
			unit("percentunit").size(6, 8),
		graph("Goroutines and open files", "Both go up and down with the work. Lines that only climb are a leak: please report it.").
			ask(`go_goroutines`+ours, "goroutines {{job}} {{instance}}").
			ask(`process_open_fds`+ours, "files {{job}} {{instance}}").
			unit("short").decimals(0).size(6, 8),
	}
}

// quantiles asks a histogram for its median, its 95 and its 99 in a hundred.
func (p *Panel) quantiles(histogram, selector string) *Panel {
	for _, q := range []struct{ value, name string }{{"0.5", "half"}, {"0.95", "95 of 100"}, {"0.99", "99 of 100"}} {
		p.ask(`histogram_quantile(`+q.value+`, sum by (le) (rate(`+histogram+`_bucket`+selector+`[$__rate_interval])))`, q.name)
	}
	return p
}
