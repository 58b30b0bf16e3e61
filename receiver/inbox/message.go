package inbox

import (
	"net/textproto"
	"time"
)

// Medium is what a message came by.
type Medium string

// The media that an Inbox has.
const (
	Email Medium = "email"
	SMS   Medium = "sms"
	Slack Medium = "slack"
)

// Message is one message as its recipient would see it, with what the protocol
// said beside it.
type Message struct {
	// N numbers the messages of an Inbox from 1.
	N      int64  `json:"n"`
	Medium Medium `json:"medium"`
	// Via is the server that took it: "smtp", "smtps", "twilio", "http",
	// "api" or "webhook".
	Via string    `json:"via"`
	At  time.Time `json:"at"`
	// ChangedAt is At, or when it was last edited.
	ChangedAt time.Time `json:"changed_at"`

	// From is the sender: an address, a number, or nothing for Slack.
	From string `json:"from,omitempty"`
	// To is one recipient: the address of RCPT TO, a number, a Slack channel's
	// ID. A mail to several is kept once for each.
	To string `json:"to"`
	// ToName is the To header of a mail, or the name of a Slack channel.
	ToName string `json:"to_name,omitempty"`

	// Subject, Text and HTML are decoded: what a reader sees. Slack's are its
	// text and the texts of attachments and blocks, in mrkdwn as they came.
	Subject string `json:"subject,omitempty"`
	Text    string `json:"text"`
	HTML    string `json:"html,omitempty"`
	// Color is that of a Slack attachment's bar.
	Color string `json:"color,omitempty"`

	// ID is what this side calls it: the Message-ID, the SID, Slack's ts.
	ID string `json:"id"`
	// Key is by what a repetition can be known: Message-ID, Slack's metadata,
	// the plain provider's key.
	Key string `json:"key,omitempty"`
	// Repeated: a message with the same Key came to the same recipient before.
	Repeated bool `json:"repeated,omitempty"`

	// Segments is how many an SMS is paid as.
	Segments int `json:"segments,omitempty"`
	// User is who logged in to send it, if anybody.
	User string `json:"user,omitempty"`
	// TLS: it came over TLS.
	TLS bool `json:"tls,omitempty"`
	// Header is a mail's, as it came.
	Header textproto.MIMEHeader `json:"header,omitempty"`
	// Raw is all of it, as it came.
	Raw []byte `json:"-"`

	// Earlier are the versions that edits replaced, oldest first.
	Earlier []Version `json:"earlier,omitempty"`
	// Deleted: somebody deleted it by hand; it can't be edited any more.
	Deleted bool `json:"deleted,omitempty"`
}

// Version is what a message said before it was edited.
type Version struct {
	At      time.Time `json:"at"`
	Subject string    `json:"subject,omitempty"`
	Text    string    `json:"text"`
	Color   string    `json:"color,omitempty"`
	Key     string    `json:"key,omitempty"`
}

// AtLeast is for Wait: there are n messages of the medium, or of any if it is
// empty.
func AtLeast(n int, medium Medium) func([]Message) bool {
	return func(ms []Message) bool {
		have := 0
		for _, m := range ms {
			if medium == "" || m.Medium == medium {
				have++
			}
		}
		return have >= n
	}
}
