package sms

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/unicode/norm"
)

// EUCKR is how SMS travels between Korea's carriers: EUC-KR with the Hangul
// that Code Page 949 adds, in which a character of ASCII takes one byte and any
// other two. Size.Units are bytes then.
const EUCKR Encoding = "EUC-KR"

// lost stands for letters that EUC-KR doesn't have, one for each run of them.
const lost = '□'

// word is what is written for characters that alerts like and EUC-KR doesn't
// have. What is not here is spelled by its parts (é is e, ﬁ is fi); a picture
// that has none is left out, and a letter becomes □.
func word(r rune) (string, bool) {
	switch r {
	case '\u00a0', '\u2002', '\u2003', '\u2009', '\u202f', '\t':
		return " ", true
	case '–', '—', '‐', '‑', '−':
		return "-", true
	case '•', '‣', '◦':
		return "·", true
	case '₩':
		return "￦", true
	case '£':
		return "￡", true
	case '¥':
		return "￥", true
	case '©':
		return "(c)", true
	case '⟶', '➜', '➡':
		return "→", true
	case '🔴', '🟠', '🟡', '⚫':
		return "●", true
	case '🟢', '⚪':
		return "○", true
	case '⚠', '🚨', '❗', '‼':
		return "(!)", true
	case '✓', '✔', '✅':
		return "(OK)", true
	case '✗', '✘', '❌':
		return "(X)", true
	}
	return "", false
}

// carried is text with nothing in it that EUC-KR can't carry, and with no "?"
// that nobody wrote. Hangul that is written in parts is put together first.
func carried(text string) string {
	w := eucWriter{enc: korean.EUCKR.NewEncoder().Transform}
	for _, r := range norm.NFC.String(clean(text)) {
		w.write(r)
	}
	return strings.TrimSpace(string(w.out))
}

// eucWriter writes what EUC-KR has, or what stands for it.
type eucWriter struct {
	out []rune
	enc func(dst, src []byte, atEOF bool) (int, int, error)
	// gap: something was left out behind what was written last.
	gap bool
}

func (w *eucWriter) write(r rune) {
	if w.has(r) {
		w.put(r)
		return
	}
	if s, ok := word(r); ok {
		w.put([]rune(s)...)
		return
	}
	if parts := w.parts(r); len(parts) > 0 {
		w.put(parts...)
		return
	}
	if unicode.IsLetter(r) || unicode.IsNumber(r) || r == utf8.RuneError {
		if w.last() != lost {
			w.put(lost)
		}
		return
	}
	w.gap = true
}

// put leaves no space too many where nothing stands any more.
func (w *eucWriter) put(runes ...rune) {
	for _, r := range runes {
		gap, last := w.gap, w.last()
		w.gap = false
		switch {
		case gap && r == ' ' && (last == ' ' || last == '\n'):
			continue
		case gap && r == '\n' && last == ' ':
			w.out = w.out[:len(w.out)-1]
		}
		w.out = append(w.out, r)
	}
}

// last is what was written last; a text begins like a line.
func (w *eucWriter) last() rune {
	if len(w.out) == 0 {
		return '\n'
	}
	return w.out[len(w.out)-1]
}

// has reports whether EUC-KR has r. Controls travel in it, and mean nothing.
func (w *eucWriter) has(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '\n' || r >= ' ' && r != 0x7f
	}
	var src [utf8.UTFMax]byte
	var dst [4]byte
	_, _, err := w.enc(dst[:], src[:utf8.EncodeRune(src[:], r)], true)
	return err == nil
}

// parts is what r is made of, as far as EUC-KR has it, without its marks.
func (w *eucWriter) parts(r rune) []rune {
	var parts []rune
	for _, p := range norm.NFKD.String(string(r)) {
		if p != r && w.has(p) {
			parts = append(parts, p)
		}
	}
	return parts
}

// bytes949 is a number of bytes of EUC-KR, and a ruler for what carried
// returns.
type bytes949 int

func (n bytes949) allow(text string) bool { return eucLen(text) <= int(n) }

func (n bytes949) marked(begin string) string {
	return strings.TrimRightFunc(begin, unicode.IsSpace) + "…"
}

// eucLen counts the bytes of what carried returns.
func eucLen(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r >= utf8.RuneSelf {
			n++
		}
	}
	return n
}
