package inbox

import (
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Step is a point of a conversation at which a Fault strikes.
type Step string

// The steps. HTTP has two, Accept and Reply; SMTP has all but Accept, which is
// Data there.
const (
	// Greeting is before the mail server has said anything.
	Greeting Step = "greeting"
	Hello    Step = "hello"
	Auth     Step = "auth"
	Mail     Step = "mail"
	Rcpt     Step = "rcpt"
	// Data is when a mail has been read whole and nothing of it is kept yet.
	Data Step = "data"
	// Accept is when a request has been read whole and nothing is kept yet.
	Accept Step = "accept"
	// Reply is when the message has been kept and the sender doesn't know:
	// the lost answer.
	Reply Step = "reply"
)

// Fault is a scripted failure: where it strikes, how often, and what happens.
type Fault struct {
	// Medium, At and To say where. An empty To is every recipient; the steps
	// before Rcpt have none. An empty At is Accept, or Data for mail.
	Medium Medium
	At     Step
	To     string
	// Times is how often it strikes: 0 is once, below 0 is until healed.
	Times int

	// One of these says what happens.
	//
	// Stall says nothing until the client hangs up, the fault is healed or
	// the Inbox closed.
	Stall bool
	// Drop cuts the connection.
	Drop bool
	// Code answers with this status of SMTP or HTTP, with Text as SMTP's text
	// or HTTP's body, and Header beside it. 421 of SMTP also hangs up.
	Code   int
	Text   string
	Header http.Header
}

// armed is a Fault that waits for its moment.
type armed struct {
	Fault
	left   int
	healed chan struct{}
	heal   func()
}

// Fail arms f. Faults that fit the same moment strike in the order in which
// they were armed. heal ends it, and those who are stalled by it go on.
func (in *Inbox) Fail(f Fault) (heal func()) {
	if f.At == "" {
		f.At = Accept
		if f.Medium == Email {
			f.At = Data
		}
	}
	a := &armed{Fault: f, left: max(1, f.Times), healed: make(chan struct{})}
	if f.Times < 0 {
		a.left = -1
	}
	a.heal = sync.OnceFunc(func() {
		in.disarm(a)
		close(a.healed)
	})
	in.mu.Lock()
	in.faults = append(in.faults, a)
	in.mu.Unlock()
	return a.heal
}

// Heal ends all faults.
func (in *Inbox) Heal() {
	in.mu.Lock()
	faults := slices.Clone(in.faults)
	in.mu.Unlock()
	for _, a := range faults {
		a.heal()
	}
}

// strike returns the fault whose moment this is, or nil.
func (in *Inbox) strike(medium Medium, at Step, to string) *armed {
	in.mu.Lock()
	defer in.mu.Unlock()
	i := slices.IndexFunc(in.faults, func(a *armed) bool {
		return a.left != 0 && a.Medium == medium && a.At == at && (a.To == "" || strings.EqualFold(a.To, to))
	})
	if i < 0 {
		return nil
	}
	a := in.faults[i]
	if a.left > 0 {
		a.left--
	}
	// A spent one stays while somebody may be stalled by it.
	if a.left == 0 && !a.Stall {
		in.faults = slices.Delete(in.faults, i, i+1)
	}
	return a
}

func (in *Inbox) disarm(a *armed) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.faults = slices.DeleteFunc(in.faults, func(b *armed) bool { return a == b })
}

// stall blocks until the fault is healed, the Inbox closed or gone is closed.
func (in *Inbox) stall(a *armed, gone <-chan struct{}) {
	select {
	case <-a.healed:
	case <-in.done:
	case <-gone:
	}
}

// interrupt lets the fault of this moment answer an HTTP request, and reports
// whether it did.
func (in *Inbox) interrupt(w http.ResponseWriter, r *http.Request, medium Medium, at Step, to string) bool {
	a := in.strike(medium, at, to)
	switch {
	case a == nil:
		return false
	case a.Stall:
		in.stall(a, r.Context().Done())
		panic(http.ErrAbortHandler)
	case a.Drop:
		panic(http.ErrAbortHandler)
	}
	for k, vs := range a.Header {
		w.Header()[http.CanonicalHeaderKey(k)] = vs
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", http.DetectContentType([]byte(a.Text)))
		if strings.HasPrefix(a.Text, "{") {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
		}
	}
	w.WriteHeader(a.Code)
	_, _ = w.Write([]byte(a.Text))
	return true
}
