package inbox

import (
	"crypto/sha1"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// SlackOptions say how strict the Slack is.
type SlackOptions struct {
	// Token, if set, is the only valid one; else any is.
	Token string
	// Channels, if set, are the names ("#ops") of those that exist; else all do.
	Channels []string
	// Hook, if set, is the only valid path of an incoming webhook, such as
	// "T0/B0/secret"; else any is.
	Hook string
}

// slackPost is what chat.postMessage, chat.update and webhooks are given.
type slackPost struct {
	Channel     string            `json:"channel"`
	TS          string            `json:"ts"`
	Text        string            `json:"text"`
	Blocks      []slackBlock      `json:"blocks"`
	Attachments []slackAttachment `json:"attachments"`
	Metadata    struct {
		EventType    string         `json:"event_type"`
		EventPayload map[string]any `json:"event_payload"`
	} `json:"metadata"`
}

type slackAttachment struct {
	Color    string       `json:"color"`
	Fallback string       `json:"fallback"`
	Title    string       `json:"title"`
	Text     string       `json:"text"`
	Blocks   []slackBlock `json:"blocks"`
}

// slackBlock is a block of any type; only the text in it is looked at.
type slackBlock struct {
	Type string `json:"type"`
	all  any
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *slackBlock) UnmarshalJSON(data []byte) error {
	var t struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &t); err != nil {
		return err
	}
	b.Type = t.Type
	return json.Unmarshal(data, &b.all)
}

// SlackChannelID is the ID that the Slack here gives to a channel's name.
func SlackChannelID(name string) string {
	sum := sha1.Sum([]byte(strings.TrimPrefix(name, "#")))
	return "C" + base32.StdEncoding.EncodeToString(sum[:])[:10]
}

func (in *Inbox) slackAPI(w http.ResponseWriter, r *http.Request) {
	p, token, err := readSlack(r)
	if err != nil {
		slackError(w, "invalid_json")
		return
	}
	if in.interrupt(w, r, Slack, Accept, p.Channel) {
		return
	}
	if code := in.slackAuth(token); code != "" {
		slackError(w, code)
		return
	}
	switch r.PathValue("method") {
	case "auth.test":
		answer(w, http.StatusOK, map[string]any{"ok": true, "team": "demo", "user": "bongsu", "user_id": "U0BONGSU"})
	case "chat.postMessage":
		in.slackPostMessage(w, r, p)
	case "chat.update":
		in.slackUpdate(w, r, p)
	default:
		slackError(w, "unknown_method")
	}
}

func (in *Inbox) slackAuth(token string) string {
	switch want := in.opts.Slack.Token; {
	case token == "":
		return "not_authed"
	case want != "" && token != want:
		return "invalid_auth"
	}
	return ""
}

func (in *Inbox) slackPostMessage(w http.ResponseWriter, r *http.Request, p slackPost) {
	id, name, ok := in.slackChannel(p.Channel)
	if !ok {
		slackError(w, "channel_not_found")
		return
	}
	if code, why := p.check(); code != "" {
		slackError(w, code, why...)
		return
	}
	m := in.keep(p.message(id, name, "api", in.nextTS()))
	if in.interrupt(w, r, Slack, Reply, p.Channel) {
		return
	}
	answer(w, http.StatusOK, map[string]any{"ok": true, "channel": id, "ts": m.ID, "message": map[string]any{"type": "message", "text": m.Subject, "ts": m.ID}})
}

// slackUpdate wants the ID of the channel; Slack does not take its name here.
func (in *Inbox) slackUpdate(w http.ResponseWriter, r *http.Request, p slackPost) {
	if !channelID.MatchString(p.Channel) {
		slackError(w, "channel_not_found")
		return
	}
	if code, why := p.check(); code != "" {
		slackError(w, code, why...)
		return
	}
	next := p.message(p.Channel, "", "api", p.TS)
	ok := in.edit(Slack, p.Channel, p.TS, func(m *Message) {
		m.Subject, m.Text, m.Color, m.Raw = next.Subject, next.Text, next.Color, next.Raw
		m.Repeated = m.Repeated || next.Key != "" && next.Key == m.Key
		m.Key = next.Key
	})
	if !ok {
		slackError(w, "message_not_found")
		return
	}
	if in.interrupt(w, r, Slack, Reply, p.Channel) {
		return
	}
	answer(w, http.StatusOK, map[string]any{"ok": true, "channel": p.Channel, "ts": p.TS, "text": p.Text, "message": map[string]any{"type": "message", "text": p.Text}})
}

// slackHook is an incoming webhook: answers are plain text, and nothing that
// came this way can be edited.
func (in *Inbox) slackHook(w http.ResponseWriter, r *http.Request) {
	p, _, err := readSlack(r)
	path := r.PathValue("path")
	if in.interrupt(w, r, Slack, Accept, path) {
		return
	}
	switch want := in.opts.Slack.Hook; {
	case want != "" && strings.Count(path, "/") != 2:
		http.Error(w, "no_service", http.StatusNotFound)
		return
	case want != "" && path != want:
		http.Error(w, "invalid_token", http.StatusForbidden)
		return
	case err != nil:
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	if code, _ := p.check(); code != "" {
		http.Error(w, code, http.StatusBadRequest)
		return
	}
	m := p.message("webhook", "", "webhook", in.nextTS())
	in.keep(m)
	if in.interrupt(w, r, Slack, Reply, path) {
		return
	}
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "ok")
}

var channelID = regexp.MustCompile(`^[CGD][A-Z0-9]{8,}$`)

func (in *Inbox) slackChannel(given string) (id, name string, ok bool) {
	exists := in.opts.Slack.Channels
	for _, name := range exists {
		if given == SlackChannelID(name) || strings.TrimPrefix(given, "#") == strings.TrimPrefix(name, "#") {
			return SlackChannelID(name), name, true
		}
	}
	switch {
	case given == "" || len(exists) > 0:
		return "", "", false
	case channelID.MatchString(given):
		return given, given, true
	}
	return SlackChannelID(given), given, true
}

// nextTS makes the time stamp that names a message; no two are the same.
func (in *Inbox) nextTS() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.lastTS = max(in.lastTS+1, in.opts.Now().UnixMicro())
	return fmt.Sprintf("%d.%06d", in.lastTS/1e6, in.lastTS%1e6)
}

func slackError(w http.ResponseWriter, code string, why ...string) {
	body := map[string]any{"ok": false, "error": code}
	if len(why) > 0 {
		body["response_metadata"] = map[string]any{"messages": why}
	}
	answer(w, http.StatusOK, body)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// readSlack takes JSON with a bearer token, or a form that may hold the token.
func readSlack(r *http.Request) (p slackPost, token string, err error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return p, "", err
	}
	token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/json" {
		return p, token, json.Unmarshal(body, &p)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return p, token, err
	}
	if token == "" {
		token = form.Get("token")
	}
	if payload := form.Get("payload"); payload != "" {
		return p, token, json.Unmarshal([]byte(payload), &p)
	}
	p.Channel, p.TS, p.Text = form.Get("channel"), form.Get("ts"), form.Get("text")
	return p, token, errors.Join(
		optional(form.Get("blocks"), &p.Blocks),
		optional(form.Get("attachments"), &p.Attachments),
		optional(form.Get("metadata"), &p.Metadata))
}

func optional(s string, out any) error {
	if s == "" {
		return nil
	}
	return json.Unmarshal([]byte(s), out)
}
