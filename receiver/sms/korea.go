package sms

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/bongsu/bongsu/internal/strictyaml"
	"github.com/bongsu/bongsu/receiver"
)

// What Korea's carriers take, in bytes of EUC-KR: an SMS, and an LMS with its
// title. Beyond that they cut.
//
// Source: https://api.ncloud-docs.com/docs/sens-sms-send (SENS),
// https://docs.nhncloud.com/ko/Notification/SMS/ko/api-guide/ (NHN Cloud).
const (
	smsBytes   bytes949 = 90
	lmsBytes   bytes949 = 2000
	titleBytes bytes949 = 40
)

// koreanSettings are the settings of every provider of Korea.
type koreanSettings struct {
	LMS   bool   `yaml:"lms"`
	Title string `yaml:"title"`
}

// korea counts in EUC-KR, and chooses between SMS and LMS by the bytes.
type korea struct {
	// lms: what is too long for an SMS becomes one, instead of being cut.
	lms bool
}

func (k korea) compose(m receiver.Message) letter {
	whole := carried(m.Text)
	if whole == "" && clean(m.Text) != "" {
		whole = string(lost) // pictures alone: that something is wrong must arrive
	}
	if !k.lms || smsBytes.allow(whole) {
		text := fit(whole, smsBytes)
		return letter{text: text, size: eucSize("SMS", text)}
	}
	text := fit(whole, lmsBytes)
	return letter{text: text, title: title(m.Subject, whole), long: true, size: eucSize("LMS", text)}
}

func eucSize(kind, text string) string {
	return fmt.Sprintf("%s, %d bytes of %s", kind, eucLen(text), EUCKR)
}

// title is one line, the text's first where the template makes none.
func title(subject, text string) string {
	line := strings.Join(strings.Fields(carried(subject)), " ")
	if line == "" {
		line, _, _ = strings.Cut(text, "\n")
	}
	return fit(line, titleBytes)
}

// Kind is what most providers of Korea call the two.
func (t text) Kind() string {
	if t.Long {
		return "LMS"
	}
	return "SMS"
}

// Domestic is the recipient's number as it is dialled within Korea.
func (t text) Domestic() string { return domestic(t.To) }

// domestic is how a number of Korea is dialled within it: 01012345678.
func domestic(number string) string {
	digits := strings.NewReplacer("-", "", " ", "").Replace(number)
	if rest, ok := strings.CutPrefix(digits, "+82"); ok {
		return "0" + rest
	}
	return digits
}

// koreanSender is a number with its area's 0, or one of eight digits (1588-…).
var koreanSender = regexp.MustCompile(`^(0[0-9]{8,10}|1[0-9]{7})$`)

// koreanNumbers checks what providers of Korea want of the shared settings.
func (l *loader) koreanNumbers(ch *Channel) {
	for i, n := range l.shared.To {
		if e164.MatchString(n) && !strings.HasPrefix(n, "+82") {
			l.bad(strictyaml.Path{"to", i}, "to: %q is not in Korea (+82), where provider %s sends", n, l.shared.Provider)
		}
	}
	switch from := domestic(l.shared.From); {
	case from == "" && l.shared.Provider == "http": // it may stand in a template
	case from == "":
		l.bad(nil, "from: missing, expected a number registered with the provider such as 0212345678")
	case !koreanSender.MatchString(from):
		l.bad(strictyaml.Path{"from"}, "from: %q is not a number of Korea such as 0212345678", l.shared.From)
	}
	if l.shared.MaxSegments > 0 {
		l.bad(strictyaml.Path{"max_segments"}, "max_segments: Korea's carriers have no segments, expected lms: false to pay for no LMS")
	}
	if l.korean.Title == "" {
		l.korean.Title = `{{ template "bongsu.title" . }}`
	}
	ch.from = domestic(l.shared.From)
	ch.composer = korea{lms: l.korean.LMS}
}
