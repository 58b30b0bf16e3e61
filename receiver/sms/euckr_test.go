package sms

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/korean"
)

func TestCarried(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"hangul", "[위험] 남산 봉수대 연기", "[위험] 남산 봉수대 연기"},
		{"hangul of CP949 alone", "똠방각하 뷁 펲시", "똠방각하 뷁 펲시"},
		{"hangul in parts", "\u1112\u1161\u11ab\u1100\u1173\u11af", "한글"},
		{"hanja", "烽燧", "烽燧"},
		{"symbols it has", "①℃→●※…“불”", "①℃→●※…“불”"},
		{"emoji between words", "불 🔥 연기", "불 연기"},
		{"emoji at the end of a line", "불 🔥\n연기 💨\n", "불\n연기"},
		{"emoji alone in a line", "가\n🔥🔥 나", "가\n나"},
		{"emoji without spaces", "불🔥연기", "불연기"},
		{"family, flag, tone, keycap", "가👨‍👩‍👧‍👦나🇰🇷다👍🏽라1️⃣", "가나다라1"},
		{"a picture that is a word", "🚨 db-1 ❌, db-2 ✅, 🔴 ⚠️", "(!) db-1 (X), db-2 (OK), ● (!)"},
		{"dashes and points", "a–b — c • d − e", "a-b - c · d - e"},
		{"money", "₩100 £1 ¥2 €3", "￦100 ￡1 ￥2 €3"},
		{"accents", "café ñandú Ångström", "cafe nandu Angstrom"},
		{"compatibility", "ﬁ Ⅻ 𝔸 ﹖", "fi XII A ?"},
		{"another script", "제목: ไฟไหม้ 끝", "제목: □ 끝"},
		{"old hangul", "훈민져ᇰ", "훈민져□"},
		{"broken UTF-8", "가\xff나", "가□나"},
		{"tabs and controls", "a\tb\x00c\u200b\x07d", "a bcd"},
		{"line ends", "a\r\nb", "a\nb"},
		{"a question is asked", "연기?", "연기?"},
		{"nothing", "🔥", ""},
	} {
		if got := carried(c.text); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// FuzzCarried: what comes out is encoded as it is, in as many bytes as were
// counted, and doing it twice changes nothing.
func FuzzCarried(f *testing.F) {
	f.Add("봉수대 🔥👨‍👩‍👧‍👦 e\u0301 \u1112\u119e smoke – ไฟ", 90)
	f.Fuzz(func(t *testing.T, s string, budget int) {
		got := carried(s)
		encoded, err := korean.EUCKR.NewEncoder().String(got)
		if err != nil {
			t.Fatalf("%q can't be encoded: %v", got, err)
		}
		if len(encoded) != eucLen(got) {
			t.Fatalf("%q: %d bytes, counted %d", got, len(encoded), eucLen(got))
		}
		if back, _ := korean.EUCKR.NewDecoder().String(encoded); back != got {
			t.Fatalf("%q comes back as %q", got, back)
		}
		if again := carried(got); again != got {
			t.Fatalf("got %q, and then %q", got, again)
		}
		if strings.Count(got, "?") > strings.Count(s, "?") && !strings.ContainsAny(s, "？﹖⁇⁈⁉;\u037e") {
			t.Fatalf("%q has a ? that %q has not", got, s)
		}
		if budget < 2 || budget > 4000 {
			return
		}
		cut := fit(got, bytes949(budget))
		if !utf8.ValidString(cut) || eucLen(cut) > budget {
			t.Fatalf("%q is over %d bytes", cut, budget)
		}
	})
}
