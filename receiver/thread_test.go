package receiver_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

// state reads "a+" as a firing alert a, "a-" as resolved, "a+2" as one that
// started two hours later, and "a+@B" as said by B.
func state(word string) receiver.AlertState {
	word, from, _ := strings.Cut(word, "@")
	s := receiver.AlertState{Fingerprint: word[:1], Status: receiver.Firing, StartsAt: at, From: from}
	if word[1] == '-' {
		s.Status = receiver.Resolved
	}
	if len(word) > 2 {
		s.StartsAt = at.Add(time.Duration(word[2]-'0') * time.Hour)
	}
	return s
}

func stateWords(words string) []receiver.AlertState {
	var all []receiver.AlertState
	for w := range strings.FieldsSeq(words) {
		all = append(all, state(w))
	}
	return all
}

func wordsOfStates(all []receiver.AlertState) string {
	var words []string
	for _, s := range all {
		sign, hours := "+", ""
		if s.Status == receiver.Resolved {
			sign = "-"
		}
		if h := s.StartsAt.Sub(at) / time.Hour; h > 0 {
			hours = fmt.Sprint(int(h))
		}
		words = append(words, s.Fingerprint+sign+hours)
	}
	return strings.Join(words, " ")
}

const (
	repeated = "repeat interval elapsed"
	added    = "new alerts added"
	window   = 5 * time.Minute
)

