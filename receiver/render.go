package receiver

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Wording is what the texts of all channels have in common.
type Wording struct {
	// Locale of the built-in texts, "en" or "ko".
	Locale string
	// Zone that times are shown in; nil is UTC.
	Zone *time.Location
	// Files with templates of the user's own. They see and may redefine those
	// that are built in, both Alertmanager's and ours.
	Files []string
}

// Renderer writes the messages of one channel. It depends on nothing but its
// arguments, so that the same job always gives the same message, and is safe for
// concurrent use.
type Renderer struct {
	words               Wording
	subject, text, html *text
}

// NewRenderer compiles the texts of one channel. A text that does not parse, or
// that calls a template that does not exist, is an error.
func NewRenderer(w Wording, texts Texts) (*Renderer, error) {
	set, err := w.templates()
	if err != nil {
		return nil, err
	}
	r := &Renderer{words: w}
	if r.subject, err = set.plain("subject", texts.Subject); err != nil {
		return nil, err
	}
	if r.text, err = set.plain("text", texts.Text); err != nil {
		return nil, err
	}
	if r.html, err = set.markup("html", texts.HTML); err != nil {
		return nil, err
	}
	return r, nil
}

// Render writes job's message. The message can always be sent: if a template
// fails, it is a plain text with the facts, which says what failed, and the error
// is why. A page is never lost to a typo.
func (r *Renderer) Render(job Job) (Message, error) {
	d, err := dataOf(job, r.words.Zone)
	m := Message{
		Key:       job.Key,
		To:        job.Thread.To,
		Status:    Status(d.Status),
		Severity:  d.CommonLabels["severity"],
		ThreadRef: job.ThreadRef,
		Attempt:   job.Attempt,
	}
	if err == nil {
		err = r.fill(&m, d)
	}
	if err != nil {
		m.Subject, m.Text, m.HTML = plainSubject(d, r.words.Locale), plainText(d, r.words.Locale, err), ""
		m.Plain = true
	}
	return m, err
}

func (r *Renderer) fill(m *Message, d *Data) error {
	subject, err := r.subject.execute(d)
	if err != nil {
		return err
	}
	body, err := r.text.execute(d)
	if err != nil {
		return err
	}
	html, err := r.html.execute(d)
	if err != nil {
		return err
	}
	// A subject is one line, whatever the template or an annotation holds.
	m.Subject = strings.Join(strings.Fields(subject), " ")
	m.Text = strings.TrimSpace(body)
	m.HTML = strings.TrimSpace(html)
	if m.Subject+m.Text+m.HTML == "" {
		return errors.New("the templates gave an empty message")
	}
	return nil
}

// The facts of a group that is too large for its template must still fit into a
// mail.
const (
	plainAlerts = 100
	plainLength = 100_000
)

// plainSubject and plainText write a message without any template.
func plainSubject(d *Data, locale string) string {
	word := wordsOf(locale)
	head := word.firing
	if Status(d.Status) == Resolved {
		head = word.resolved
	}
	return fmt.Sprintf("[%s:%d] %s", head, max(1, len(d.Alerts)), d.name())
}

func plainText(d *Data, locale string, why error) string {
	word := wordsOf(locale)
	var b strings.Builder
	b.WriteString(plainSubject(d, locale) + "\n")
	shown := d.Alerts[:min(len(d.Alerts), plainAlerts)]
	for _, a := range shown {
		fmt.Fprintf(&b, "\n[%s] %s\n", a.Status, a.Labels)
		for _, p := range a.Annotations.SortedPairs() {
			fmt.Fprintf(&b, "  %s: %s\n", p.Name, p.Value)
		}
		fmt.Fprintf(&b, "  %s: %s\n", word.since, a.StartsAt.Format(timeLayout))
		if a.GeneratorURL != "" {
			fmt.Fprintf(&b, "  %s\n", a.GeneratorURL)
		}
	}
	if more := d.TruncatedAlerts + uint64(len(d.Alerts)-len(shown)); more > 0 {
		fmt.Fprintf(&b, "\n"+word.more+"\n", more)
	}
	return clip(b.String(), plainLength) + fmt.Sprintf("\n"+word.plain, clip(why.Error(), 300))
}

// plainWords are the words of the texts that no template writes.
type plainWords struct{ firing, resolved, since, more, plain string }

func wordsOf(locale string) plainWords {
	if locale == "ko" {
		return plainWords{
			firing: "발생", resolved: "해결", since: "발생 시각",
			more:  "이 밖에 %d건이 더 있으나 표시되지 않았습니다.",
			plain: "템플릿 오류로 기본 형식으로 보냅니다: %s",
		}
	}
	return plainWords{
		firing: "FIRING", resolved: "RESOLVED", since: "since",
		more:  "and %d more not shown.",
		plain: "This message is plain because its template failed: %s",
	}
}

// clip cuts s to at most n runes and marks the cut.
func clip(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return s
}
