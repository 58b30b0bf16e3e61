package receiver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
)

const (
	// keepCut is how much of a body that is too large goes to quarantine.
	keepCut = 64 << 10
	// retryAfter is what a 503 asks for. Alertmanager does not read it, others do.
	retryAfter = "5"
)

// webhook accepts notifications. What it answers is chosen by what Alertmanager
// does with it: only a network error or a 5xx is tried again, so everything that
// may still be kept later is a 503, and what is kept is a 2xx even if it was not
// understood, for a 4xx would page nobody.
type webhook struct {
	config  func() *Config
	outbox  Outbox
	metrics *metrics
	logger  *slog.Logger
	// refused is set while the outbox keeps nothing: reading may work on a disk
	// that is full.
	refused *atomic.Bool
}

// answer is one webhook's answer: what the caller reads, and the metric's result.
type answer struct {
	Status     string `json:"status"`
	Deliveries int    `json:"deliveries"`
	Duplicates int    `json:"duplicates"`
	Error      string `json:"error,omitempty"`

	code   int
	result string
}

// ServeHTTP implements http.Handler. The route's variable "receiver", if there is
// one, routes instead of the payload's own.
func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	a := h.accept(w, r)
	h.metrics.webhooks.WithLabelValues(a.result).Inc()
	h.metrics.webhookDuration.Observe(time.Since(began).Seconds())
	w.Header().Set("Content-Type", "application/json")
	if a.code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.WriteHeader(a.code)
	_ = json.NewEncoder(w).Encode(a)
}

func (h *webhook) accept(w http.ResponseWriter, r *http.Request) answer {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return answer{Status: "error", Error: "send a POST", code: http.StatusMethodNotAllowed, result: resultMethod}
	}
	// The outbox commits in groups: a caller that hangs up must not end the
	// commit of the others, and what is on disk is on disk.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), storeTimeout)
	defer cancel()
	cfg := h.config()
	n := &Notification{Receiver: mux.Vars(r)["receiver"]}
	body, err := io.ReadAll(io.LimitReader(r.Body, cfg.MaxBodyBytes+1))
	n.ReceivedAt = time.Now().Truncate(time.Millisecond)
	if err != nil {
		h.logger.Warn("webhook body broke off", "from", r.RemoteAddr, "err", err)
		return unavailable("body broke off")
	}
	n.Raw = body
	if int64(len(body)) > cfg.MaxBodyBytes {
		return h.tooLarge(ctx, n, r.RemoteAddr, cfg.MaxBodyBytes)
	}
	p, err := ParsePayload(body)
	if err != nil {
		return h.notUnderstood(ctx, n, r.RemoteAddr, err)
	}
	return h.put(ctx, cfg, n, p)
}

func (h *webhook) put(ctx context.Context, cfg *Config, n *Notification, p *Payload) answer {
	n.GroupKey = p.GroupKey
	if n.Receiver == "" {
		n.Receiver = p.Receiver
	}
	rs := cfg.routed(n, p)
	verdicts, err := h.outbox.Put(ctx, n, rs)
	if err != nil {
		return h.storeFailed("put", err)
	}
	h.refused.Store(false)
	h.metrics.accepted.Inc()
	a := answer{Status: resultAccepted, code: http.StatusOK, result: resultAccepted}
	for i, v := range verdicts {
		h.metrics.verdicts.WithLabelValues(rs[i].Thread.Channel, string(v)).Inc()
		if v == News || v == Reminder {
			a.Deliveries++
		} else {
			a.Duplicates++
		}
	}
	h.logger.Info("notification accepted", "notification", n.ID, "receiver", n.Receiver, "group", n.GroupKey,
		"status", p.Status, "alerts", len(p.Alerts), "deliveries", a.Deliveries, "duplicates", a.Duplicates)
	return a
}

func (h *webhook) notUnderstood(ctx context.Context, n *Notification, from string, why error) answer {
	q := Quarantined{ReceivedAt: n.ReceivedAt, From: from, Receiver: n.Receiver, Reason: clip(why.Error(), 500), Raw: n.Raw}
	if err := h.outbox.Quarantine(ctx, q); err != nil {
		return h.storeFailed("quarantine", err)
	}
	h.logger.Error("webhook not understood, kept in quarantine", "from", from, "receiver", n.Receiver, "err", why)
	return answer{Status: resultQuarantined, Error: q.Reason, code: http.StatusAccepted, result: resultQuarantined}
}

func (h *webhook) tooLarge(ctx context.Context, n *Notification, from string, limit int64) answer {
	why := fmt.Sprintf("body is larger than max_body_bytes, %d", limit)
	q := Quarantined{
		ReceivedAt: n.ReceivedAt, From: from, Receiver: n.Receiver, Reason: why,
		Raw: n.Raw[:min(len(n.Raw), keepCut)], Truncated: true,
	}
	if err := h.outbox.Quarantine(ctx, q); err != nil {
		return h.storeFailed("quarantine", err)
	}
	h.logger.Error("webhook too large, its beginning kept in quarantine", "from", from, "receiver", n.Receiver, "limit", limit)
	return answer{Status: "error", Error: why, code: http.StatusRequestEntityTooLarge, result: resultTooLarge}
}

// storeFailed asks for the notification again. The reason is for the log only.
func (h *webhook) storeFailed(operation string, err error) answer {
	h.metrics.storeErrors.WithLabelValues(operation).Inc()
	h.refused.Store(true)
	h.logger.Error("webhook not kept", "operation", operation, "err", err)
	if errors.Is(err, ErrBusy) {
		return unavailable("outbox is busy")
	}
	return unavailable("outbox does not work")
}

func unavailable(why string) answer {
	return answer{Status: "error", Error: why + ", send it again", code: http.StatusServiceUnavailable, result: resultUnavailable}
}
