package receiver

import (
	"context"
	"errors"
	"time"
)

// Outbox keeps deliveries until each is settled. Implementations are safe for
// concurrent use; receiver/outboxtest is the suite that every one passes, and
// DESIGN.md draws the state machine that it enforces.
//
// Times come from the caller, so that tests own the clock; they are kept to
// the millisecond. Durable means: on disk, so that neither kill -9 nor a power
// cut takes it back.
type Outbox interface {
	// Put stores n and, for each of rs whose alerts are news to its thread,
	// one pending delivery, all in one durable transaction. What is news is
	// decided by Thread.Merge inside that transaction, so two calls that race
	// with the same state give one delivery. Put fills n.ID and returns the
	// verdict for each of rs, in order; only News and Reminder made a delivery.
	//
	// A nil error means durable. ErrBusy and ErrClosed mean that nothing of it
	// is kept. After any other error, such as ctx having ended, the caller does
	// not know and must have it sent again: Merge drops what was kept already.
	Put(ctx context.Context, n *Notification, rs []Routed) ([]Verdict, error)

	// Quarantine durably stores a body that could not be understood.
	Quarantine(ctx context.Context, q Quarantined) error

	// Claim leases up to c.Limit deliveries that are pending, due, unleased
	// (or whose lease has run out) and first of their thread, the longest due
	// first, raises their Attempt by one and durably records that the attempt
	// has started. The fencing token is (ID, Attempt).
	Claim(ctx context.Context, c Claim) ([]Job, error)

	// Settle durably records how an attempt ended and moves the delivery. It
	// returns ErrFenced, and changes nothing, if the delivery is not pending
	// with s.Attempt any more: the lease ran out and somebody else has it.
	Settle(ctx context.Context, s Settlement) error

	// Due receives a value when deliveries may have become claimable through
	// Put or Settle or another process. Values may be coalesced or lost:
	// callers also poll.
	Due() <-chan struct{}
}

// Ledger is what the status page, the metrics and the command line read.
type Ledger interface {
	// List returns deliveries, newest first, at most f.Limit.
	List(ctx context.Context, f Filter) ([]Delivery, error)
	// Show returns one delivery with its notification and attempts, or
	// ErrNotFound.
	Show(ctx context.Context, id int64) (History, error)
	// Stats counts what there is, cheaply enough to be called at each scrape.
	Stats(ctx context.Context, now time.Time) (Stats, error)
	// Quarantined returns what is in quarantine, newest first, at most limit.
	Quarantined(ctx context.Context, limit int) ([]Quarantined, error)
}

// Desk is what an operator may do by hand, while a receiver runs or not.
type Desk interface {
	// Retry makes dead deliveries pending again, due at once; their history
	// stays and their attempts go on counting. It returns how many it moved:
	// ids that are unknown or not dead are left alone.
	Retry(ctx context.Context, now time.Time, ids ...int64) (int, error)
	// Discard makes pending or dead deliveries dead with CauseDiscarded, and
	// returns how many it moved.
	Discard(ctx context.Context, now time.Time, ids ...int64) (int, error)
	// Prune deletes notifications received before the given time all of whose
	// deliveries are settled, and quarantined bodies as old, and returns how
	// many notifications went.
	Prune(ctx context.Context, before time.Time) (int, error)
}

// Store is one storage engine, whole.
type Store interface {
	Outbox
	Ledger
	Desk
	// Close waits for transactions under way and lets go of the storage.
	Close() error
}

// The named errors of an Outbox.
var (
	// ErrFenced: the delivery was taken over by another attempt.
	ErrFenced = errors.New("delivery was taken over by another attempt")
	// ErrNotFound: there is no such delivery.
	ErrNotFound = errors.New("no such delivery")
	// ErrBusy: the outbox cannot take more just now; nothing was kept.
	ErrBusy = errors.New("outbox is busy")
	// ErrClosed: the outbox has been closed; nothing was kept.
	ErrClosed = errors.New("outbox is closed")
)

// Routed is one recipient's share of a notification, as the router hands it to
// Put: whom it is for, and what Thread.Merge must know to judge it.
type Routed struct {
	Thread ThreadKey
	// Alerts of the notification that were routed to the thread.
	Alerts []AlertState
	// Reason is Alertmanager's notification_reason, empty before 0.32.
	Reason string
	// Window is how long the same state counts as a repetition by accident
	// where Reason does not tell.
	Window time.Duration
	// Resolved: the recipient wants to hear of resolved alerts.
	Resolved bool
}

// Update is what r says to its thread when received at the given time.
func (r Routed) Update(at time.Time) Update {
	return Update{Alerts: r.Alerts, Reason: r.Reason, At: at, Window: r.Window, Resolved: r.Resolved}
}

// Claim asks for work.
type Claim struct {
	// Worker names the claimer in the history: host, process.
	Worker string
	// Channel whose deliveries are wanted.
	Channel string
	Limit   int
	Now     time.Time
	// Lease is how long the claim holds; longer than any Send may take.
	Lease time.Duration
}

// Job is a claimed delivery with all that is needed to render it.
type Job struct {
	Delivery
	Notification Notification
	// ThreadRef is the Ref of the last receipt of the thread's episode.
	ThreadRef string
}

// Settlement records how an attempt ended.
type Settlement struct {
	ID      int64
	Attempt int
	Outcome Outcome // OutcomeDelivered, OutcomeRetry or OutcomeDead
	Cause   Cause   // with OutcomeDead
	At      time.Time
	// NotBefore is the earliest next attempt, with OutcomeRetry.
	NotBefore time.Time
	// Receipt of the far side, with OutcomeDelivered. Its Ref, if any, becomes
	// the thread's in the same transaction, unless the thread has begun a new
	// episode since.
	Receipt Receipt
	// Error text, free of secrets.
	Error string
}

// Filter selects deliveries. Zero fields select everything.
type Filter struct {
	State   State
	Channel string
	Cause   Cause
	// Before pages: only deliveries with a smaller ID.
	Before int64
	Limit  int
}

// History is one delivery's whole story.
type History struct {
	Delivery     Delivery
	Notification Notification
	Attempts     []Attempt // oldest first
}

// Stats is the outbox at a glance, by channel where that helps.
type Stats struct {
	// Pending and Dead count deliveries by channel; Dead leaves out those that
	// an operator discarded.
	Pending, Dead map[string]int
	// OldestPending is the age of the longest waiting delivery by channel.
	OldestPending map[string]time.Duration
	Quarantined   int
}

// Quarantined is a body that was accepted but not understood.
type Quarantined struct {
	ID         int64
	ReceivedAt time.Time
	From       string // remote address
	Receiver   string // from the path, may be empty
	Reason     string
	Raw        []byte
	Truncated  bool // Raw is only the beginning
}
