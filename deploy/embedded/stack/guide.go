package stack

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Place is an address that is worth a visit.
type Place struct{ Name, URL, What string }

// Try is something to do next.
type Try struct{ Do, What string }

// Places are the addresses of the four parts.
func (s *Stack) Places() []Place {
	return []Place{
		{"status page", s.URL(Receiver) + "/", "every message with its whole history"},
		{"exporter", s.URL(Exporter) + "/", "what is polled, as metrics"},
		{"Prometheus API", s.URL(Prometheus) + "/", "for Grafana and promtool"},
		{"Alertmanager API", s.URL(Alertmanager) + "/", "for Grafana and amtool"},
	}
}

// Guide writes where everything is, and what to try next.
func (s *Stack) Guide(w io.Writer, took time.Duration, places []Place, next []Try) {
	for _, m := range s.moves {
		fmt.Fprintln(w, m)
	}
	fmt.Fprintf(w, "Bongsu is up, ready after %.2f s. Ctrl-C ends it.\n\n", took.Seconds())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range places {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", p.Name, p.URL, p.What)
	}
	t.Flush()
	fmt.Fprintln(w, "\nWhat to try next:")
	for _, n := range next {
		fmt.Fprintf(t, "  %s\t%s\n", n.Do, n.What)
	}
	t.Flush()
}
