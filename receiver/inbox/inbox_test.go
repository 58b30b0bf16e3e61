package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bongsu/bongsu/receiver/inbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start serves the HTTP side of a new inbox.
func start(t *testing.T, o inbox.Options) (*inbox.Inbox, string) {
	t.Helper()
	in, err := inbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(in.Handler())
	t.Cleanup(func() {
		in.Close()
		srv.CloseClientConnections()
		srv.Close()
	})
	return in, srv.URL
}

func do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, strings.TrimSpace(string(b))
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func post(t *testing.T, url, contentType, body string, change ...func(*http.Request)) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	for _, c := range change {
		c(req)
	}
	return do(t, req)
}

func postSMS(t *testing.T, base, text string) (int, string) {
	t.Helper()
	return post(t, base+"/sms/", "application/x-www-form-urlencoded", url.Values{"to": {"+821012345678"}, "text": {text}}.Encode())
}

func TestWait(t *testing.T) {
	t.Parallel()
	in, base := start(t, inbox.Options{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ms, err := in.Wait(t.Context(), inbox.AtLeast(2, inbox.SMS))
		if err != nil || len(ms) != 2 {
			t.Errorf("got %d messages, %v", len(ms), err)
		}
	})
	postSMS(t, base, "하나")
	postSMS(t, base, "둘")
	wg.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ms, err := in.Wait(ctx, inbox.AtLeast(3, "")); !errors.Is(err, context.Canceled) || len(ms) != 2 {
		t.Errorf("got %d messages, %v", len(ms), err)
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	in, base := start(t, inbox.Options{Limit: 3})
	for i := range 5 {
		postSMS(t, base, fmt.Sprint("글 ", i))
	}
	ms := in.Messages()
	if len(ms) != 3 || ms[0].Text != "글 2" || ms[2].N != 5 {
		t.Errorf("got %+v", ms)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	in, base := start(t, inbox.Options{})
	in.Fail(inbox.Fault{Medium: inbox.SMS, Times: 2, Code: 503, Text: "<html>"})
	in.Fail(inbox.Fault{Medium: inbox.SMS, To: "+19999999999", Times: -1, Code: 400})
	in.Fail(inbox.Fault{Medium: inbox.SMS, At: inbox.Reply, Drop: true})
	var got []int
	for range 5 {
		code, _ := postSMS(t, base, "글")
		got = append(got, code)
	}
	if fmt.Sprint(got) != "[503 503 0 200 200]" {
		t.Errorf("got %v", got)
	}
	if n := len(in.Messages()); n != 3 {
		t.Errorf("got %d messages, want 3: the cut one is kept", n)
	}
	in.Fail(inbox.Fault{Medium: inbox.SMS, Times: -1, Code: 500})
	in.Heal()
	if code, _ := postSMS(t, base, "글"); code != 200 {
		t.Errorf("healed: got %d", code)
	}
}

func TestStallEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*inbox.Inbox, func()){
		"heal":  func(_ *inbox.Inbox, heal func()) { heal() },
		"close": func(in *inbox.Inbox, _ func()) { in.Close() },
	} {
		in, base := start(t, inbox.Options{})
		heal := in.Fail(inbox.Fault{Medium: inbox.SMS, At: inbox.Reply, Stall: true})
		var wg sync.WaitGroup
		wg.Go(func() {
			if code, _ := postSMS(t, base, "글"); code != 0 {
				t.Errorf("%s: got an answer %d from a stalled server", name, code)
			}
		})
		if _, err := in.Wait(t.Context(), inbox.AtLeast(1, "")); err != nil {
			t.Error(err)
		}
		end(in, heal)
		wg.Wait()
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	in, base := start(t, inbox.Options{Now: func() time.Time { now = now.Add(time.Second); return now }})
	if _, body := get(t, base+"/"); !strings.Contains(body, "Nothing yet") {
		t.Errorf("an empty inbox shows %.300s", body)
	}
	_, answer := slackPost(t, base, "chat.postMessage", `{"channel":"#봉수대","text":"연기 <script>alert(1)</script>"}`)
	postSMS(t, base, "남산에 연기 🔥")
	ts := in.Messages()[0].ID
	if code, body := slackPost(t, base, "chat.update", fmt.Sprintf(`{"channel":%q,"ts":%q,"text":"꺼짐"}`, inbox.SlackChannelID("봉수대"), ts)); !strings.Contains(body, `"ok":true`) {
		t.Fatalf("%d %s (after %s)", code, body, answer)
	}
	code, body := get(t, base+"/")
	if code != 200 {
		t.Fatalf("got %d %s", code, body)
	}
	inOrder(t, body, `http-equiv="refresh"`, "꺼짐", "연기 &lt;script&gt;", "남산에 연기 🔥")
	if strings.Contains(body, "<script>") {
		t.Error("the page runs what was sent to it")
	}
	if _, body := get(t, base+"/?medium=sms"); strings.Contains(body, "꺼짐") || !strings.Contains(body, "남산") {
		t.Errorf("?medium=sms shows %s", body)
	}
	code, body = get(t, base+"/message/1")
	inOrder(t, body, "edited", "꺼짐", "연기 &lt;script&gt;", ts)
	if code != 200 || strings.Contains(body, "refresh") {
		t.Errorf("one message: got %d %s", code, body)
	}
	if code, _ := get(t, base+"/message/99"); code != 404 {
		t.Errorf("a message that is not: got %d", code)
	}
	if _, body := get(t, base+"/messages.json"); !strings.Contains(body, `"text":"남산에 연기 🔥"`) {
		t.Errorf("as data: %s", body)
	}
}

func inOrder(t *testing.T, body string, wants ...string) {
	t.Helper()
	rest := body
	for _, want := range wants {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			t.Errorf("%q is missing, or not in its place, in %s", want, body)
			return
		}
		rest = after
	}
}
