package inbox

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// Slack's limits, in UTF-16 units. Sources: docs.slack.dev for those of blocks
// and texts; the total was measured, it is nowhere documented.
const (
	slackMaxText        = 40000
	slackMaxBlocks      = 50
	slackMaxSection     = 3000
	slackMaxTotal       = 13200
	slackMaxAttachments = 100
)

// check returns Slack's error code for what it would not take, and its words.
func (p *slackPost) check() (code string, why []string) {
	if p.Text == "" && len(p.Blocks) == 0 && len(p.Attachments) == 0 {
		return "no_text", nil
	}
	if len(p.Attachments) > slackMaxAttachments {
		return "too_many_attachments", nil
	}
	if r := []rune(p.Text); units(p.Text) > slackMaxText {
		p.Text = string(r[:min(len(r), slackMaxText)])
	}
	blocks := p.allBlocks()
	if len(blocks) > slackMaxBlocks {
		return "invalid_blocks", []string{fmt.Sprintf("no more than %d items allowed [json-pointer:/blocks]", slackMaxBlocks)}
	}
	total := 0
	for i, b := range blocks {
		text := strings.Join(b.texts(), "")
		if b.Type == "section" && units(text) > slackMaxSection {
			return "invalid_blocks", []string{fmt.Sprintf("must be less than %d characters [json-pointer:/blocks/%d/text/text]", slackMaxSection+1, i)}
		}
		if b.Type == "section" && text == "" {
			return "invalid_blocks", []string{fmt.Sprintf("must be more than 0 characters [json-pointer:/blocks/%d/text/text]", i)}
		}
		total += units(text)
	}
	if total > slackMaxTotal {
		return "msg_blocks_too_long", nil
	}
	return "", nil
}

func (p *slackPost) allBlocks() []slackBlock {
	blocks := p.Blocks
	for _, a := range p.Attachments {
		blocks = append(blocks, a.Blocks...)
	}
	return blocks
}

// message is p as a reader of the channel sees it.
func (p *slackPost) message(id, name, via, ts string) Message {
	m := Message{Medium: Slack, Via: via, To: id, ToName: name, ID: ts, Subject: p.Text}
	if key, ok := p.Metadata.EventPayload["key"].(string); ok {
		m.Key = key
	}
	var lines []string
	for _, b := range p.Blocks {
		lines = append(lines, b.texts()...)
	}
	for _, a := range p.Attachments {
		if m.Color == "" {
			m.Color = a.Color
		}
		for _, s := range []string{a.Title, a.Text} {
			if s != "" {
				lines = append(lines, s)
			}
		}
		for _, b := range a.Blocks {
			lines = append(lines, b.texts()...)
		}
	}
	m.Text = strings.Join(lines, "\n")
	return m
}

// texts returns every text in the block, in no other order than its own.
func (b slackBlock) texts() []string { return collectTexts(b.all) }

func collectTexts(v any) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for _, key := range []string{"text", "fields", "elements"} {
			if s, ok := v[key].(string); ok {
				out = append(out, s)
			} else {
				out = append(out, collectTexts(v[key])...)
			}
		}
	case []any:
		for _, item := range v {
			out = append(out, collectTexts(item)...)
		}
	}
	return out
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }
