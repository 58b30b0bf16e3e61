//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	neturl "net/url"
	"testing"

	"github.com/bongsu/bongsu/dashboards"
)

// awaitQuery waits until Prometheus answers the query with at least one sample.
func awaitQuery(t *testing.T, addr, expr string) {
	t.Helper()
	eventually(t, expr, func() error {
		n, err := samples(t.Context(), addr, expr)
		if err == nil && n == 0 {
			err = fmt.Errorf("empty answer")
		}
		return err
	})
}

// samples counts what a query gives just now.
func samples(ctx context.Context, addr, expr string) (int, error) {
	body, err := get(ctx, url(addr, "/api/v1/query?query="+neturl.QueryEscape(expr)))
	if err != nil {
		return 0, err
	}
	var answer struct {
		Data struct {
			Result []json.RawMessage `json:"result"`
		} `json:"data"`
	}
	err = json.Unmarshal([]byte(body), &answer)
	return len(answer.Data.Result), err
}

// dashboardsHaveData asks the real Prometheus what every panel would. Panels
// that are empty when all is well are asked too: their query must at least be
// one that Prometheus takes.
func dashboardsHaveData(t *testing.T, addr string) {
	t.Helper()
	for _, q := range dashboards.Queries(dashboards.Values{"__rate_interval": "30s", "__range": "1m"}) {
		if q.Quiet {
			if _, err := samples(t.Context(), addr, q.Expr); err != nil {
				t.Errorf("%s, %q: %v", q.Dashboard, q.Panel, err)
			}
			continue
		}
		eventually(t, fmt.Sprintf("%s, panel %q: %s", q.Dashboard, q.Panel, q.Expr), func() error {
			n, err := samples(t.Context(), addr, q.Expr)
			if err == nil && n == 0 {
				err = fmt.Errorf("empty answer")
			}
			return err
		})
	}
}
