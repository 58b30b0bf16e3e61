// Package inbox is the far side in one process: a mail server, a Slack, a
// Twilio and a plain HTTP provider of SMS that take messages as strictly as the
// real ones do, keep what they got, show it on a page, and fail when told to.
//
// It serves the demo, the channels' conformance suite and the end-to-end
// tests. Nothing leaves the process, and nothing is kept on disk.
package inbox

import (
	"context"
	"html/template"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Options of an Inbox. The zero value takes everything from anybody.
type Options struct {
	// Logger for what the servers complain of; nil is silence.
	Logger *slog.Logger
	// Limit is how many messages are kept, the oldest going first. Zero is 500.
	Limit int
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	SMTP   SMTPOptions
	Slack  SlackOptions
	Twilio TwilioOptions
}

// Inbox keeps what its servers took. All methods are safe for concurrent use.
type Inbox struct {
	opts Options
	cert certificate
	page *template.Template

	mu       sync.Mutex
	messages []Message // oldest first
	lastN    int64
	lastTS   int64         // of Slack, in microseconds
	changed  chan struct{} // closed and replaced with every change
	faults   []*armed
	closers  []func()
	closed   bool

	done chan struct{} // closed by Close
}

// New returns an empty Inbox. Close it when done.
func New(o Options) (*Inbox, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Limit == 0 {
		o.Limit = 500
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	cert, err := selfSigned(time.Now())
	if err != nil {
		return nil, err
	}
	page, err := parsePage()
	if err != nil {
		return nil, err
	}
	return &Inbox{opts: o, cert: cert, page: page, changed: make(chan struct{}), done: make(chan struct{})}, nil
}

// Close ends every stalled conversation and every mail server. What was kept
// can still be read.
func (in *Inbox) Close() {
	in.mu.Lock()
	if in.closed {
		in.mu.Unlock()
		return
	}
	in.closed = true
	closers := in.closers
	close(in.done)
	in.mu.Unlock()
	for _, c := range closers {
		c()
	}
}

// CertPEM is the certificate that the mail server shows, for the CA setting of
// those who call it. It is good for localhost, 127.0.0.1 and ::1.
func (in *Inbox) CertPEM() []byte { return in.cert.pem }

// Messages returns what was got and is still kept, oldest first.
func (in *Inbox) Messages() []Message {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.messages)
}

// Wait returns the messages as soon as enough says so of them, or what there
// is and ctx's error when ctx ends first.
func (in *Inbox) Wait(ctx context.Context, enough func([]Message) bool) ([]Message, error) {
	for {
		in.mu.Lock()
		ms, changed := slices.Clone(in.messages), in.changed
		in.mu.Unlock()
		if enough(ms) {
			return ms, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ms, ctx.Err()
		}
	}
}

// keep stores m as the newest message.
func (in *Inbox) keep(m Message) Message {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.lastN++
	m.N, m.At = in.lastN, in.opts.Now()
	m.ChangedAt = m.At
	m.Repeated = m.Key != "" && slices.ContainsFunc(in.messages, func(old Message) bool {
		return old.Medium == m.Medium && old.Key == m.Key && old.To == m.To
	})
	in.messages = append(in.messages, m)
	if over := len(in.messages) - in.opts.Limit; over > 0 {
		in.messages = slices.Delete(in.messages, 0, over)
	}
	in.announce()
	return m
}

// edit replaces the content of the message that has the medium and ID, keeping
// the old one in its history, and reports whether there is such a message.
func (in *Inbox) edit(medium Medium, to, id string, change func(*Message)) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	i := slices.IndexFunc(in.messages, func(m Message) bool {
		return m.Medium == medium && m.ID == id && m.To == to && !m.Deleted
	})
	if i < 0 {
		return false
	}
	m := in.messages[i]
	// A new slice each time: copies that were handed out share the old one.
	m.Earlier = append(slices.Clip(m.Earlier), Version{At: m.ChangedAt, Subject: m.Subject, Text: m.Text, Color: m.Color, Key: m.Key})
	change(&m)
	m.ChangedAt = in.opts.Now()
	in.messages[i] = m
	in.announce()
	return true
}

// announce wakes those who wait. Called with mu held.
func (in *Inbox) announce() {
	close(in.changed)
	in.changed = make(chan struct{})
}

// Delete makes a Slack message vanish for those who would update it, as when
// somebody deletes it by hand. It reports whether there was such a message.
func (in *Inbox) Delete(medium Medium, id string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	i := slices.IndexFunc(in.messages, func(m Message) bool { return m.Medium == medium && m.ID == id && !m.Deleted })
	if i < 0 {
		return false
	}
	in.messages[i].Deleted = true
	in.announce()
	return true
}
