package inbox

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// plainSMS is a provider with no peculiarities: it takes to, from, text and
// key as JSON or as a form, by POST or GET, and answers 200 with an ID. A key
// that it has had gets the first answer's ID again.
func (in *Inbox) plainSMS(w http.ResponseWriter, r *http.Request) {
	f, err := readFields(r)
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"status": "rejected", "error": "malformed request"})
		return
	}
	if in.interrupt(w, r, SMS, Accept, f["to"]) {
		return
	}
	if !e164.MatchString(f["to"]) || f["text"] == "" {
		answer(w, http.StatusBadRequest, map[string]any{"status": "rejected", "error": "to and text are required"})
		return
	}
	id := newSID()
	for _, old := range in.Messages() {
		if old.Via == "http" && f["key"] != "" && old.Key == f["key"] {
			id = old.ID
		}
	}
	user, _, _ := r.BasicAuth()
	m := in.keep(Message{
		Medium: SMS, Via: "http", From: f["from"], To: f["to"], Text: f["text"], Key: f["key"],
		ID: id, Segments: segments(f["text"]), User: user,
	})
	if in.interrupt(w, r, SMS, Reply, f["to"]) {
		return
	}
	answer(w, http.StatusOK, map[string]any{"status": "accepted", "id": m.ID, "segments": m.Segments})
}

func readFields(r *http.Request) (map[string]string, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	f := map[string]string{}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/json" {
		return f, json.Unmarshal(body, &f)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	for _, values := range []url.Values{r.URL.Query(), form} {
		for k := range values {
			f[k] = values.Get(k)
		}
	}
	return f, nil
}
