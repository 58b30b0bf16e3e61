package receiver

import (
	"slices"
	"strings"
	"time"
)

// Verdict is what a thread makes of a notification.
type Verdict string

// The verdicts of Thread.Merge.
const (
	// News changes what the recipient knows: it is sent.
	News Verdict = "news"
	// Reminder repeats it on purpose ("repeat interval elapsed"): it is sent.
	Reminder Verdict = "reminder"
	// Duplicate repeats it by accident (a retry, the other Alertmanager of a
	// pair, a restart): it is dropped.
	Duplicate Verdict = "duplicate"
	// Stale tells only what the recipient already knows to be over: dropped.
	Stale Verdict = "stale"
	// Silent changes nothing that the recipient wants to hear of, such as a
	// resolve of something that was never announced to them: dropped.
	Silent Verdict = "silent"
)

// reasonRepeat is Alertmanager's notification_reason for a reminder (0.32+).
const reasonRepeat = "repeat interval elapsed"

// reminderGap is the least time between two reminders. Retries of Alertmanager
// wait less, and nobody who wants to be reminded wants it more often.
const reminderGap = time.Minute

// Thread is what one recipient on one channel knows of one group.
type Thread struct {
	// Episode counts the times that the group went from quiet to firing.
	Episode int64
	// Alerts are the states that the recipient was last told, by fingerprint.
	// Resolved ones are kept until the episode ends, so that a late "firing"
	// is known to be stale.
	Alerts []AlertState
	// UpdatedAt is when the thread last changed, or was last repeated.
	UpdatedAt time.Time
	// Ref is the last receipt's, for this episode.
	Ref string
}

// Update is what a notification says to a thread.
type Update struct {
	// Alerts routed to the thread.
	Alerts []AlertState
	// Reason is Alertmanager's notification_reason, empty before 0.32.
	Reason string
	// At is when it was received.
	At time.Time
	// Window is how long the same state counts as a repetition by accident
	// where Reason does not tell.
	Window time.Duration
	// Resolved: the recipient wants to hear of resolved alerts.
	Resolved bool
}

// Merge returns the thread after u, and what u is to it. It does not change t.
//
// State is per fingerprint and moves forward: by a later start, or from firing to
// resolved. What would move it back is stale if it was only late on its way, and
// news if the alert fires again: Alertmanager resolves what it has not heard of
// for a while, and takes it up with its old start when Prometheus is back.
func (t Thread) Merge(u Update) (Thread, Verdict) {
	known := make(map[string]AlertState, len(t.Alerts))
	for _, a := range t.Alerts {
		known[a.Fingerprint] = a
	}
	wasFiring := anyFiring(t.Alerts)
	news, stale := false, false
	for _, a := range u.Alerts {
		old, seen := known[a.Fingerprint]
		switch {
		case seen && (old.same(a) || old.Status == a.Status && a.before(old)):
			continue
		case seen && a.before(old) && (a.Status == Resolved || u.late(a, old, t)):
			stale = true
			continue
		case !seen && a.Status == Resolved:
			// Never announced here: remembered, but no reason to ring.
		case a.Status == Resolved && !u.Resolved:
		default:
			news = true
		}
		known[a.Fingerprint] = a
	}
	next := t
	next.Alerts = sorted(known)
	switch {
	case news:
	case u.repeats(t) && wasFiring && anyFiring(u.Alerts):
		next.UpdatedAt = u.At
		return next, Reminder
	case stale:
		return t, Stale
	case slices.EqualFunc(next.Alerts, t.Alerts, AlertState.same):
		return t, Duplicate
	default:
		next.UpdatedAt = u.At
		return next, Silent
	}
	next.UpdatedAt = u.At
	if !wasFiring {
		next.Episode++
		next.Ref = ""
		next.Alerts = slices.Clone(u.Alerts)
		slices.SortFunc(next.Alerts, byFingerprint)
	}
	return next, News
}

// repeats reports whether u was sent on purpose to repeat what t knows. Even a
// reminder comes twice, from both Alertmanagers of a pair or after an answer that
// was lost, but then within reminderGap.
func (u Update) repeats(t Thread) bool {
	since := u.At.Sub(t.UpdatedAt)
	if u.Reason != "" && u.Reason != "unknown" && u.Reason != "none" {
		return u.Reason == reasonRepeat && since >= min(u.Window, reminderGap)
	}
	return since >= u.Window
}

// late reports whether a, firing, was said before old, resolved, and was overtaken
// on the way: by another webhook of the same Alertmanager that was answered while
// this one was still being stored, or by the other Alertmanager of a pair.
func (u Update) late(a, old AlertState, t Thread) bool {
	since := u.At.Sub(t.UpdatedAt)
	return since < storeTimeout || a.From != old.From && since < u.Window
}

func (a AlertState) same(b AlertState) bool {
	return a.Fingerprint == b.Fingerprint && a.Status == b.Status && a.StartsAt.Equal(b.StartsAt)
}

func (a AlertState) before(b AlertState) bool {
	if !a.StartsAt.Equal(b.StartsAt) {
		return a.StartsAt.Before(b.StartsAt)
	}
	return a.Status == Firing && b.Status == Resolved
}

func anyFiring(as []AlertState) bool {
	return slices.ContainsFunc(as, func(a AlertState) bool { return a.Status == Firing })
}

func sorted(m map[string]AlertState) []AlertState {
	as := make([]AlertState, 0, len(m))
	for _, a := range m {
		as = append(as, a)
	}
	slices.SortFunc(as, byFingerprint)
	return as
}

func byFingerprint(a, b AlertState) int { return strings.Compare(a.Fingerprint, b.Fingerprint) }
