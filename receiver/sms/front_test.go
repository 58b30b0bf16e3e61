package sms

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/channeltest"
	"github.com/bongsu/bongsu/receiver/inbox"
)

// dialect is how a provider is spoken to, read apart from the code that speaks
// it: where a request has what matters, and what accepts it, with %s for the ID.
type dialect struct {
	form          bool
	to, text, key string
	status        int
	accepted      string
}

func dialects() map[string]dialect {
	return map[string]dialect{
		"vonage":      {form: true, to: "to", text: "text", status: 200, accepted: `{"message-count":"1","messages":[{"status":"0","message-id":%q}]}`},
		"messagebird": {form: true, to: "recipients", text: "body", key: "reference", status: 201, accepted: `{"id":%q,"recipients":{"items":[{"status":"sent"}]}}`},
		"plivo":       {to: "dst", text: "text", status: 202, accepted: `{"message":"message(s) queued","message_uuid":[%q]}`},
		"sinch":       {to: "to.0", text: "body", status: 201, accepted: `{"id":%q,"type":"mt_text"}`},
		"infobip":     {to: "messages.0.destinations.0.to", text: "messages.0.content.text", status: 200, accepted: `{"messages":[{"messageId":%q,"status":{"groupId":1,"name":"PENDING_ACCEPTED"}}]}`},
		"telnyx":      {to: "to", text: "text", status: 200, accepted: `{"data":{"id":%q,"errors":[]}}`},
		"sns":         {form: true, to: "PhoneNumber", text: "Message", status: 200, accepted: `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>%s</MessageId></PublishResult></PublishResponse>`},
		"nhn":         {to: "recipientList.0.recipientNo", text: "body", key: "senderGroupingKey", status: 200, accepted: `{"header":{"isSuccessful":true,"resultCode":0},"body":{"data":{"requestId":%q,"sendResultList":[{"resultCode":0}]}}}`},
		"sens":        {to: "messages.0.to", text: "content", status: 202, accepted: `{"requestId":%q,"statusCode":"202","statusName":"success"}`},
		"solapi":      {to: "messages.0.to", text: "messages.0.text", key: "messages.0.customFields.bongsu", status: 200, accepted: `{"failedMessageList":[],"messageList":[{"messageId":%q,"statusCode":"2000"}]}`},
		"aligo":       {form: true, to: "receiver", text: "msg", status: 200, accepted: `{"result_code":"1","message":"success","msg_id":%q}`},
	}
}

func (d dialect) read(r *http.Request) url.Values {
	body, _ := io.ReadAll(r.Body)
	fields, _ := url.ParseQuery(string(body))
	var tree any
	_ = json.Unmarshal(body, &tree)
	at := func(path string) string {
		if d.form {
			return fields.Get(path)
		}
		s, _ := lookup(tree, path)
		return s
	}
	to := at(d.to)
	if rest, ok := strings.CutPrefix(to, "0"); ok {
		to = "82" + rest
	}
	return url.Values{"to": {"+" + digits(to)}, "text": {at(d.text)}, "key": {at(d.key)}}
}

// front translates a provider's requests for the inbox, whose faults pass
// through it as they are.
func front(t *testing.T, far *channeltest.Far, d dialect) string {
	t.Helper()
	line := &http.Transport{DisableKeepAlives: true}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, far.URL+"/sms/", strings.NewReader(d.read(r).Encode()))
		if err != nil {
			panic(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := line.RoundTrip(req)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer resp.Body.Close()
		d.answer(w, resp)
	}))
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv.URL
}

func (d dialect) answer(w http.ResponseWriter, resp *http.Response) {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	var taken struct{ ID string }
	if resp.StatusCode == http.StatusOK && json.Unmarshal(body, &taken) == nil && taken.ID != "" {
		w.WriteHeader(d.status)
		fmt.Fprintf(w, d.accepted, taken.ID)
		return
	}
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(body)
}

// TestProviders holds every provider to what every channel is held to.
func TestProviders(t *testing.T) {
	t.Parallel()
	for name, d := range dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channeltest.Exercise(t, bundleOf(name, d))
		})
	}
}

func bundleOf(name string, d dialect) channeltest.Bundle {
	status := func(code int, after ...string) inbox.Fault {
		return inbox.Fault{
			Medium: inbox.SMS, Code: code, Text: "<html>the watch tower says so</html>", Header: http.Header{"Retry-After": after},
		}
	}
	return channeltest.Bundle{
		Medium: inbox.SMS,
		Start:  func(t *testing.T) channeltest.Rig { return startProvider(t, name, d) },
		Temporary: []channeltest.Case{
			{Name: "500", Fault: status(500)},
			{Name: "302 to nowhere", Fault: status(302)},
			{Name: "200 of a proxy", Fault: status(200)},
			{Name: "dropped", Fault: inbox.Fault{Medium: inbox.SMS, Drop: true}},
		},
		Permanent: []channeltest.Case{
			{Name: "400", Fault: status(400)},
			{Name: "401", Fault: status(401)},
			{Name: "404", Fault: status(404)},
		},
		Delayed: []channeltest.Case{
			{Name: "429", Fault: status(429)},
			{Name: "429 with seconds", Fault: status(429, "17"), After: 17 * time.Second},
			{Name: "429 with nonsense", Fault: status(429, "soon")},
		},
		Stalls: []inbox.Fault{{At: inbox.Accept}, {At: inbox.Reply}},
		Echo: func(secret string) inbox.Fault {
			return inbox.Fault{Medium: inbox.SMS, Code: 401, Text: `{"message":"no such key: ` + secret + `"}`}
		},
		Fits:  func(sent receiver.Message, got inbox.Message) error { return fitsProvider(name, sent, got) },
		Keyed: d.key != "",
	}
}

func startProvider(t *testing.T, name string, d dialect) channeltest.Rig {
	far := channeltest.Start(t, inbox.Options{})
	settings := strings.TrimSuffix(strings.ReplaceAll(settingsOf()[name], "SECRET", secretOf), "}")
	settings = strings.ReplaceAll(settings, "api_url: https://abc.api.infobip.com, ", "")
	b, log := channeltest.Build(t, Kind, fmt.Sprintf("channel: %s, provider: %s, api_url: %q, to: [%q]}", settings, name, front(t, far, d), "+821012345678"))
	return channeltest.Rig{Far: far, Built: b, Log: log, Secrets: []string{secretOf}}
}

// fitsProvider: whole, or a beginning that nearly fills what the provider takes.
func fitsProvider(name string, sent receiver.Message, got inbox.Message) error {
	whole, size, most, slack := strings.TrimSpace(sent.Text), utf16Len(got.Text), 1600, 60
	switch name {
	case "nhn", "sens", "solapi", "aligo":
		whole, size, most, slack = cmp.Or(carried(sent.Text), "□"), eucLen(got.Text), int(lmsBytes), 2
	case "messagebird":
		size, most, slack = got.Segments, 9, 0
	case "sns":
		size, slack = len(got.Text), 6
	case "telnyx":
		size, most, slack = got.Segments, 10, 0
	}
	switch {
	case got.Text == whole:
		return nil
	case size > most || size < most-slack:
		return fmt.Errorf("cut to %d, want nearly %d", size, most)
	case strings.HasSuffix(got.Text, "..."):
		return channeltest.CutFrom(whole, got.Text, "...")
	}
	return channeltest.CutFrom(whole, got.Text, "…")
}
