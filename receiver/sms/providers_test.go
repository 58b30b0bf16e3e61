package sms

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/internal/strictyaml"
	"github.com/bongsu/bongsu/receiver"
)

var update = flag.Bool("update", false, "rewrite the golden requests")

// secretOf is the secret of every provider in these tests.
const secretOf = "hunter2+불꽃/="

// settingsOf is what each provider is given, but for the shared settings and
// the secret.
func settingsOf() map[string]string {
	return map[string]string{
		"vonage":      "{from: +15005550006, api_key: abc, api_secret: SECRET}",
		"messagebird": "{from: Bongsu, access_key: SECRET}",
		"plivo":       "{from: +15005550006, auth_id: MA0, auth_token: SECRET}",
		"sinch":       "{from: +15005550006, region: eu, service_plan_id: p 1, api_token: SECRET}",
		"infobip":     "{from: Bongsu, api_url: https://abc.api.infobip.com, api_key: SECRET}",
		"telnyx":      "{from: +15005550006, messaging_profile_id: mp, api_key: SECRET}",
		"sns":         "{from: Bongsu, region: ap-northeast-2, access_key_id: AKID, secret_access_key: SECRET, max_price: '0.50'}",
		"nhn":         "{from: 02-1234-5678, app_key: appkey7, secret_key: SECRET}",
		"sens":        "{from: '0212345678', service_id: 'ncp:sms:kr:1:bongsu', access_key: AK, secret_key: SECRET}",
		"solapi":      "{from: '0212345678', api_key: NCS, api_secret: SECRET}",
		"aligo":       "{from: 1588-1234, user_id: bongsu, key: SECRET}",
	}
}

// canned is a http.RoundTripper that keeps what was asked and answers what it
// has.
type canned struct {
	status  int
	header  http.Header
	body    string
	request *http.Request
	sent    []byte
}

func (c *canned) RoundTrip(req *http.Request) (*http.Response, error) {
	if c.status == 0 {
		return nil, errors.New("connection refused")
	}
	c.request = req
	c.sent, _ = io.ReadAll(req.Body)
	return &http.Response{
		StatusCode: c.status, Header: c.header, Request: req,
		Body: io.NopCloser(strings.NewReader(c.body)),
	}, nil
}

// channelOf builds a provider whose settings are flow YAML, with a clock and a
// salt that stand still.
func channelOf(t *testing.T, name, settings string, far http.RoundTripper) *Channel {
	t.Helper()
	settings = strings.ReplaceAll(strings.TrimSuffix(settings, "}"), "SECRET", secretOf)
	b, err := loadYAML(fmt.Sprintf("channel: %s, provider: %s, to: [%q]}", settings, name, "+821012345678"))
	if err != nil {
		t.Fatal(err)
	}
	ch := b.Channel.(*Channel)
	ch.client.Transport = far
	return ch
}

func loadYAML(text string) (receiver.Built, error) {
	var file struct {
		Section strictyaml.Node `yaml:"channel"`
	}
	if _, err := strictyaml.Decode("receiver.yml", []byte(text), &file); err != nil {
		return receiver.Built{}, err
	}
	at := time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	return build(receiver.Settings{Name: "test", Node: file.Section, Logger: slog.New(slog.DiscardHandler)}, signing{
		now:  func() time.Time { return at },
		salt: func() string { return "SALTSALTSALTSALT" },
	})
}

func messageOf(text string) receiver.Message {
	return receiver.Message{
		Key: "k-0123456789abcdef", To: "+821012345678", Subject: "[위험:1] 남산 봉수대 연기", Text: text,
		Status: receiver.Firing, Severity: "critical", Attempt: 1,
	}
}

// TestRequests holds each provider's requests to testdata/requests: one of a
// short text, and for Korea one of an LMS.
func TestRequests(t *testing.T) {
	t.Parallel()
	for name, settings := range settingsOf() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			far := &canned{status: 500}
			ch := channelOf(t, name, settings, far)
			golden(t, name, far, ch, "[위험] 남산 봉수대 연기 <db-1> & 불 🔥\nhttps://wiki.example.org/r?a=1&b=2")
			if !ch.provider.korean {
				golden(t, name+"-gsm", far, ch, "[critical] smoke on db-1 €")
				return
			}
			golden(t, name+"-lms", far, ch, strings.Repeat("남산 봉수대에 연기가 보입니다. ", 4))
		})
	}
}

