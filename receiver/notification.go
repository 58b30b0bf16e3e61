package receiver

import (
	"time"

	"github.com/prometheus/alertmanager/template"
)

// Payload is the body of an Alertmanager webhook, version 4: the very data
// that Alertmanager's own templates see, and three fields beside it. Fields
// that some versions lack (NotificationReason before 0.32, RouteLabels before
// 0.34) are zero then; unknown fields are ignored.
//
// Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
type Payload struct {
	*template.Data

	Version         string `json:"version"`
	GroupKey        string `json:"groupKey"`
	TruncatedAlerts uint64 `json:"truncatedAlerts"`
}

// Notification is one webhook call, as it was accepted.
type Notification struct {
	// ID is given by the Outbox.
	ID int64
	// ReceivedAt is when the body had been read, to the millisecond.
	ReceivedAt time.Time
	// Receiver is the name that routed it: the path's, or else the payload's.
	Receiver string
	// GroupKey is the payload's.
	GroupKey string
	// Raw is the body as it came; it is stored and never changed.
	Raw []byte
}

// AlertState is what identifies one state of one alert: all that decides
// whether a notification is news. Two notifications whose alert states are the
// same tell the same thing, whatever their bytes are.
type AlertState struct {
	Fingerprint string    `json:"f"`
	Status      Status    `json:"s"`
	StartsAt    time.Time `json:"t"`
	// From names the Alertmanager that said so. It is no part of the state, but
	// tells what comes late from what has happened again: one Alertmanager speaks
	// of a group in order, two of a pair do not wait for each other.
	From string `json:"a,omitempty"`
}

// Status is an alert's or a group's: firing or resolved.
type Status string

// The two statuses that Alertmanager knows.
const (
	Firing   Status = "firing"
	Resolved Status = "resolved"
)
