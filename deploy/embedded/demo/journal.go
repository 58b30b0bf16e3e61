package demo

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// journal is the story of the last incident: printed as it happens, and kept for the page. It is safe for concurrent use.
type journal struct {
	mu    sync.Mutex
	out   io.Writer
	title string
	acts  []*act
}

// act is one half of an incident's story: the alert fires, or it is resolved.
type act struct {
	journal *journal
	name    string
	began   time.Time
	before  time.Time // when the last stage was through
	latest  time.Time // the latest hop of this stage
	done    bool
	lines   []entry
}

// entry is one hop as the page shows it.
type entry struct {
	Name    string  `json:"name"`
	State   string  `json:"state"` // waiting, seen or missed
	Seconds float64 `json:"seconds"`
	Text    string  `json:"text,omitempty"`
}

// act begins a part of the story; firing begins a new one.
func (j *journal) act(name, title string, began time.Time) *act {
	j.mu.Lock()
	defer j.mu.Unlock()
	a := &act{journal: j, name: name, began: began, before: began, latest: began}
	if name == firing {
		j.acts, j.title = nil, title
		fmt.Fprintf(j.out, "\n%s  An incident: %s in the shop.\n", began.Format(time.TimeOnly), title)
	} else {
		fmt.Fprintf(j.out, "%s  The shop is well again.\n", began.Format(time.TimeOnly))
	}
	j.acts = append(j.acts, a)
	return a
}

// expect lists the hops that should come.
func (a *act) expect(stages [][]hop) {
	a.journal.mu.Lock()
	defer a.journal.mu.Unlock()
	for _, stage := range stages {
		for _, h := range stage {
			a.lines = append(a.lines, entry{Name: h.name, State: "waiting"})
		}
	}
}

// saw notes a hop with its latency, which counts from the end of the stage before it.
func (a *act) saw(name string, s sight) {
	a.journal.mu.Lock()
	defer a.journal.mu.Unlock()
	if s.at.IsZero() {
		s.at = time.Now()
	}
	if s.at.After(a.latest) {
		a.latest = s.at
	}
	took := max(0, s.at.Sub(a.before))
	a.set(entry{name, "seen", took.Seconds(), s.text})
	fmt.Fprintf(a.journal.out, "  %-9s %6.2f s  %s\n", name, took.Seconds(), s.text)
}

// miss notes a hop that did not come in time.
func (a *act) miss(m *missed) {
	a.journal.mu.Lock()
	defer a.journal.mu.Unlock()
	a.set(entry{m.hop, "missed", m.within.Seconds(), m.known})
	fmt.Fprintf(a.journal.out, "  %-9s missed    not seen within %s: %s\n", m.hop, m.within, m.known)
}

// set is called with the journal's lock held.
func (a *act) set(e entry) {
	for i := range a.lines {
		if a.lines[i].Name == e.Name {
			a.lines[i] = e
		}
	}
}

// next ends a stage.
func (a *act) next() {
	a.journal.mu.Lock()
	defer a.journal.mu.Unlock()
	a.before = a.latest
}

// over sums up, if all hops were seen.
func (a *act) over() {
	a.journal.mu.Lock()
	defer a.journal.mu.Unlock()
	a.done = true
	if slices.ContainsFunc(a.lines, func(e entry) bool { return e.State != "seen" }) {
		return
	}
	what := "from the shop to the last of three channels"
	if a.name == resolved {
		what = "until all three knew that it is over"
	}
	fmt.Fprintf(a.journal.out, "  %-9s %6.2f s  %s\n", "in all", a.latest.Sub(a.began).Seconds(), what)
}

// story is what the page shows of the journal.
type story struct {
	Title string    `json:"title,omitempty"`
	State string    `json:"state"` // none, firing, lasting, resolving, over or missed
	Acts  []actData `json:"acts"`
}

type actData struct {
	Name  string    `json:"name"`
	Began time.Time `json:"began"`
	Hops  []entry   `json:"hops"`
}

func (j *journal) story() story {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := story{Title: j.title, State: "none", Acts: []actData{}}
	for _, a := range j.acts {
		s.Acts = append(s.Acts, actData{a.name, a.began, slices.Clone(a.lines)})
		s.State = a.state()
	}
	return s
}

// state is what the page says of an act that is the last so far.
func (a *act) state() string {
	switch {
	case slices.ContainsFunc(a.lines, func(e entry) bool { return e.State == "missed" }):
		return "missed"
	case a.name == firing && !a.done:
		return "firing"
	case a.name == firing:
		return "lasting"
	case !a.done:
		return "resolving"
	}
	return "over"
}
