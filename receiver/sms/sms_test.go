package sms_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/channeltest"
	"github.com/bongsu/bongsu/receiver/inbox"
	"github.com/bongsu/bongsu/receiver/sms"
)

func TestMain(m *testing.M) { channeltest.Main(m) }

const token = "t0ken+불꽃/="

func TestTwilio(t *testing.T) {
	t.Parallel()
	b := bundle(startTwilio)
	twilio := func(name string, status, code int) channeltest.Case {
		return channeltest.Case{Name: name, Fault: inbox.Fault{
			Medium: inbox.SMS, Code: status, Text: fmt.Sprintf(`{"code":%d,"message":%q,"status":%d}`, code, name, status),
		}}
	}
	b.Temporary = append(b.Temporary, twilio("service unavailable", 503, 20503), twilio("queue overflow", 400, 30001))
	b.Permanent = append(b.Permanent,
		twilio("authenticate", 401, 20003),
		twilio("region not enabled", 400, 21408),
		twilio("bad from", 400, 21606),
		twilio("unsubscribed", 400, 21610),
		twilio("unheard of", 400, 29999),
	)
	b.Delayed = append(b.Delayed, twilio("too many requests", 429, 20429), twilio("queue of from is full", 400, 21611))
	b.Echo = func(secret string) inbox.Fault {
		return inbox.Fault{Medium: inbox.SMS, Code: 401, Text: `{"code":20003,"message":"no such token: ` + secret + `"}`}
	}
	channeltest.Exercise(t, b)
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"json": `json: {to: "{{ .To }}", from: "{{ .From }}", text: "{{ .Text }}", key: "{{ .Key }}", auth: "{{ .Secret }}"}`,
		"form": `form: {to: "{{ .To }}", from: "{{ .From }}", text: "{{ .Text }}", key: "{{ .Key }}", auth: "{{ .Secret }}"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bundle(func(t *testing.T) channeltest.Rig { return startHTTP(t, body) })
			b.Keyed = true
			b.Echo = func(secret string) inbox.Fault {
				return inbox.Fault{Medium: inbox.SMS, Code: 403, Text: "you sent auth=" + secret}
			}
			channeltest.Exercise(t, b)
		})
	}
}

// bundle has what all providers have in common.
func bundle(start func(*testing.T) channeltest.Rig) channeltest.Bundle {
	status := func(code int, header ...string) inbox.Fault {
		f := inbox.Fault{Medium: inbox.SMS, Code: code, Text: "<html>the watch tower says so</html>"}
		if len(header) > 0 {
			f.Header = http.Header{"Retry-After": header}
		}
		return f
	}
	return channeltest.Bundle{
		Medium: inbox.SMS,
		Start:  start,
		Temporary: []channeltest.Case{
			{Name: "500", Fault: status(500)},
			{Name: "502", Fault: status(502)},
			{Name: "408", Fault: status(408)},
			{Name: "302 to nowhere", Fault: status(302)},
			{Name: "301 to what answers 200", Fault: inbox.Fault{Medium: inbox.SMS, Code: 301, Header: http.Header{"Location": {"/messages.json"}}}},
			{Name: "dropped", Fault: inbox.Fault{Medium: inbox.SMS, Drop: true}},
		},
		Permanent: []channeltest.Case{
			{Name: "400", Fault: status(400)},
			{Name: "404", Fault: status(404)},
		},
		Delayed: []channeltest.Case{
			{Name: "429", Fault: status(429)},
			{Name: "429 with seconds", Fault: status(429, "17"), After: 17 * time.Second},
			{Name: "429 with nonsense", Fault: status(429, "soon")},
		},
		Stalls: []inbox.Fault{{At: inbox.Accept}, {At: inbox.Reply}},
		Fits:   fits,
	}
}

// fits: up to 1600 UTF-16 units whole, else cut with a mark.
func fits(sent receiver.Message, got inbox.Message) error {
	whole := strings.TrimSpace(sent.Text)
	units := len(utf16.Encode([]rune(got.Text)))
	switch {
	case got.Text == whole:
		return nil
	case units < 1550 || units > 1600:
		return fmt.Errorf("cut to %d units, want nearly 1600", units)
	case strings.HasSuffix(got.Text, "..."):
		return channeltest.CutFrom(whole, got.Text, "...")
	}
	return channeltest.CutFrom(whole, got.Text, "…")
}

func startTwilio(t *testing.T) channeltest.Rig {
	far := channeltest.Start(t, inbox.Options{Twilio: inbox.TwilioOptions{AccountSID: "AC0", AuthToken: token}})
	return build(t, far, fmt.Sprintf(`
channel:
  provider: twilio
  api_url: %q
  account_sid: AC0
  auth_token_file: %q
  from: "+15005550006"
  to: ["+821012345678"]
`, far.URL+"/twilio", secretFile(t)))
}

func startHTTP(t *testing.T, body string) channeltest.Rig {
	far := channeltest.Start(t, inbox.Options{})
	return build(t, far, fmt.Sprintf(`
channel:
  provider: http
  url: %q
  secret_file: %q
  from: "0212345678"
  to: "+821012345678"
  id: id
  success: {json: {status: accepted}}
  %s
`, far.URL+"/sms/", secretFile(t), body))
}

func secretFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func build(t *testing.T, far *channeltest.Far, yaml string) channeltest.Rig {
	t.Helper()
	b, log := channeltest.Build(t, sms.Kind, yaml)
	return channeltest.Rig{Far: far, Built: b, Log: log, Secrets: []string{token}}
}

func TestBadConfigs(t *testing.T) {
	t.Parallel()
	channeltest.BadConfigs(t, sms.Kind)
}

func TestExamples(t *testing.T) {
	t.Parallel()
	channeltest.Examples(t, sms.Kind)
}

func TestReceipt(t *testing.T) {
	t.Parallel()
	r := startTwilio(t)
	receipt, err := r.Built.Channel.Send(t.Context(), receiver.Message{Key: "k", To: "+821012345678", Text: strings.Repeat("글", 71)})
	if err != nil {
		t.Fatal(err)
	}
	got := r.Far.Messages()[0]
	if receipt.ID != got.ID || receipt.Detail != "queued, 2 × UCS-2" || got.Segments != 2 {
		t.Errorf("got %+v, %d segments", receipt, got.Segments)
	}
}

// TestSegmentsAgree compares the count with that of the far side, which was
// written apart from it.
func TestSegmentsAgree(t *testing.T) {
	t.Parallel()
	r := startTwilio(t)
	for _, unit := range []string{"a", "€", "a€", "글", "🔥", "a🔥", "{}", "é", "ê"} {
		for n := 1; n < 330; n += 13 {
			text := strings.Repeat(unit, n)
			if _, err := r.Built.Channel.Send(t.Context(), receiver.Message{Key: "k", To: "+821012345678", Text: text}); err != nil {
				t.Fatal(err)
			}
			all := r.Far.Messages()
			if got, want := sms.Measure(text).Segments, all[len(all)-1].Segments; got != want {
				t.Errorf("%q x %d: got %d segments, the far side counts %d", unit, n, got, want)
			}
		}
	}
}

func TestMaxSegments(t *testing.T) {
	t.Parallel()
	far := channeltest.Start(t, inbox.Options{})
	r := build(t, far, fmt.Sprintf(`
channel: {provider: http, url: %q, method: get, form: {to: "{{.To}}", text: "{{.Text}}"}, to: "+821012345678", max_segments: 1}`, far.URL+"/sms/"))
	for text, want := range map[string]string{
		strings.Repeat("글", 100): strings.Repeat("글", 69) + "…",
		strings.Repeat("a", 200): strings.Repeat("a", 157) + "...",
	} {
		if _, err := r.Built.Channel.Send(t.Context(), receiver.Message{Key: "k", To: "+821012345678", Text: text}); err != nil {
			t.Fatal(err)
		}
		all := far.Messages()
		if got := all[len(all)-1]; got.Text != want || got.Segments != 1 {
			t.Errorf("got %q, %d segments, want %q", got.Text, got.Segments, want)
		}
	}
}

// TestJudgedByBody: providers of Korea refuse with HTTP 200.
func TestJudgedByBody(t *testing.T) {
	t.Parallel()
	answers := map[string]string{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(answers[r.FormValue("receiver")]))
	}))
	t.Cleanup(srv.Close)
	answers["+821000000001"] = `{"result_code": 1, "msgs": [{"id": 77}]}`
	answers["+821000000002"] = `{"result_code": -101, "message": "인증오류입니다."}`
	answers["+821000000003"] = `{"result_code": -999, "message": "잠시 후"}`
	answers["+821000000004"] = `점검 중`
	b, _ := channeltest.Build(t, sms.Kind, fmt.Sprintf(`
channel:
  provider: http
  url: %q
  form: {receiver: "{{ .To }}", msg: "{{ .Text }}"}
  to: ["+821000000001"]
  id: msgs.0.id
  success: {json: {result_code: 1}}
  permanent: {json: {result_code: [-101, -102]}}
`, srv.URL))
	for to, want := range map[string]string{
		"+821000000001": "77 <nil> false",
		"+821000000002": ` http: answer 200: {"result_code": -101, "message": "인증오류입니다."} true`,
		"+821000000003": ` http: answer 200: {"result_code": -999, "message": "잠시 후"} false`,
		"+821000000004": ` http: answer 200: 점검 중 false`,
	} {
		r, err := b.Channel.Send(t.Context(), receiver.Message{Key: "k", To: to, Text: "글"})
		if got := fmt.Sprint(r.ID, " ", err, " ", receiver.IsPermanent(err)); got != want {
			t.Errorf("%s: got %s, want %s", to, got, want)
		}
	}
}
