package receiver

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/template"
)

// Data is what templates see: Alertmanager's own data, of the delivery's alerts
// alone, and what its templates cannot know.
type Data struct {
	*template.Data
	// TruncatedAlerts counts those that Alertmanager cut (max_alerts). While it
	// is not zero, "resolved" holds for those that are shown, no more.
	TruncatedAlerts uint64
	// Reminder: nothing changed, Alertmanager repeats it on purpose.
	Reminder bool
}

// timeLayout is how times are shown where no template says otherwise.
const timeLayout = "2006-01-02 15:04 MST"

// dataOf narrows the notification to the alerts of the delivery, and computes
// anew what depends on them. With an error, which means that the stored body
// cannot be read any more, the data holds what the delivery itself knows.
func dataOf(job Job, zone *time.Location) (*Data, error) {
	p, err := ParsePayload(job.Notification.Raw)
	if err != nil {
		return bareData(job), fmt.Errorf("stored notification: %w", err)
	}
	p.Alerts = shareOf(p.Alerts, job.Alerts)
	if zone == nil {
		zone = time.UTC
	}
	for i := range p.Alerts {
		p.Alerts[i].StartsAt = p.Alerts[i].StartsAt.In(zone)
		if !p.Alerts[i].EndsAt.IsZero() {
			p.Alerts[i].EndsAt = p.Alerts[i].EndsAt.In(zone)
		}
	}
	p.Status = statusOf(p.Alerts)
	p.CommonLabels = common(p.Alerts, func(a template.Alert) template.KV { return a.Labels })
	p.CommonAnnotations = common(p.Alerts, func(a template.Alert) template.KV { return a.Annotations })
	d := &Data{Data: p.Data, TruncatedAlerts: p.TruncatedAlerts, Reminder: job.Reminder}
	if len(p.Alerts) == 0 {
		return bareData(job), fmt.Errorf("stored notification: none of the delivery's %d alerts in it", len(job.Alerts))
	}
	return d, nil
}

// bareData has the states only: no labels, no annotations.
func bareData(job Job) *Data {
	d := &Data{Data: &template.Data{Receiver: job.Notification.Receiver, Status: string(Firing)}, Reminder: job.Reminder}
	for _, s := range job.Alerts {
		d.Alerts = append(d.Alerts, template.Alert{Status: string(s.Status), StartsAt: s.StartsAt, Fingerprint: s.Fingerprint})
	}
	if len(d.Alerts) > 0 {
		d.Status = statusOf(d.Alerts)
	}
	return d
}

// shareOf keeps of all those with one of the given states, in their order.
func shareOf(all template.Alerts, states []AlertState) template.Alerts {
	wanted := make(map[string]AlertState, len(states))
	for _, s := range states {
		wanted[s.Fingerprint] = s
	}
	var share template.Alerts
	for _, a := range all {
		if s, ok := wanted[a.Fingerprint]; ok && s.Status == Status(a.Status) {
			share = append(share, a)
		}
	}
	return share
}

func statusOf(alerts template.Alerts) string {
	if len(alerts.Firing()) > 0 {
		return string(Firing)
	}
	return string(Resolved)
}

// common returns the pairs that all alerts have.
func common(alerts template.Alerts, of func(template.Alert) template.KV) template.KV {
	if len(alerts) == 0 {
		return template.KV{}
	}
	kv := template.KV{}
	maps.Copy(kv, of(alerts[0]))
	for _, a := range alerts[1:] {
		maps.DeleteFunc(kv, func(k, v string) bool {
			other, ok := of(a)[k]
			return !ok || other != v
		})
	}
	return kv
}

// name is the shortest that tells the alerts from others.
func (d *Data) name() string {
	if n := d.CommonLabels["alertname"]; n != "" {
		return n
	}
	if len(d.GroupLabels) > 0 {
		return strings.Join(d.GroupLabels.Values(), " ")
	}
	if len(d.CommonLabels) > 0 {
		return d.CommonLabels.String()
	}
	return d.Receiver
}