func golden(t *testing.T, name string, far *canned, ch *Channel, text string) {
	t.Helper()
	_, _ = ch.Send(t.Context(), messageOf(text))
	if far.request == nil {
		t.Fatal("nothing was asked")
	}
	got := dump(far)
	file := filepath.Join("testdata", "requests", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// dump is a request as it goes over the line, and a form also in the clear.
func dump(far *canned) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", far.request.Method, far.request.URL)
	for _, k := range slices.Sorted(maps.Keys(far.request.Header)) {
		fmt.Fprintf(&b, "%s: %s\n", k, far.request.Header.Get(k))
	}
	fmt.Fprintf(&b, "\n%s", far.sent)
	if form, err := url.ParseQuery(string(far.sent)); err == nil && !json.Valid(far.sent) {
		b.WriteString("\n")
		for _, k := range slices.Sorted(maps.Keys(form)) {
			fmt.Fprintf(&b, "# %s = %q\n", k, form.Get(k))
		}
	}
	return b.String()
}

// TestProvidersKeepSecrets has every provider repeat what it was sent, and
// prints the channel in every way that a log might.
func TestProvidersKeepSecrets(t *testing.T) {
	t.Parallel()
	for name, settings := range settingsOf() {
		for _, status := range []int{200, 202, 401, 429, 500, 0} {
			far := &canned{status: status, body: `{"message": "no such key: ` + secretOf + " " + url.QueryEscape(secretOf) + ` appkey7"}`}
			ch := channelOf(t, name, settings, far)
			r, err := ch.Send(t.Context(), messageOf("글"))
			if err == nil {
				t.Fatalf("%s: %d: got no error", name, status)
			}
			for _, printed := range []string{err.Error(), fmt.Sprintf("%+v", r), fmt.Sprintf("%v %+v %#v", ch, ch, ch)} {
				for _, s := range []string{secretOf, url.QueryEscape(secretOf), "appkey7"} {
					if strings.Contains(printed, s) && (s != "appkey7" || name == "nhn") {
						t.Errorf("%s: %d: a secret is to be seen in %s", name, status, printed)
					}
				}
			}
		}
	}
}

// TestHalfASecret: what is cut from a long answer is cut after the secret is.
func TestHalfASecret(t *testing.T) {
	t.Parallel()
	for n := 200; n < 260; n++ {
		far := &canned{status: 500, body: strings.Repeat("x", n) + secretOf + strings.Repeat("y", 9000)}
		_, err := channelOf(t, "plivo", settingsOf()["plivo"], far).Send(t.Context(), messageOf("글"))
		if err == nil || strings.Contains(err.Error(), secretOf[:4]) || len([]rune(err.Error())) > 250 {
			t.Fatalf("%d: got %v", n, err)
		}
	}
	quoted, err := json.Marshal(map[string]string{"": "a/b<\"불"})
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{string(quoted), `"a\/b<\"\ubd88"`, `"a/b<\"\ubd88"`} {
		if got := scrubText(said, []secret.Text{secret.New(`a/b<"불`)}); !strings.Contains(got, "<secret>") {
			t.Errorf("%s: got %s", said, got)
		}
	}
}

// TestSecretFileIsReadAnew: a key that is replaced counts from the next SMS on.
func TestSecretFileIsReadAnew(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	far := &canned{status: 500}
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old\n")
	ch := channelOf(t, "telnyx", fmt.Sprintf("{from: +15005550006, api_key_file: %q}", file), far)
	write("new\n")
	_, _ = ch.Send(t.Context(), messageOf("글"))
	if got := far.request.Header.Get("Authorization"); got != "Bearer new" {
		t.Errorf("got %q", got)
	}
}

// TestEveryProviderIsTested keeps the table and these tests together.
func TestEveryProviderIsTested(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range providers() {
		if !bytes.Contains(readme, []byte("`provider: "+name+"`")) {
			t.Errorf("README.md has no `provider: %s`", name)
		}
		if name == "twilio" || name == "http" {
			continue
		}
		if settingsOf()[name] == "" || len(answersOf()[name]) < 5 {
			t.Errorf("%s has no settings or too few answers here", name)
		}
	}
}
