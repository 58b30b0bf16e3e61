package receiver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// The forms of the JSON API. Times are RFC 3339, absent ones null.

type deliveryJSON struct {
	ID             int64        `json:"id"`
	Key            string       `json:"key"`
	NotificationID int64        `json:"notificationId"`
	Receiver       string       `json:"receiver"`
	GroupKey       string       `json:"groupKey"`
	Channel        string       `json:"channel"`
	To             string       `json:"to"`
	State          State        `json:"state"`
	Cause          Cause        `json:"cause,omitempty"`
	Reminder       bool         `json:"reminder"`
	Attempts       int          `json:"attempts"`
	LastError      string       `json:"lastError,omitempty"`
	Receipt        Receipt      `json:"receipt"`
	Alerts         []alertJSON  `json:"alerts"`
	CreatedAt      *time.Time   `json:"createdAt"`
	NotBefore      *time.Time   `json:"notBefore"`
	LeaseUntil     *time.Time   `json:"leaseUntil"`
	FinishedAt     *time.Time   `json:"finishedAt"`
	History        *historyJSON `json:"history,omitempty"`
}

type alertJSON struct {
	Fingerprint string    `json:"fingerprint"`
	Status      Status    `json:"status"`
	StartsAt    time.Time `json:"startsAt"`
}

type historyJSON struct {
	Attempts     []attemptJSON   `json:"attempts"`
	ReceivedAt   *time.Time      `json:"receivedAt"`
	Notification json.RawMessage `json:"notification"`
}

type attemptJSON struct {
	N          int        `json:"n"`
	Worker     string     `json:"worker"`
	StartedAt  *time.Time `json:"startedAt"`
	FinishedAt *time.Time `json:"finishedAt"`
	Outcome    Outcome    `json:"outcome"`
	Error      string     `json:"error,omitempty"`
	Receipt    Receipt    `json:"receipt"`
}

type quarantinedJSON struct {
	ID         int64      `json:"id"`
	ReceivedAt *time.Time `json:"receivedAt"`
	From       string     `json:"from"`
	Receiver   string     `json:"receiver,omitempty"`
	Reason     string     `json:"reason"`
	Truncated  bool       `json:"truncated"`
	Body       string     `json:"body"`
}

type statsJSON struct {
	Pending              map[string]int     `json:"pending"`
	Dead                 map[string]int     `json:"dead"`
	OldestPendingSeconds map[string]float64 `json:"oldestPendingSeconds"`
	Quarantined          int                `json:"quarantined"`
}

func (p *pages) listJSON(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	f, err := filterOf(r.URL.Query())
	if err != nil {
		writeError(w, err, http.StatusBadRequest)
		return
	}
	ds, err := p.ledger.List(ctx, f)
	if err != nil {
		p.brokenJSON(w, err)
		return
	}
	out := struct {
		Deliveries []deliveryJSON `json:"deliveries"`
		Next       string         `json:"next,omitempty"`
	}{Deliveries: []deliveryJSON{}, Next: nextPage(f, ds)}
	for _, d := range ds {
		out.Deliveries = append(out.Deliveries, deliveryOf(d))
	}
	writeJSON(w, http.StatusOK, out)
}

func (p *pages) showJSON(w http.ResponseWriter, r *http.Request) {
	h, err := p.history(r)
	switch {
	case errors.Is(err, ErrNotFound):
		writeError(w, err, http.StatusNotFound)
	case err != nil:
		p.brokenJSON(w, err)
	default:
		writeJSON(w, http.StatusOK, historyOf(h))
	}
}

func (p *pages) quarantineJSON(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	qs, err := p.ledger.Quarantined(ctx, pageSize)
	if err != nil {
		p.brokenJSON(w, err)
		return
	}
	out := struct {
		Quarantined []quarantinedJSON `json:"quarantined"`
	}{Quarantined: []quarantinedJSON{}}
	for _, q := range qs {
		out.Quarantined = append(out.Quarantined, quarantinedJSON{
			ID: q.ID, ReceivedAt: moment(q.ReceivedAt), From: q.From, Receiver: q.Receiver, Reason: q.Reason,
			Truncated: q.Truncated, Body: strings.ToValidUTF8(string(q.Raw), "\uFFFD"),
		})
	}
	writeJSON(w, http.StatusOK, out)
}

func (p *pages) statsJSON(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	s, err := p.ledger.Stats(ctx, time.Now())
	if err != nil {
		p.brokenJSON(w, err)
		return
	}
	out := statsJSON{map[string]int{}, map[string]int{}, map[string]float64{}, s.Quarantined}
	for _, l := range p.lines(s) {
		out.Pending[l.Name], out.Dead[l.Name], out.OldestPendingSeconds[l.Name] = l.Pending, l.Dead, l.Oldest.Seconds()
	}
	writeJSON(w, http.StatusOK, out)
}

func deliveryOf(d Delivery) deliveryJSON {
	out := deliveryJSON{
		ID: d.ID, Key: d.Key, NotificationID: d.NotificationID,
		Receiver: d.Thread.Receiver, GroupKey: d.Thread.GroupKey, Channel: d.Thread.Channel, To: d.Thread.To,
		State: d.State, Cause: d.Cause, Reminder: d.Reminder, Attempts: d.Attempt, LastError: d.LastError, Receipt: d.Receipt,
		Alerts:    []alertJSON{},
		CreatedAt: moment(d.CreatedAt), NotBefore: moment(d.NotBefore), LeaseUntil: moment(d.LeaseUntil), FinishedAt: moment(d.FinishedAt),
	}
	for _, a := range d.Alerts {
		out.Alerts = append(out.Alerts, alertJSON{a.Fingerprint, a.Status, a.StartsAt})
	}
	return out
}

func historyOf(h History) deliveryJSON {
	out := deliveryOf(h.Delivery)
	out.History = &historyJSON{Attempts: []attemptJSON{}, ReceivedAt: moment(h.Notification.ReceivedAt)}
	if json.Valid(h.Notification.Raw) {
		out.History.Notification = h.Notification.Raw
	}
	for _, a := range h.Attempts {
		out.History.Attempts = append(out.History.Attempts, attemptJSON{
			N: a.N, Worker: a.Worker, StartedAt: moment(a.StartedAt), FinishedAt: moment(a.FinishedAt),
			Outcome: a.Outcome, Error: a.Error, Receipt: a.Receipt,
		})
	}
	return out
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (p *pages) brokenJSON(w http.ResponseWriter, err error) {
	p.logger.Error("outbox does not answer the API", "err", err)
	writeError(w, errors.New("outbox does not answer, see the log"), http.StatusServiceUnavailable)
}

func writeError(w http.ResponseWriter, err error, code int) {
	writeJSON(w, code, struct {
		Error string `json:"error"`
	}{err.Error()})
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}
