package slack

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	slackapi "github.com/slack-go/slack"

	"github.com/bongsu/bongsu/receiver"
)

// The facts of a message whose template failed come from labels and annotations
// as they are: none of them may ring a bell.
func TestPlainTextIsNoMarkup(t *testing.T) {
	t.Parallel()
	c := compose(receiver.Message{Subject: "제목", Text: "summary: <!channel> & 봉화", Plain: true})
	got := c.attachments[0].Blocks.BlockSet[0].(*slackapi.SectionBlock).Text.Text
	if want := "summary: &lt;!channel&gt; &amp; 봉화"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSections(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("글", 999) + "\n"
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"one", "봉수", []string{"봉수"}},
		{"full", strings.Repeat("글", 3000), []string{strings.Repeat("글", 3000)}},
		{"behind a line", line + line + line + line, []string{strings.TrimSpace(line + line + line), strings.TrimSpace(line)}},
		{"behind a word", strings.Repeat("x", 2000) + " " + strings.Repeat("y", 2000), []string{strings.Repeat("x", 2000), strings.Repeat("y", 2000)}},
		{"no good end", strings.Repeat("x", 3001), []string{strings.Repeat("x", 3000), "x"}},
		{"surrogates", "a" + strings.Repeat("🔥", 1500), []string{"a" + strings.Repeat("🔥", 1499), "🔥"}},
	} {
		if diff := cmp.Diff(c.want, sections(c.text)); diff != "" {
			t.Errorf("%s: %.200s", c.name, diff)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"봉수", 2, "봉수"},
		{"봉수대", 2, "봉…"},
		{"봉 수대", 3, "봉…"},
		{"🔥🔥🔥", 4, "🔥…"},
		{"가👨‍👩‍👧나", 5, "가…"},
		{"ae\u0301\u0301\u0301", 4, "a…"},
	} {
		if got := cut(c.text, c.limit); got != c.want {
			t.Errorf("%q to %d: got %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}

func TestColor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status   receiver.Status
		severity string
		want     string
	}{
		{receiver.Firing, "critical", "#e01e5a"},
		{receiver.Firing, "", "#e01e5a"},
		{receiver.Firing, "Warning", "#ecb22e"},
		{receiver.Firing, "info", "#36c5f0"},
		{receiver.Resolved, "critical", "#2eb67d"},
	} {
		if got := color(c.status, c.severity); got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.status, c.severity, got, c.want)
		}
	}
}

func FuzzSections(f *testing.F) {
	f.Add("봉수대\n🔥 e\u0301 smoke", 3)
	f.Fuzz(func(t *testing.T, s string, n int) {
		if !utf8.ValidString(s) || n < 0 || n > 5000 || len(s) > 100 {
			t.Skip()
		}
		text := cut(strings.Repeat(s, n), maxText)
		parts := sections(text)
		bare := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if units(text) > maxText || len(parts) > 50 || bare(strings.Join(parts, "")) != bare(text) {
			t.Fatalf("%d units became %d parts", units(text), len(parts))
		}
		for _, p := range parts {
			if units(p) > maxSection || !utf8.ValidString(p) {
				t.Fatalf("a part of %d units", units(p))
			}
		}
	})
}
