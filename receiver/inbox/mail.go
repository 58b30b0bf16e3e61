package inbox

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
)

// readMail decodes a mail as a mail program does: encoded words of the header
// (RFC 2047), the parts and their transfer encodings (RFC 2045).
func readMail(raw []byte) (Message, error) {
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Message{}, err
	}
	h := textproto.MIMEHeader(msg.Header)
	m := Message{Medium: Email, Header: h, Raw: raw, Key: h.Get("Message-Id"), ID: h.Get("Message-Id")}
	if h.Get("From") == "" || h.Get("Date") == "" {
		return Message{}, errors.New("no From or no Date in the header")
	}
	m.Subject = decodeWords(h.Get("Subject"))
	m.ToName = decodeWords(h.Get("To"))
	if err := m.readPart(h, msg.Body, 0); err != nil {
		return Message{}, err
	}
	return m, nil
}

// decodeWords returns the header's value in clear, or as it came if it is not
// decodable.
func decodeWords(s string) string {
	if d, err := new(mime.WordDecoder).DecodeHeader(s); err == nil {
		return d
	}
	return s
}

func (m *Message) readPart(h textproto.MIMEHeader, body io.Reader, depth int) error {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if h.Get("Content-Type") == "" {
		kind, err = "text/plain", nil
	}
	if err != nil {
		return fmt.Errorf("content type: %w", err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		return m.readParts(multipart.NewReader(body, params["boundary"]), depth)
	}
	text, err := io.ReadAll(transferDecoder(h.Get("Content-Transfer-Encoding"), body))
	if err != nil {
		return fmt.Errorf("a part of %s: %w", kind, err)
	}
	switch clean := strings.ReplaceAll(string(text), "\r\n", "\n"); {
	case kind == "text/plain" && m.Text == "":
		m.Text = clean
	case kind == "text/html" && m.HTML == "":
		m.HTML = clean
	}
	return nil
}

func (m *Message) readParts(r *multipart.Reader, depth int) error {
	if depth > 5 {
		return errors.New("parts inside parts inside parts")
	}
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := m.readPart(p.Header, p, depth+1); err != nil {
			return err
		}
	}
}

func transferDecoder(encoding string, r io.Reader) io.Reader {
	switch strings.ToLower(encoding) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		return quotedprintable.NewReader(r)
	}
	return r
}
