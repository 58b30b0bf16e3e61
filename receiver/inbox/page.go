package inbox

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"time"
)

//go:embed page.html
var pageFS embed.FS

// maxRequest bounds the body of any request.
const maxRequest = 1 << 20

// Handler serves all that speaks HTTP:
//
//	/                                             the page, newest first; ?medium= one of email, sms, slack
//	/message/N                                    one message whole
//	/messages.json                                the same as data, oldest first
//	/slack/api/METHOD                             Slack's Web API
//	/slack/hook/PATH                              Slack's incoming webhooks
//	/twilio/2010-04-01/Accounts/SID/Messages.json Twilio
//	/sms/                                         a provider of SMS without peculiarities
func (in *Inbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", in.list)
	mux.HandleFunc("GET /message/{n}", in.show)
	mux.HandleFunc("GET /messages.json", in.data)
	mux.HandleFunc("POST /slack/api/{method}", in.slackAPI)
	mux.HandleFunc("POST /slack/hook/{path...}", in.slackHook)
	mux.HandleFunc("POST /twilio/2010-04-01/Accounts/{sid}/Messages.json", in.twilio)
	mux.HandleFunc("/sms/", in.plainSMS)
	return http.MaxBytesHandler(mux, maxRequest)
}

// view is what page.html is filled with.
type view struct {
	Messages []Message // newest first
	Media    []tab
	Medium   Medium
	Total    int
	One      bool
	Now      time.Time
}

type tab struct {
	Medium Medium
	Count  int
}

func (in *Inbox) list(w http.ResponseWriter, r *http.Request) {
	all := in.Messages()
	v := view{Medium: Medium(r.URL.Query().Get("medium")), Total: len(all), Now: in.opts.Now()}
	counts := map[Medium]int{}
	for _, m := range all {
		counts[m.Medium]++
		if v.Medium == "" || v.Medium == m.Medium {
			v.Messages = append(v.Messages, m)
		}
	}
	for _, m := range []Medium{Email, SMS, Slack} {
		v.Media = append(v.Media, tab{m, counts[m]})
	}
	slices.Reverse(v.Messages)
	sort.SliceStable(v.Messages, func(i, j int) bool { return v.Messages[i].ChangedAt.After(v.Messages[j].ChangedAt) })
	in.render(w, v)
}

func (in *Inbox) show(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.ParseInt(r.PathValue("n"), 10, 64)
	for _, m := range in.Messages() {
		if m.N == n {
			in.render(w, view{Messages: []Message{m}, One: true, Medium: m.Medium, Now: in.opts.Now()})
			return
		}
	}
	http.Error(w, "no such message", http.StatusNotFound)
}

func (in *Inbox) data(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, in.Messages())
}

// parsePage reads page.html; an error is a mistake in the source.
func parsePage() (*template.Template, error) {
	return template.New("page.html").Funcs(template.FuncMap{
		"ago":   func(now, t time.Time) string { return ago(now.Sub(t)) },
		"clock": func(t time.Time) string { return t.Format("15:04:05") },
		"color": color,
		"slack": mrkdwn,
		"text":  func(b []byte) string { return string(b) },
	}).ParseFS(pageFS, "page.html")
}

func (in *Inbox) render(w http.ResponseWriter, v view) {
	var page bytes.Buffer
	if err := in.page.Execute(&page, v); err != nil {
		in.opts.Logger.Error("inbox page", "err", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; base-uri 'none'; form-action 'none'")
	_, _ = page.WriteTo(w)
}

func ago(d time.Duration) string {
	switch {
	case d < 2*time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h ago", int(d.Hours()))
}

var hexColor = regexp.MustCompile(`^#?([0-9A-Fa-f]{6})$`)

// color is a Slack colour as CSS; what is none is grey.
func color(s string) template.CSS {
	named := map[string]string{"good": "2eb67d", "warning": "ecb22e", "danger": "e01e5a"}
	if c, ok := named[s]; ok {
		return template.CSS("#" + c)
	}
	if m := hexColor.FindStringSubmatch(s); m != nil {
		return template.CSS("#" + m[1])
	}
	return "#8a8f98"
}
