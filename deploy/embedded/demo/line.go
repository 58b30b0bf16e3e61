package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bongsu/bongsu/receiver/inbox"
)

// line looks at the parts from outside, by the APIs that anybody can call.
type line struct {
	prometheus, alertmanager, receiver string // URLs
	inbox                              *inbox.Inbox
	client                             *http.Client
}

// get reads an answer into out.
func (l *line) get(ctx context.Context, addr string, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, addr, nil)
	if err != nil {
		return err
	}
	res, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %.200s", addr, res.Status, body)
	}
	return json.Unmarshal(body, out)
}

// sample returns the first value that Prometheus answers a query with.
func (l *line) sample(ctx context.Context, query string) (value string, ok bool, err error) {
	var a struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	err = l.get(ctx, l.prometheus+"/api/v1/query?query="+url.QueryEscape(query), &a)
	if err != nil || len(a.Data.Result) == 0 {
		return "", false, err
	}
	return fmt.Sprint(a.Data.Result[0].Value[1]), true, nil
}

// promAlert is an alert as Prometheus sees it.
type promAlert struct {
	Labels   map[string]string `json:"labels"`
	State    string            `json:"state"`
	ActiveAt time.Time         `json:"activeAt"`
}

// alert returns the alert of that name that became active after the given time. Without one, the state is "inactive".
func (l *line) alert(ctx context.Context, name string, after time.Time) (promAlert, error) {
	var a struct {
		Data struct {
			Alerts []promAlert `json:"alerts"`
		} `json:"data"`
	}
	if err := l.get(ctx, l.prometheus+"/api/v1/alerts", &a); err != nil {
		return promAlert{}, err
	}
	for _, x := range a.Data.Alerts {
		if x.Labels["alertname"] == name && x.ActiveAt.After(after) {
			return x, nil
		}
	}
	return promAlert{State: "inactive"}, nil
}

// grouped returns the fingerprint of the alert of that name that Alertmanager was told of after the given time.
func (l *line) grouped(ctx context.Context, name string, after time.Time) (fingerprint string, err error) {
	var alerts []struct {
		Fingerprint string    `json:"fingerprint"`
		StartsAt    time.Time `json:"startsAt"`
	}
	err = l.get(ctx, l.alertmanager+"/api/v2/alerts?filter="+url.QueryEscape("alertname="+strconv.Quote(name)), &alerts)
	for _, a := range alerts {
		if a.StartsAt.After(after) {
			return a.Fingerprint, err
		}
	}
	return "", err
}

// delivery is one of the receiver's, as its API shows it.
type delivery struct {
	Channel   string    `json:"channel"`
	State     string    `json:"state"`
	Attempts  int       `json:"attempts"`
	LastError string    `json:"lastError"`
	CreatedAt time.Time `json:"createdAt"`
	Alerts    []struct {
		Fingerprint string `json:"fingerprint"`
		Status      string `json:"status"`
	} `json:"alerts"`
}

// deliveries returns those that tell of an alert's status and were accepted after the given time.
func (l *line) deliveries(ctx context.Context, fingerprint, status string, after time.Time) ([]delivery, error) {
	var a struct {
		Deliveries []delivery `json:"deliveries"`
	}
	if err := l.get(ctx, l.receiver+"/api/v1/deliveries?limit=50", &a); err != nil {
		return nil, err
	}
	var found []delivery
	for _, d := range a.Deliveries {
		for _, alert := range d.Alerts {
			if alert.Fingerprint == fingerprint && alert.Status == status && d.CreatedAt.After(after) {
				found = append(found, d)
			}
		}
	}
	return found, nil
}

// message returns the newest message of a medium that speaks of the alert and came, or was edited, after the given time.
func (l *line) message(medium inbox.Medium, alert string, after time.Time) (found inbox.Message, ok bool) {
	for _, m := range l.inbox.Messages() {
		if m.Medium == medium && m.ChangedAt.After(after) && strings.Contains(m.Subject+m.Text, alert) {
			found, ok = m, true
		}
	}
	return found, ok
}
