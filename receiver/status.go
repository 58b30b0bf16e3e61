package receiver

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"
)

// assets are the status page's templates and style sheet.
//
//go:embed web
var assets embed.FS

const (
	pageSize    = 50
	maxPageSize = 500
	// pageTimeout bounds one question to the outbox.
	pageTimeout = 5 * time.Second
	// shownPayload bounds how much of a body a page shows.
	shownPayload = 128 << 10
	// policy lets a page load its style sheet and nothing else: what Alertmanager
	// or a provider said is shown, never run.
	policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

// pages shows what the ledger holds, to people and to programs. It changes
// nothing and is safe for concurrent use.
type pages struct {
	ledger Ledger
	config func() *Config
	html   *template.Template
	logger *slog.Logger
}

func newPages(ledger Ledger, config func() *Config, logger *slog.Logger) (*pages, error) {
	p := &pages{ledger: ledger, config: config, logger: logger}
	var err error
	p.html, err = template.New("").Funcs(template.FuncMap{
		"when":   func(time.Time) string { return "" },
		"pretty": pretty,
		"tells":  tells,
		"age":    func(d time.Duration) string { return duration("en", d) },
	}).ParseFS(assets, "web/*.html")
	return p, err
}

// listPage is what web/list.html shows.
type listPage struct {
	Filter     Filter
	Deliveries []Delivery
	Channels   []channelLine
	States     []State
	Dead       int
	Pending    int
	Quarantine int
	Next       string // query of the next page, if there is one
}

// channelLine is one channel's row of numbers.
type channelLine struct {
	Name, Kind    string
	Pending, Dead int
	Oldest        time.Duration
}

func (p *pages) list(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	f, err := filterOf(r.URL.Query())
	if err != nil {
		p.fail(w, err, http.StatusBadRequest)
		return
	}
	stats, err := p.ledger.Stats(ctx, time.Now())
	if err != nil {
		p.broken(w, err)
		return
	}
	ds, err := p.ledger.List(ctx, f)
	if err != nil {
		p.broken(w, err)
		return
	}
	page := listPage{
		Filter: f, Deliveries: ds, Channels: p.lines(stats), States: []State{Pending, Delivered, Dead},
		Quarantine: stats.Quarantined, Next: nextPage(f, ds),
	}
	for _, l := range page.Channels {
		page.Pending += l.Pending
		page.Dead += l.Dead
	}
	p.render(w, "list.html", page)
}

// lines has one line for each channel that is configured or has deliveries.
func (p *pages) lines(stats Stats) []channelLine {
	kinds := map[string]string{}
	for _, m := range []map[string]int{stats.Pending, stats.Dead} {
		for name := range m {
			kinds[name] = "not configured"
		}
	}
	for _, o := range p.config().Outlets {
		kinds[o.Name] = o.Kind
	}
	var lines []channelLine
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		lines = append(lines, channelLine{name, kinds[name], stats.Pending[name], stats.Dead[name], stats.OldestPending[name]})
	}
	return lines
}

// tells says in a few words what a delivery is about: "2 firing, 1 resolved" and
// the labels that its group has in common.
func tells(d Delivery) string {
	counts := map[Status]int{}
	for _, a := range d.Alerts {
		counts[a.Status]++
	}
	var parts []string
	for _, s := range []Status{Firing, Resolved} {
		if counts[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[s], s))
		}
	}
	// A group key is the route's path, a colon, and the group's labels.
	labels := d.Thread.GroupKey
	if i := strings.LastIndex(labels, "}:{"); i >= 0 {
		labels = labels[i+len("}:"):]
	}
	return strings.Join(parts, ", ") + " " + strings.Trim(labels, "{}")
}

func (p *pages) show(w http.ResponseWriter, r *http.Request) {
	h, err := p.history(r)
	switch {
	case errors.Is(err, ErrNotFound):
		p.fail(w, err, http.StatusNotFound)
	case err != nil:
		p.broken(w, err)
	default:
		p.render(w, "show.html", h)
	}
}

func (p *pages) history(r *http.Request) (History, error) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	id, err := strconv.ParseInt(mux.Vars(r)["id"], 10, 64)
	if err != nil {
		return History{}, ErrNotFound // larger than any id
	}
	return p.ledger.Show(ctx, id)
}

func (p *pages) quarantine(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	qs, err := p.ledger.Quarantined(ctx, pageSize)
	if err != nil {
		p.broken(w, err)
		return
	}
	p.render(w, "quarantine.html", qs)
}

func (p *pages) style(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, assets, "web/status.css")
}

// render writes a page whole or not at all.
func (p *pages) render(w http.ResponseWriter, name string, data any) {
	zone := p.config().Zone
	t, err := p.html.Clone()
	if err == nil {
		t.Funcs(template.FuncMap{"when": func(t time.Time) string { return t.In(zone).Format("2006-01-02 15:04:05 MST") }})
	}
	var b bytes.Buffer
	if err == nil {
		err = t.ExecuteTemplate(&b, name, data)
	}
	if err != nil {
		p.logger.Error("page not written", "page", name, "err", err)
		http.Error(w, "page not written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b.Bytes())
}

// broken answers when the outbox does not; why is for the log only.
func (p *pages) broken(w http.ResponseWriter, err error) {
	p.logger.Error("outbox does not answer the status page", "err", err)
	p.fail(w, errors.New("outbox does not answer, see the log"), http.StatusServiceUnavailable)
}

func (p *pages) fail(w http.ResponseWriter, err error, code int) {
	http.Error(w, err.Error(), code)
}

// filterOf reads state, channel, cause, before and limit.
func filterOf(q url.Values) (Filter, error) {
	f := Filter{State: State(q.Get("state")), Channel: q.Get("channel"), Cause: Cause(q.Get("cause")), Limit: pageSize}
	if f.State != "" && !slices.Contains([]State{Pending, Delivered, Dead}, f.State) {
		return f, fmt.Errorf("state %q: expected pending, delivered or dead", f.State)
	}
	if s := q.Get("before"); s != "" {
		id, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return f, errors.New("before: expected the id of a delivery")
		}
		f.Before = id
	}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxPageSize {
			return f, fmt.Errorf("limit: expected a number from 1 to %d", maxPageSize)
		}
		f.Limit = n
	}
	return f, nil
}

// nextPage is the query for what comes after ds, empty if there is nothing.
func nextPage(f Filter, ds []Delivery) string {
	if len(ds) < f.Limit {
		return ""
	}
	q := url.Values{"before": {strconv.FormatInt(ds[len(ds)-1].ID, 10)}}
	if f.State != "" {
		q.Set("state", string(f.State))
	}
	if f.Channel != "" {
		q.Set("channel", f.Channel)
	}
	if f.Cause != "" {
		q.Set("cause", string(f.Cause))
	}
	if f.Limit != pageSize {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	return q.Encode()
}

// pretty indents JSON and leaves anything else as it is, cut to what a page can
// show.
func pretty(raw []byte) string {
	var b bytes.Buffer
	text := string(raw)
	if json.Indent(&b, raw, "", "  ") == nil {
		text = b.String()
	}
	if len(text) > shownPayload {
		text = text[:shownPayload] + "\n…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
