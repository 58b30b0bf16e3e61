package inbox

import (
	"html"
	"html/template"
	"regexp"
	"strings"
)

// The part of Slack's mrkdwn that alerts use.
var (
	slackLink = regexp.MustCompile(`<(https?://[^|>\s]+)(?:\|([^>]+))?>`)
	slackBold = regexp.MustCompile(`\*([^*\n]+)\*`)
	slackItal = regexp.MustCompile(`\b_([^_\n]+)_\b`)
	slackCode = regexp.MustCompile("`([^`\n]+)`")
)

// mrkdwn shows a text as Slack would. Everything that is not known markup is
// escaped, so nothing that was sent can run.
func mrkdwn(s string) template.HTML {
	var out strings.Builder
	for {
		at := slackLink.FindStringSubmatchIndex(s)
		if at == nil {
			out.WriteString(marks(s))
			return template.HTML(out.String())
		}
		url := s[at[2]:at[3]]
		label := url
		if at[4] >= 0 {
			label = s[at[4]:at[5]]
		}
		out.WriteString(marks(s[:at[0]]))
		out.WriteString(`<a rel="noreferrer" href="` + escape(url) + `">` + escape(label) + `</a>`)
		s = s[at[1]:]
	}
}

func marks(s string) string {
	s = escape(s)
	s = slackCode.ReplaceAllString(s, "<code>$1</code>")
	s = slackBold.ReplaceAllString(s, "<b>$1</b>")
	return slackItal.ReplaceAllString(s, "<i>$1</i>")
}

// escape makes HTML of a text whose "&", "<" and ">" Slack wants escaped and
// shows as themselves.
func escape(s string) string {
	s = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
	return html.EscapeString(s)
}
