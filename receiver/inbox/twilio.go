package inbox

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"regexp"
	"slices"
	"strconv"
)

// TwilioOptions say how strict the Twilio is.
type TwilioOptions struct {
	// AccountSID and AuthToken, if set, are the only valid ones.
	AccountSID, AuthToken string
	// Unsubscribed are numbers that have answered STOP.
	Unsubscribed []string
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// twilioMaxBody is Twilio's limit of Body.
const twilioMaxBody = 1600

// twilio creates a message resource.
// Source: https://www.twilio.com/docs/messaging/api/message-resource
func (in *Inbox) twilio(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		twilioError(w, http.StatusBadRequest, 21602, "Message body is required.")
		return
	}
	to, body := r.PostForm.Get("To"), r.PostForm.Get("Body")
	if in.interrupt(w, r, SMS, Accept, to) {
		return
	}
	sid, token, _ := r.BasicAuth()
	if o := in.opts.Twilio; o.AccountSID != "" && (sid != o.AccountSID || token != o.AuthToken || r.PathValue("sid") != sid) {
		twilioError(w, http.StatusUnauthorized, 20003, "Authenticate")
		return
	}
	if code, text := in.twilioRefusal(to, r.PostForm.Get("From")+r.PostForm.Get("MessagingServiceSid"), body); code != 0 {
		twilioError(w, http.StatusBadRequest, code, text)
		return
	}
	m := in.keep(Message{
		Medium: SMS, Via: "twilio", From: r.PostForm.Get("From") + r.PostForm.Get("MessagingServiceSid"), To: to,
		Text: body, ID: newSID(), Segments: segments(body), User: sid,
	})
	if in.interrupt(w, r, SMS, Reply, to) {
		return
	}
	n := m.Segments
	if r.PostForm.Get("MessagingServiceSid") != "" {
		n = 0 // known only when the service has chosen a sender
	}
	answer(w, http.StatusCreated, map[string]any{
		"sid": m.ID, "status": "queued", "num_segments": strconv.Itoa(n), "to": to, "from": r.PostForm.Get("From"),
		"body": body, "error_code": nil, "error_message": nil, "price": nil, "account_sid": sid,
	})
}

func (in *Inbox) twilioRefusal(to, from, body string) (int, string) {
	switch {
	case !e164.MatchString(to):
		return 21211, "The 'To' number " + to + " is not a valid phone number."
	case from == "":
		return 21603, "A 'From' phone number is required."
	case body == "":
		return 21602, "Message body is required."
	case units(body) > twilioMaxBody:
		return 21617, "The concatenated message body exceeds the 1600 character limit."
	case slices.Contains(in.opts.Twilio.Unsubscribed, to):
		return 21610, "Attempt to send to unsubscribed recipient"
	}
	return 0, ""
}

func twilioError(w http.ResponseWriter, status, code int, text string) {
	answer(w, status, map[string]any{
		"code": code, "message": text, "status": status,
		"more_info": "https://www.twilio.com/docs/errors/" + strconv.Itoa(code),
	})
}

func newSID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return "SM" + hex.EncodeToString(b[:])
}
