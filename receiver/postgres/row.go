package postgres

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/bongsu/bongsu/receiver"
)

// deliveryColumns are what scanDelivery reads, of delivery d and thread t.
const deliveryColumns = `d.id, d.notification_id, t.receiver, t.group_key, d.channel, t.recipient, d.alerts, d.reminder,
	d.state, d.cause, d.attempt, d.last_error, d.receipt, d.created_at, d.not_before, d.lease_until, d.finished_at`

// deliveryRow is a delivery as it is stored.
type deliveryRow struct {
	d                                   receiver.Delivery
	alerts, receipt                     string
	created, notBefore, lease, finished int64
}

func (r *deliveryRow) dest() []any {
	d := &r.d
	return []any{
		&d.ID, &d.NotificationID, &d.Thread.Receiver, &d.Thread.GroupKey, &d.Thread.Channel, &d.Thread.To, &r.alerts, &d.Reminder,
		&d.State, &d.Cause, &d.Attempt, &d.LastError, &r.receipt, &r.created, &r.notBefore, &r.lease, &r.finished,
	}
}

func (r *deliveryRow) delivery(instance string) (receiver.Delivery, error) {
	d := r.d
	var err error
	if d.Alerts, err = decodeAlerts(r.alerts); err != nil {
		return d, fmt.Errorf("delivery %d: %w", d.ID, err)
	}
	if d.Receipt, err = decodeReceipt(r.receipt); err != nil {
		return d, fmt.Errorf("delivery %d: %w", d.ID, err)
	}
	d.Key = instance + "-" + strconv.FormatInt(d.ID, 10)
	d.CreatedAt, d.NotBefore = fromMillis(r.created), fromMillis(r.notBefore)
	d.LeaseUntil, d.FinishedAt = fromMillis(r.lease), fromMillis(r.finished)
	return d, nil
}

// notificationColumns are what notificationRow reads, of notification n.
const notificationColumns = `n.id, n.received_at, n.receiver, n.group_key, n.enc, n.body`

type notificationRow struct {
	n        receiver.Notification
	received int64
	body     packed
}

func (r *notificationRow) dest() []any {
	return []any{&r.n.ID, &r.received, &r.n.Receiver, &r.n.GroupKey, &r.body.enc, &r.body.body}
}

func (r *notificationRow) notification(c *codec) (receiver.Notification, error) {
	n := r.n
	n.ReceivedAt = fromMillis(r.received)
	var err error
	if n.Raw, err = c.unpack(r.body); err != nil {
		return n, fmt.Errorf("notification %d: %w", n.ID, err)
	}
	return n, nil
}

func encodeReceipt(r receiver.Receipt) (string, error) {
	if r == (receiver.Receipt{}) {
		return "", nil
	}
	text, err := json.Marshal(r)
	return string(text), err
}

func decodeReceipt(text string) (receiver.Receipt, error) {
	var r receiver.Receipt
	if text == "" {
		return r, nil
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return r, fmt.Errorf("stored receipt: %w", err)
	}
	return r, nil
}
