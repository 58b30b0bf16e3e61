package channeltest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

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

func delivers(t *testing.T, b Bundle) {
	r := b.Start(t)
	m := message(r.Built, "first")
	receipt, got := mustSend(t, r, m)
	if receipt.ID == "" {
		t.Error("the receipt has no ID")
	}
	if got.Medium != b.Medium {
		t.Errorf("it came by %q, want %q", got.Medium, b.Medium)
	}
	if err := b.Fits(m, got); err != nil {
		t.Error(err)
	}
}

func textsArrive(t *testing.T, b Bundle) {
	r := b.Start(t)
	for name, text := range map[string]string{
		"hangul":     "봉수(烽燧)가 올랐습니다: 데이터베이스 응답 없음",
		"old hangul": "훈민져ᇰᅙᅳᆷ",
		"emoji":      "불 🔥 연기 💨 가족 👨‍👩‍👧‍👦 국기 🇰🇷",
		"four bytes": "𠀀𠀁 𝔸𝔹 𓀀",
		"combining":  "e\u0301 n\u0303 한",
		"lines":      "첫 줄\n둘째 줄\n\n넷째 줄",
		"dots":       ".\n..\n.점으로 시작",
		"markup":     "<b>5 > 3 & 2 < 4</b> \"인용\"",
		"no spaces":  strings.Repeat("x", 1200),
		"long ASCII": strings.Repeat("The quick brown fox jumps. ", 3000),
		"long":       strings.Repeat("긴 글입니다. ", 9000),
		"long 4":     strings.Repeat("🔥", 30000),
	} {
		m := message(r.Built, "text-"+name)
		m.Text, m.Subject = text, "제목: "+text
		_, got := mustSend(t, r, m)
		if err := b.Fits(m, got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, s := range []string{got.Subject, got.Text} {
			if !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) {
				t.Errorf("%s: arrived with broken characters: %q", name, tail(s))
			}
			if strings.Contains(s, "?") {
				t.Errorf("%s: arrived with a %q that nobody wrote", name, "?")
			}
		}
	}
}

func temporary(t *testing.T, b Bundle) {
	for _, c := range b.Temporary {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			r := b.Start(t)
			r.Far.Fail(c.Fault)
			m := message(r.Built, "temporary")
			_, err := send(t, t.Context(), r, m)
			if err == nil {
				t.Fatal("got no error")
			}
			if receiver.IsPermanent(err) {
				t.Fatalf("got a permanent error: %v", err)
			}
			m.Attempt++
			if _, got := mustSend(t, r, m); b.Fits(m, got) != nil {
				t.Errorf("the second attempt: %v", b.Fits(m, got))
			}
		})
	}
}

func permanent(t *testing.T, b Bundle) {
	for _, c := range b.Permanent {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			r := b.Start(t)
			r.Far.Fail(c.Fault)
			_, err := send(t, t.Context(), r, message(r.Built, "permanent"))
			if !receiver.IsPermanent(err) {
				t.Fatalf("got %v, want a permanent error", err)
			}
		})
	}
}

func delayed(t *testing.T, b Bundle) {
	for _, c := range b.Delayed {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			r := b.Start(t)
			r.Far.Fail(c.Fault)
			_, err := send(t, t.Context(), r, message(r.Built, "delayed"))
			if got, ok := receiver.RetryDelay(err); !ok || got != c.After || receiver.IsPermanent(err) {
				t.Fatalf("got %v (delay %s, stated %t), want RetryAfter %s", err, got, ok, c.After)
			}
		})
	}
}

func unreachable(t *testing.T, b Bundle) {
	r := b.Start(t)
	r.Far.Shut()
	_, err := send(t, t.Context(), r, message(r.Built, "unreachable"))
	if err == nil || receiver.IsPermanent(err) {
		t.Fatalf("got %v, want an error that is tried again", err)
	}
}

func deadline(t *testing.T, b Bundle) {
	t.Run("ended before", func(t *testing.T) {
		t.Parallel()
		r := b.Start(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		mustEnd(t, ctx, r)
		if n := len(r.Far.Messages()); n != 0 {
			t.Errorf("%d messages arrived", n)
		}
	})
	for _, fault := range b.Stalls {
		t.Run(string("stall at "+fault.At), func(t *testing.T) {
			t.Parallel()
			r := b.Start(t)
			fault.Medium, fault.Stall, fault.Times = b.Medium, true, -1
			r.Far.Fail(fault)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			mustEnd(t, ctx, r)
		})
	}
}

// mustEnd wants Send to end soon after ctx, whatever the far side does.
func mustEnd(t *testing.T, ctx context.Context, r Rig) {
	t.Helper()
	began := time.Now()
	_, err := send(t, ctx, r, message(r.Built, "deadline"))
	if err == nil || receiver.IsPermanent(err) {
		t.Errorf("got %v, want an error that is tried again", err)
	}
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want one that says that the time was up", err)
	}
	if late := time.Since(began); late > 5*time.Second {
		t.Errorf("Send ended %s after it began, want soon after 200ms", late)
	}
}

