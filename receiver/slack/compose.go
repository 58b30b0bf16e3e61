package slack

import (
	"strings"
	"unicode"
	"unicode/utf16"

	slackapi "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"

	"github.com/bongsu/bongsu/receiver"
)

// Slack's limits, in UTF-16 units, with some room below those that were
// measured and not documented.
//
// Source: https://docs.slack.dev/reference/block-kit/blocks/section-block; a
// message's blocks have been refused from about 13,170 units in all.
const (
	maxTitle   = 300
	maxSection = 3000
	maxText    = 12000
)

// ellipsis ends what was cut.
const ellipsis = "…"

// content is a message as Slack is given it: the title as its text, which is
// what notifications show, and the rest in an attachment, the one thing that
// has a coloured bar.
type content struct {
	title string
	// attachments is never nil, so that an edit to no text takes the old away.
	attachments []slackapi.Attachment
}

func compose(m receiver.Message) content {
	title := cut(strings.Join(strings.Fields(clean(m.Subject)), " "), maxTitle)
	body := strings.TrimSpace(clean(m.Text))
	if m.Plain {
		body = slackutilsx.EscapeMessage(body)
	}
	if title == "" {
		title, _, _ = strings.Cut(body, "\n")
		title = cut(title, maxTitle)
	}
	title = slackutilsx.EscapeMessage(title) // plain text: no label rings a bell with "<!channel>"
	a := slackapi.Attachment{Color: color(m.Status, m.Severity), Fallback: title}
	for _, part := range sections(cut(body, maxText)) {
		text := slackapi.NewTextBlockObject(slackapi.MarkdownType, part, false, false)
		a.Blocks.BlockSet = append(a.Blocks.BlockSet, slackapi.NewSectionBlock(text, nil, nil))
	}
	if len(a.Blocks.BlockSet) == 0 {
		return content{title, []slackapi.Attachment{}}
	}
	return content{title, []slackapi.Attachment{a}}
}

// color is that of the bar: green when it is over, else by severity.
func color(status receiver.Status, severity string) string {
	if status == receiver.Resolved {
		return "#2eb67d"
	}
	switch strings.ToLower(severity) {
	case "warning", "warn", "minor":
		return "#ecb22e"
	case "info", "information", "none":
		return "#36c5f0"
	}
	return "#e01e5a" // critical, and what is not known to be less
}

// sections splits a text into parts that fit into a section block each: after
// a line where there is one, else after a word, else between two characters.
func sections(text string) []string {
	var parts []string
	for text != "" {
		at := within(text, maxSection)
		if at < len(text) {
			at = goodEnd(text, at)
		}
		if part := strings.TrimSpace(text[:at]); part != "" {
			parts = append(parts, part)
		}
		text = text[at:]
	}
	return parts
}

// goodEnd moves a cut at most halfway back, to behind a line or a word.
func goodEnd(text string, at int) int {
	for _, sep := range []string{"\n", " "} {
		if i := strings.LastIndex(text[:at], sep); i > at/2 {
			return i + len(sep)
		}
	}
	return at
}

// cut returns s, or its beginning with "…" behind it, no longer than limit.
func cut(s string, limit int) string {
	if units(s) <= limit {
		return s
	}
	return strings.TrimRightFunc(s[:within(s, limit-1)], unicode.IsSpace) + ellipsis
}

// within is the end of the longest beginning of s that is no longer than limit
// and does not end within a character.
func within(s string, limit int) int {
	n, at := 0, 0
	var before rune
	for i, r := range s {
		if !joins(before, r) {
			at = i
		}
		if n += utf16.RuneLen(r); n > limit {
			if at == 0 {
				return i // a character of thousands of code points is none
			}
			return at
		}
		before = r
	}
	return len(s)
}

// joins reports whether r belongs to the character that before is part of.
func joins(before, r rune) bool {
	const zwj = '\u200d'
	return before == zwj || r == zwj || unicode.Is(unicode.M, r) || r >= 0x1F3FB && r <= 0x1F3FF
}

func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
}
