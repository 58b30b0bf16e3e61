package sms

import (
	"fmt"
	"strings"

	"github.com/bongsu/bongsu/receiver"
)

// letter is a message made ready for a provider: as much of it as fits.
type letter struct {
	text string
	// title and long are of Korea's LMS alone.
	title string
	long  bool
	// size says for the receipt what the text takes.
	size string
}

// composer makes letters by the rules of the carriers that a provider is for.
type composer interface {
	compose(receiver.Message) letter
}

// worldwide counts in GSM-7 and UCS-2.
type worldwide struct{ limits limits }

func (w worldwide) compose(m receiver.Message) letter {
	text := fit(clean(m.Text), w.limits)
	size := Measure(text)
	return letter{text: text, size: fmt.Sprintf("%d × %s", size.Segments, size.Encoding)}
}

// clean is valid UTF-8 with plain line ends and no white space around it.
func clean(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n"))
}
