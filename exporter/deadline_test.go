package exporter

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestScrapeContext(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"10": 9500 * time.Millisecond, "2": 1800 * time.Millisecond, "0.1": 90 * time.Millisecond,
		"": 0, "nonsense": 0, "-1": 0, "0": 0, "NaN": 0, "+Inf": 0, "1e300": 0,
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe", nil)
		req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", header)
		ctx, cancel := scrapeContext(req)
		defer cancel()
		deadline, ok := ctx.Deadline()
		if ok != (want > 0) {
			t.Errorf("header %q: deadline %v, want one: %v", header, ok, want > 0)
			continue
		}
		if left := time.Until(deadline); ok && (left > want || left < want-time.Second) {
			t.Errorf("header %q: %v left, want %v", header, left, want)
		}
	}
}