func TestMerge(t *testing.T) {
	t.Parallel()
	type step struct {
		after   time.Duration // since the step before
		alerts  string
		reason  string
		deaf    bool // does not want resolved alerts
		want    receiver.Verdict
		known   string // alerts of the thread afterwards
		episode int64
	}
	for name, steps := range map[string][]step{
		"fires, resolves, fires again": {
			{0, "a+", first, false, receiver.News, "a+", 1},
			{time.Hour, "a-", "all alerts resolved", false, receiver.News, "a-", 1},
			{time.Hour, "a+2", first, false, receiver.News, "a+2", 2},
		},
		"a second alert joins, one of two resolves": {
			{0, "a+", first, false, receiver.News, "a+", 1},
			{time.Minute, "a+ b+", added, false, receiver.News, "a+ b+", 1},
			{time.Minute, "a- b+", "some alerts resolved", false, receiver.News, "a- b+", 1},
		},
		"the other Alertmanager of a pair, in another order": {
			{0, "a+ b+", first, false, receiver.News, "a+ b+", 1},
			{time.Second, "b+ a+", first, false, receiver.Duplicate, "a+ b+", 1},
			{time.Hour, "a+ b+", first, false, receiver.Duplicate, "a+ b+", 1},
		},
		"a late firing after the resolve": {
			{0, "a+", first, false, receiver.News, "a+", 1},
			{time.Minute, "a-", "all alerts resolved", false, receiver.News, "a-", 1},
			{time.Second, "a+", first, false, receiver.Stale, "a-", 1},
		},
		"a late firing beside real news": {
			{0, "a+", first, false, receiver.News, "a+", 1},
			{time.Minute, "a-", "all alerts resolved", false, receiver.News, "a-", 1},
			{time.Second, "a+ b+", added, false, receiver.News, "a+ b+", 2},
		},
		"an earlier start is older": {
			{0, "a+2", first, false, receiver.News, "a+2", 1},
			{time.Minute, "a-", "all alerts resolved", false, receiver.Stale, "a+2", 1},
		},
		"resolved for want of news, and firing again since its old start": {
			{0, "a+", first, false, receiver.News, "a+", 1},
			{time.Minute, "a-", "all alerts resolved", false, receiver.News, "a-", 1},
			{11 * time.Second, "a+", first, false, receiver.News, "a+", 2},
			{time.Hour, "a+", repeated, false, receiver.Reminder, "a+", 2},
		},
		"the other Alertmanager's firing comes late, or late enough to be news": {
			{0, "a+", first, false, receiver.News, "a+", 1},
			{time.Minute, "a-", "all alerts resolved", false, receiver.News, "a-", 1},
			{time.Minute, "a+@B", first, false, receiver.Stale, "a-", 1},
			{window, "a+@B", first, false, receiver.News, "a+", 2},
		},
		"an earlier start, still firing, is the same": {
			{0, "a+2", first, false, receiver.News, "a+2", 1},
			{time.Minute, "a+1", first, false, receiver.Duplicate, "a+2", 1},
			{time.Hour, "a+1", repeated, false, receiver.Reminder, "a+2", 1},
		},
		"a reminder with its reason": {
			{0, "a+", first, false, receiver.News, "a+", 1},
			{4 * time.Hour, "a+", repeated, false, receiver.Reminder, "a+", 1},
			{10 * time.Second, "a+", repeated, false, receiver.Duplicate, "a+", 1},
		},
		"without reasons, the window tells a reminder from an accident": {
			{0, "a+", "", false, receiver.News, "a+", 1},
			{window - time.Second, "a+", "", false, receiver.Duplicate, "a+", 1},
			{2 * time.Second, "a+", "", false, receiver.Reminder, "a+", 1},
			{window - time.Second, "a+", "unknown", false, receiver.Duplicate, "a+", 1},
			{time.Second, "a+", "none", false, receiver.Reminder, "a+", 1},
		},
		"a reminder of something that is over is none": {
			{0, "a+", "", false, receiver.News, "a+", 1},
			{time.Minute, "a-", "", false, receiver.News, "a-", 1},
			{time.Hour, "a-", "", false, receiver.Duplicate, "a-", 1},
		},
		"a resolve of what was never announced": {
			{0, "a-", "all alerts resolved", false, receiver.Silent, "a-", 0},
			{time.Second, "a+", first, false, receiver.Stale, "a-", 0},
			{time.Second, "a-", "all alerts resolved", false, receiver.Duplicate, "a-", 0},
		},
		"a recipient who does not want resolves": {
			{0, "a+ b+", first, true, receiver.News, "a+ b+", 1},
			{time.Minute, "a- b+", "some alerts resolved", true, receiver.Silent, "a- b+", 1},
			{time.Minute, "a- b-", "all alerts resolved", true, receiver.Silent, "a- b-", 1},
			{time.Minute, "a+2", first, true, receiver.News, "a+2", 2},
		},
		"fires and resolves between two notifications": {
			{0, "a+", first, false, receiver.News, "a+", 1},
			{time.Hour, "a-1", "some alerts resolved", false, receiver.News, "a-1", 1},
		},
		"nothing routed": {
			{0, "", first, false, receiver.Duplicate, "", 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var thread receiver.Thread
			now := at
			for i, s := range steps {
				now = now.Add(s.after)
				before := wordsOfStates(thread.Alerts)
				next, got := thread.Merge(receiver.Update{Alerts: stateWords(s.alerts), Reason: s.reason, At: now, Window: window, Resolved: !s.deaf})
				if got != s.want || wordsOfStates(next.Alerts) != s.known || next.Episode != s.episode {
					t.Errorf("step %d: got %s, %q, episode %d; want %s, %q, episode %d",
						i, got, wordsOfStates(next.Alerts), next.Episode, s.want, s.known, s.episode)
				}
				if wordsOfStates(thread.Alerts) != before {
					t.Errorf("step %d: Merge changed the thread that it was called on", i)
				}
				thread = next
			}
		})
	}
}

func TestMergeForgetsTheRefWithTheEpisode(t *testing.T) {
	t.Parallel()
	thread := receiver.Thread{Episode: 1, Ref: "ts-1", Alerts: stateWords("a+")}
	over, _ := thread.Merge(receiver.Update{Alerts: stateWords("a-"), At: at, Resolved: true})
	if over.Ref != "ts-1" {
		t.Errorf("after the resolve: ref %q, want the episode's", over.Ref)
	}
	again, _ := over.Merge(receiver.Update{Alerts: stateWords("a+1"), At: at, Resolved: true})
	if again.Ref != "" || again.Episode != 2 {
		t.Errorf("in the next episode: ref %q, episode %d", again.Ref, again.Episode)
	}
}
