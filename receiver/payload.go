package receiver

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/alertmanager/template"
)

// ParsePayload reads the body of an Alertmanager webhook. It is lenient: any
// version, unknown fields, and absence of all but the alerts, each of which
// needs a label and a status. What Alertmanager would have said is filled in:
// fingerprints from the labels, a group key from the group's labels.
//
// The error says in what the body is not Alertmanager's.
func ParsePayload(body []byte) (*Payload, error) {
	p := Payload{Data: new(template.Data)}
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("not an Alertmanager webhook: %w", err)
	}
	if p.Data == nil || len(p.Alerts) == 0 {
		return nil, errors.New("not an Alertmanager webhook: no alerts in it")
	}
	for i := range p.Alerts {
		if err := complete(&p.Alerts[i]); err != nil {
			return nil, fmt.Errorf("not an Alertmanager webhook: alert %d: %w", i, err)
		}
	}
	p.Alerts = unique(p.Alerts)
	if p.GroupKey == "" {
		p.GroupKey = "{}:{" + p.GroupLabels.String() + "}"
	}
	p.Receiver = unquoteMeta(p.Receiver)
	return &p, nil
}

func complete(a *template.Alert) error {
	if len(a.Labels) == 0 {
		return errors.New("no labels")
	}
	switch Status(a.Status) {
	case Firing, Resolved:
	default:
		return fmt.Errorf("status %q is neither firing nor resolved", a.Status)
	}
	if a.Fingerprint == "" {
		a.Fingerprint = labelSet(a.Labels).Fingerprint().String()
	}
	return nil
}

// unique keeps the last of alerts that have the same fingerprint, at the place
// of the first.
func unique(alerts template.Alerts) template.Alerts {
	at := make(map[string]int, len(alerts))
	kept := alerts[:0]
	for _, a := range alerts {
		if i, ok := at[a.Fingerprint]; ok {
			kept[i] = a
			continue
		}
		at[a.Fingerprint] = len(kept)
		kept = append(kept, a)
	}
	return kept
}

// unquoteMeta undoes what Alertmanager does to a receiver's name before it
// shows it to templates and webhooks: regexp.QuoteMeta.
func unquoteMeta(quoted string) string {
	var b strings.Builder
	for i := 0; i < len(quoted); i++ {
		if quoted[i] == '\\' && i+1 < len(quoted) {
			i++
		}
		b.WriteByte(quoted[i])
	}
	if name := b.String(); regexp.QuoteMeta(name) == quoted {
		return name
	}
	return quoted
}

// stateOf is what identifies a's state.
func stateOf(a template.Alert) AlertState {
	return AlertState{Fingerprint: a.Fingerprint, Status: Status(a.Status), StartsAt: a.StartsAt}
}

// statesOf is what alerts are according to the Alertmanager at externalURL, of
// which a short hash is kept.
func statesOf(alerts []template.Alert, externalURL string) []AlertState {
	h := fnv.New32a()
	_, _ = io.WriteString(h, externalURL)
	from := strconv.FormatUint(uint64(h.Sum32()), 36)
	states := make([]AlertState, len(alerts))
	for i, a := range alerts {
		states[i] = stateOf(a)
		states[i].From = from
	}
	return states
}

// routed is what the config makes of a notification: one entry a recipient.
func (c *Config) routed(n *Notification, p *Payload) []Routed {
	var rs []Routed
	for _, share := range c.Router.Route(n.Receiver, p.Alerts) {
		o := c.Outlet(share.Channel)
		states := statesOf(share.Alerts, p.ExternalURL)
		for _, to := range o.To {
			rs = append(rs, Routed{
				Thread:   ThreadKey{Receiver: n.Receiver, GroupKey: n.GroupKey, Channel: o.Name, To: to},
				Alerts:   states,
				Reason:   p.NotificationReason,
				Window:   c.DedupWindow,
				Resolved: o.Common.SendResolved == nil || *o.Common.SendResolved,
			})
		}
	}
	return rs
}
