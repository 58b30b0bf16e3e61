package email

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"github.com/bongsu/bongsu/receiver"
)

// maxSubject is the longest subject, in characters, that is sent whole. It
// keeps a single word below RFC 5322's limit of a line.
const maxSubject = 250

// field is one field of a header.
type field struct{ name, value string }

// ownFields are the fields that the channel writes, and users may not.
func ownFields() []string {
	return []string{
		"From", "To", "Cc", "Bcc", "Sender", "Date", "Message-Id", "In-Reply-To", "References",
		"Mime-Version", "Auto-Submitted", "List-Id", "Return-Path", "Received",
	}
}

// compose writes the mail. Everything that can go wrong with it goes wrong
// here, before anybody is called.
func (c *Channel) compose(m receiver.Message, to *mail.Address) (*gomail.Msg, string, error) {
	text, html := clean(m.Text), clean(m.HTML)
	if strings.TrimSpace(text) == "" && strings.TrimSpace(html) == "" {
		return nil, "", errors.New("the message is empty")
	}
	domain := c.from.Address[strings.LastIndex(c.from.Address, "@")+1:]
	id := messageID(m.Key, domain)
	msg := gomail.NewMsg(gomail.WithEncoding(gomail.EncodingB64), gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(c.from)
	msg.ToMailAddress(to)
	msg.SetDateWithValue(c.now())
	msg.Subject(subject(m.Subject))
	for _, f := range c.fields(m, id, domain) {
		msg.SetGenHeader(gomail.Header(f.name), f.value)
	}
	if strings.TrimSpace(text) != "" {
		msg.SetBodyString(gomail.TypeTextPlain, text, gomail.WithPartEncoding(transferEncoding(text)))
	}
	if strings.TrimSpace(html) != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, html, gomail.WithPartEncoding(transferEncoding(html)))
	}
	return msg, id, nil
}

// fields are those beside From, To, Date and Subject.
//
// Auto-Submitted (RFC 3834) keeps vacation notices away; X-Auto-Response-Suppress
// is Exchange's word for it. List-Id (RFC 2919) is what a mailbox filters by.
func (c *Channel) fields(m receiver.Message, id, domain string) []field {
	fs := []field{
		{"Message-ID", id},
		{"Auto-Submitted", "auto-generated"},
		{"X-Auto-Response-Suppress", "All"},
		{"List-Id", "Bongsu alerts <bongsu." + domain + ">"},
	}
	if root := m.ThreadRef; isMessageID(root) && root != id {
		fs = append(fs, field{"In-Reply-To", root}, field{"References", root})
	}
	return append(fs, c.header...)
}

// messageID is the same for every attempt at a delivery, so that whoever got
// one whose answer was lost can drop the next.
func messageID(key, domain string) string {
	sum := sha256.Sum256([]byte(key))
	return fmt.Sprintf("<bongsu.%s@%s>", hex.EncodeToString(sum[:16]), domain)
}

func isMessageID(s string) bool {
	return strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") && strings.Contains(s, "@") && isASCII(s) && !strings.ContainsAny(s, " \t\r\n")
}

// subject is one line, cut behind a character.
func subject(s string) string {
	s = oneLine(clean(s))
	if s == "" {
		return "(no subject)"
	}
	if r := []rune(s); len(r) > maxSubject {
		return string(r[:maxSubject-1]) + "…"
	}
	return s
}

// oneLine keeps line breaks, and so other people's fields, out of a header.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// clean is valid UTF-8 with the line ends of mail.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}

// transferEncoding is the shorter one; both keep lines short and 7-bit. What
// is mostly Latin stays readable in its raw form.
func transferEncoding(s string) gomail.Encoding {
	other := 0
	for i := range len(s) {
		if s[i] >= 0x80 {
			other++
		}
	}
	if other*6 > len(s) { // quoted-printable triples these, base64 adds a third to all
		return gomail.EncodingB64
	}
	return gomail.EncodingQP
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 || r == 0 })
}
