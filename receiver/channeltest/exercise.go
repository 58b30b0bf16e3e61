package channeltest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/inbox"
)

// Bundle is a channel with all that the suite must know of its medium.
type Bundle struct {
	Medium inbox.Medium
	// Start returns a new far side and a channel that is configured for it.
	Start func(t *testing.T) Rig

	// Temporary, Permanent and Delayed are what the far side may answer, and
	// what each must be to the outbox.
	Temporary, Permanent []Case
	Delayed              []Case
	// Stalls are the moments at which the far side may fall silent.
	Stalls []inbox.Fault
	// Echo has the far side repeat a secret in a refusal.
	Echo func(secret string) inbox.Fault

	// Fits says whether got is what a reader should see of sent: whole, or cut
	// by the channel's stated rule. Nil is FitsWhole.
	Fits func(sent receiver.Message, got inbox.Message) error
	// Keyed: the medium has a place for Message.Key, or what is made of it.
	Keyed bool
	// Thread says what messages of the same thread become.
	Thread Thread
}

// Case is one answer of the far side.
type Case struct {
	Name  string
	Fault inbox.Fault
	// After is the delay wanted of Delayed ones.
	After time.Duration
}

// Thread is what a medium makes of messages that belong together.
type Thread int

// The kinds of thread.
const (
	Apart   Thread = iota // each stands alone
	Replies               // each refers to the first
	Edits                 // one message, edited
)

// Rig is a channel and its far side.
type Rig struct {
	Far   *Far
	Built receiver.Built
	Log   *Log
	// Secrets are the values that must be seen nowhere.
	Secrets []string
}

// patience bounds every wait of the suite on a busy machine.
const patience = 20 * time.Second

// Exercise runs the suite.
func Exercise(t *testing.T, b Bundle) {
	if b.Fits == nil {
		b.Fits = FitsWhole
	}
	for name, f := range map[string]func(*testing.T, Bundle){
		"delivers":    delivers,
		"texts":       textsArrive,
		"temporary":   temporary,
		"permanent":   permanent,
		"delayed":     delayed,
		"unreachable": unreachable,
		"deadline":    deadline,
		"concurrent":  concurrent,
		"lost answer": lostAnswer,
		"thread":      thread,
		"secrets":     secrets,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, b)
		})
	}
}

// FitsWhole wants the text to arrive as it was sent, but for white space at
// its ends.
func FitsWhole(sent receiver.Message, got inbox.Message) error {
	if strings.TrimSpace(got.Text) != strings.TrimSpace(sent.Text) {
		return fmt.Errorf("got text %.80q, want %.80q", got.Text, sent.Text)
	}
	return nil
}

// CutFrom wants got to be the beginning of whole with the mark behind it.
func CutFrom(whole, got, mark string) error {
	begin, ok := strings.CutSuffix(got, mark)
	if !ok {
		return fmt.Errorf("got a cut text without %q at its end: %q", mark, tail(got))
	}
	if !strings.HasPrefix(whole, begin) {
		return fmt.Errorf("got %.80q…%q, which is not how %.80q begins", begin, tail(begin), whole)
	}
	return nil
}

func tail(s string) string {
	r := []rune(s)
	return string(r[max(0, len(r)-20):])
}

// message is one that every channel can send.
func message(b receiver.Built, key string) receiver.Message {
	return receiver.Message{
		Key:      key,
		To:       b.To[0],
		Subject:  "[화재:1] 봉수대 연기 (" + key + ")",
		Text:     "서울 남산 봉수대에 연기가 보입니다. " + key,
		HTML:     "<p>서울 남산 봉수대에 <b>연기</b>가 보입니다.</p>",
		Status:   receiver.Firing,
		Severity: "critical",
		Attempt:  1,
	}
}

// send is Send with a bound, so that a channel that hangs fails its test
// instead of all of them.
func send(t *testing.T, ctx context.Context, r Rig, m receiver.Message) (receiver.Receipt, error) {
	t.Helper()
	type result struct {
		receipt receiver.Receipt
		err     error
	}
	done := make(chan result, 1)
	go func() {
		receipt, err := r.Built.Channel.Send(ctx, m)
		done <- result{receipt, err}
	}()
	select {
	case res := <-done:
		noSecrets(t, r, fmt.Sprintf("%+v %v", res.receipt, res.err))
		return res.receipt, res.err
	case <-time.After(patience):
		t.Fatalf("Send has not returned after %s", patience)
		panic("unreachable")
	}
}

// mustSend sends m and returns what the far side got.
func mustSend(t *testing.T, r Rig, m receiver.Message) (receiver.Receipt, inbox.Message) {
	t.Helper()
	receipt, err := send(t, t.Context(), r, m)
	if err != nil {
		t.Fatalf("Send: %v", err)
	}
	all := r.Far.Messages()
	if len(all) == 0 {
		t.Fatal("Send returned no error, but nothing arrived")
	}
	newest := all[0]
	for _, m := range all {
		if !m.ChangedAt.Before(newest.ChangedAt) {
			newest = m
		}
	}
	return receipt, newest
}
