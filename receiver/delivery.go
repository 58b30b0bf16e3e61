package receiver

import (
	"fmt"
	"time"
)

// State is where a delivery stands. There are three; a lease is no state but a
// time until which a pending delivery is somebody's, so that a crashed worker
// needs no rescuer: its lease runs out.
type State string

// The states of a delivery. Claim and Settle move it, and for dead ones an
// operator's Retry.
const (
	// Pending waits to be claimed, or is claimed until its lease ends.
	Pending State = "pending"
	// Delivered was taken over by the channel's far side. Final.
	Delivered State = "delivered"
	// Dead will not be tried again unless an operator says so.
	Dead State = "dead"
)

// Outcome is how one attempt ended.
type Outcome string

// The outcomes of an attempt.
const (
	// OutcomeStarted has no end recorded yet: it runs, or its worker crashed
	// and nobody knows whether the far side took it.
	OutcomeStarted Outcome = "started"
	// OutcomeDelivered makes the delivery Delivered.
	OutcomeDelivered Outcome = "delivered"
	// OutcomeRetry leaves it Pending, not to be claimed before a stated time.
	OutcomeRetry Outcome = "retry"
	// OutcomeDead makes it Dead.
	OutcomeDead Outcome = "dead"
)

// Cause says why a delivery is dead.
type Cause string

// The causes of death.
const (
	// CausePermanent: the far side refused for good (wrong number, bad token).
	CausePermanent Cause = "permanent"
	// CauseExpired: it was retried until its time to live had passed.
	CauseExpired Cause = "expired"
	// CauseDiscarded: an operator gave it up. It counts as dealt with.
	CauseDiscarded Cause = "discarded"
	// CauseUnconfigured: its channel is no longer in the config.
	CauseUnconfigured Cause = "unconfigured"
)

// ThreadKey names a Thread: one group of one Alertmanager receiver, as one
// recipient on one channel hears of it.
type ThreadKey struct {
	Receiver, GroupKey, Channel, To string
}

// Delivery is one notification on its way to one recipient on one channel.
type Delivery struct {
	// ID is given by the Outbox. IDs of later deliveries are larger.
	ID int64
	// Key is the same for every attempt at this delivery and differs from the
	// key of every other delivery of every outbox. Channels hand it to the far
	// side wherever that can drop a repetition by it (Message-ID, client
	// reference).
	Key string
	// NotificationID is the notification that it tells of.
	NotificationID int64
	// Thread orders it: of one thread at most one delivery is claimed at a
	// time, the oldest pending one first.
	Thread ThreadKey
	// Alerts are the notification's alerts that were routed to this channel.
	Alerts []AlertState
	// Reminder marks a repetition that Alertmanager sent on purpose.
	Reminder bool

	State     State
	Cause     Cause  // why it is dead, else empty
	Attempt   int    // attempts so far; with ID the fencing token
	LastError string // of the newest failed attempt, free of secrets
	Receipt   Receipt

	CreatedAt  time.Time
	NotBefore  time.Time // earliest next attempt, while pending
	LeaseUntil time.Time // zero unless claimed
	FinishedAt time.Time // zero while pending
}

// String names the delivery in logs and errors.
func (d Delivery) String() string {
	return fmt.Sprintf("delivery %d to %q by %s", d.ID, d.Thread.To, d.Thread.Channel)
}

// Attempt is one try at a delivery: the history that the status page shows.
type Attempt struct {
	N          int
	Worker     string
	StartedAt  time.Time
	FinishedAt time.Time // zero while Outcome is OutcomeStarted
	Outcome    Outcome
	Error      string // free of secrets
	Receipt    Receipt
}
