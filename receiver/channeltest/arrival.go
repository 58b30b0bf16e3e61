package channeltest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/inbox"
)

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