func concurrent(t *testing.T, b Bundle) {
	r := b.Start(t)
	const n = 16
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, err := r.Built.Channel.Send(t.Context(), message(r.Built, fmt.Sprintf("no-%02d.", i))); err != nil {
				t.Errorf("Send: %v", err)
			}
		})
	}
	wg.Wait()
	all := r.Far.Messages()
	if len(all) != n {
		t.Fatalf("%d messages arrived, want %d", len(all), n)
	}
	for i := range n {
		key, found := fmt.Sprintf("no-%02d.", i), 0
		for _, m := range all {
			if strings.Contains(m.Text, key) {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s arrived %d times", key, found)
		}
	}
}

// lostAnswer: the far side has the message, and the channel can't know. It
// must be tried again, and be recognizable where the medium allows.
func lostAnswer(t *testing.T, b Bundle) {
	r := b.Start(t)
	r.Far.Fail(inbox.Fault{Medium: b.Medium, At: inbox.Reply, Drop: true})
	m := message(r.Built, "lost answer")
	_, err := send(t, t.Context(), r, m)
	if err == nil || receiver.IsPermanent(err) {
		t.Fatalf("got %v, want an error that is tried again", err)
	}
	m.Attempt++
	mustSend(t, r, m)
	all := r.Far.Messages()
	if len(all) != 2 {
		t.Fatalf("%d messages arrived, want 2: one kept and unanswered, one again", len(all))
	}
	if b.Keyed && (all[0].Key == "" || !all[1].Repeated) {
		t.Errorf("the far side can't know the repetition: keys %q and %q", all[0].Key, all[1].Key)
	}
	m.Key = "another"
	if _, got := mustSend(t, r, m); b.Keyed && got.Repeated {
		t.Error("another key looks like a repetition")
	}
}

func thread(t *testing.T, b Bundle) {
	r := b.Start(t)
	m := message(r.Built, "thread-1")
	first, _ := mustSend(t, r, m)
	if b.Thread == Apart {
		return
	}
	m.Key, m.Text, m.ThreadRef = "thread-2", "아직 타고 있습니다", first.Ref
	second, got := mustSend(t, r, m)
	m.Key, m.Text, m.ThreadRef, m.Status = "thread-3", "꺼졌습니다", second.Ref, receiver.Resolved
	_, last := mustSend(t, r, m)
	if first.Ref == "" || second.Ref != first.Ref {
		t.Errorf("got refs %q and %q, want the first one's twice", first.Ref, second.Ref)
	}
	all := r.Far.Messages()
	switch b.Thread {
	case Replies:
		root := all[0].Key
		for _, m := range []inbox.Message{got, last} {
			if refs := m.Header.Get("References"); refs != root || m.Header.Get("In-Reply-To") != root {
				t.Errorf("got References %q and In-Reply-To %q, want %q", refs, m.Header.Get("In-Reply-To"), root)
			}
		}
	case Edits:
		if len(all) != 1 || len(all[0].Earlier) != 2 {
			t.Fatalf("got %d messages, %d earlier versions, want one with two", len(all), len(all[0].Earlier))
		}
		if !strings.Contains(all[0].Text, m.Text) {
			t.Errorf("got %q, want the last text", all[0].Text)
		}
	}
}

func secrets(t *testing.T, b Bundle) {
	r := b.Start(t)
	for _, s := range r.Secrets {
		if b.Echo == nil {
			break
		}
		heal := r.Far.Fail(b.Echo(s))
		if _, err := send(t, t.Context(), r, message(r.Built, "echo")); err == nil {
			t.Error("the refusal gave no error")
		}
		heal()
	}
	mustSend(t, r, message(r.Built, "after"))
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		noSecrets(t, r, fmt.Sprintf(format, r.Built))
		noSecrets(t, r, fmt.Sprintf(format, r.Built.Channel))
	}
	r.Far.Shut()
	_, _ = send(t, t.Context(), r, message(r.Built, "gone"))
	noSecrets(t, r, r.Log.String())
}

func noSecrets(t *testing.T, r Rig, s string) {
	t.Helper()
	for _, secret := range r.Secrets {
		if strings.Contains(s, secret) {
			t.Errorf("a secret is to be seen in %q", strings.ReplaceAll(s, secret, "***SECRET***"))
		}
	}
}
