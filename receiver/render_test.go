package receiver_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/bongsu/bongsu/receiver"
)

// builtinTexts are all that is built in, by the name of the golden files' parts.
func builtinTexts() []struct{ name, text string } {
	var all []struct{ name, text string }
	for _, name := range []string{"email.subject", "email.text", "email.html", "sms.text", "slack.title", "slack.text"} {
		all = append(all, struct{ name, text string }{name, `{{ template "bongsu.` + name + `" . }}`})
	}
	return all
}

func seoul(t testing.TB) *time.Location {
	t.Helper()
	return time.FixedZone("KST", 9*60*60)
}

// jobOf makes a delivery of all the alerts of a body, or of those named.
func jobOf(t testing.TB, body []byte, fingerprints ...string) receiver.Job {
	t.Helper()
	p, err := receiver.ParsePayload(body)
	if err != nil {
		t.Fatal(err)
	}
	j := receiver.Job{Notification: receiver.Notification{Receiver: p.Receiver, Raw: body}}
	j.Key, j.Thread.To, j.Attempt = "key-1", "oncall@example.org", 1
	for _, a := range p.Alerts {
		if len(fingerprints) == 0 || strings.Contains(strings.Join(fingerprints, " "), a.Fingerprint) {
			j.Alerts = append(j.Alerts, receiver.AlertState{Fingerprint: a.Fingerprint, Status: receiver.Status(a.Status), StartsAt: a.StartsAt})
		}
	}
	return j
}

// changed decodes body, changes it and encodes it again.
func changed(t testing.TB, body []byte, change func(map[string]any)) []byte {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	change(m)
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// goldenJobs are the situations that every built-in text is shown in.
func goldenJobs(t testing.TB) map[string]receiver.Job {
	t.Helper()
	all := payloads(t)
	two := all["alertmanager-0.34.2-firing"]
	reminder := jobOf(t, two)
	reminder.Reminder = true
	mixed := func(name string, starts time.Duration) alert {
		a := firing(name, "severity", "warning", "instance", name+":9100", "team", "<결제 & 정산>")
		a.starts = at.Add(starts)
		a.annotations["summary"] = name + " <b>is slow</b> & late"
		return a
	}
	over := mixed("E", 0)
	over.resolve = at.Add(26*time.Hour + 3*time.Minute)
	return map[string]receiver.Job{
		"firing-one":   jobOf(t, two, "5e4a9d4f3c2b1a09"),
		"firing-two":   jobOf(t, two),
		"reminder":     reminder,
		"resolved":     jobOf(t, all["alertmanager-0.25.0-resolved"]),
		"many":         jobOf(t, webhookBody("g", first, mixed("A", 0), mixed("B", time.Minute), mixed("C", time.Hour), mixed("D", 0), over)),
		"truncated":    jobOf(t, changed(t, two, func(m map[string]any) { m["truncatedAlerts"] = 7 })),
		"bare-minimum": jobOf(t, []byte(`{"alerts":[{"status":"firing","labels":{"x":"y"},"startsAt":"2026-11-22T00:00:00Z"}]}`)),
	}
}

func TestBuiltinTexts(t *testing.T) {
	t.Parallel()
	for _, locale := range []string{"en", "ko"} {
		for name, job := range goldenJobs(t) {
			t.Run(locale+"/"+name, func(t *testing.T) {
				t.Parallel()
				var b strings.Builder
				for _, text := range builtinTexts() {
					body := render(t, locale, text.name, text.text, job)
					fmt.Fprintf(&b, "=== %s\n%s\n", text.name, body)
				}
				golden(t, filepath.Join("testdata/render", locale+"-"+name+".txt"), b.String())
			})
		}
	}
}

func render(t testing.TB, locale, name, text string, job receiver.Job) string {
	t.Helper()
	texts := receiver.Texts{Text: text}
	if strings.HasSuffix(name, "html") {
		texts = receiver.Texts{HTML: text}
	}
	r, err := receiver.NewRenderer(receiver.Wording{Locale: locale, Zone: seoul(t)}, texts)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Render(job)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return m.Text + m.HTML
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// An English SMS must not cost double because of one letter of ours.
func TestEnglishSMSIsASCII(t *testing.T) {
	t.Parallel()
	a := firing("DiskFull", "severity", "critical", "instance", "db:9100")
	for _, job := range []receiver.Job{
		jobOf(t, webhookBody("g", first, a)),
		jobOf(t, webhookBody("g", first, a, firing("B"), firing("C"), firing("D"), firing("E"))),
		jobOf(t, changed(t, webhookBody("g", first, resolved("DiskFull")), func(m map[string]any) { m["truncatedAlerts"] = 2 })),
	} {
		for _, r := range render(t, "en", "sms.text", `{{ template "bongsu.sms.text" . }}`, job) {
			if r >= utf8.RuneSelf {
				t.Errorf("%q is not ASCII", r)
			}
		}
	}
}

func TestMessageOfSubset(t *testing.T) {
	t.Parallel()
	body := webhookBody("g", first, firing("A", "severity", "critical", "dc", "1"), resolved("B", "severity", "warning", "dc", "1"))
	r := renderer(t, receiver.Texts{Subject: "{{ .Status }}\n{{ .CommonLabels }}", Text: "{{ range .Alerts }}{{ .Labels.alertname }}{{ end }}"})
	job := jobOf(t, body, "f-B")
	job.ThreadRef = "ref"
	got, err := r.Render(job)
	if err != nil {
		t.Fatal(err)
	}
	want := receiver.Message{
		Key: "key-1", To: "oncall@example.org", Attempt: 1, ThreadRef: "ref", Status: receiver.Resolved, Severity: "warning",
		Subject: "resolved alertname=B, dc=1, severity=warning", Text: "B",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	whole, err := r.Render(jobOf(t, body))
	if err != nil {
		t.Fatal(err)
	}
	if whole.Subject != "firing dc=1" || whole.Severity != "" || whole.Status != receiver.Firing {
		t.Errorf("whole: got %+v", whole)
	}
}

func renderer(t testing.TB, texts receiver.Texts, files ...string) *receiver.Renderer {
	t.Helper()
	r, err := receiver.NewRenderer(receiver.Wording{Locale: "ko", Zone: seoul(t), Files: files}, texts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOwnTemplates(t *testing.T) {
	t.Parallel()
	body := changed(t, payloads(t)["alertmanager-0.34.2-firing"], func(m map[string]any) { m["routeLabels"] = map[string]string{"팀": "{{ 결제 }}"} })
	r := renderer(t, receiver.Texts{
		Subject: `{{ template "own.subject" . }}`,
		Text:    `{{ template "bongsu.sms.text" . }}`,
		HTML:    `<p>{{ routeLabels "팀" }} {{ template "__alertmanager" . }}</p>`,
	}, "testdata/templates/own.tmpl")
	for range 2 { // a template with routeLabels is bound anew for each message
		m, err := r.Render(jobOf(t, body))
		if err != nil {
			t.Fatal(err)
		}
		if m.Subject != "FIRING ShopOrdersStuck {{ 결제 }}" || m.Text != "우리 문구: ShopOrdersStuck" || m.HTML != "<p>{{ 결제 }} Alertmanager</p>" {
			t.Errorf("got %+v", m)
		}
	}
}

func TestFailingTemplateIsPlainText(t *testing.T) {
	t.Parallel()
	job := jobOf(t, payloads(t)["alertmanager-0.34.2-firing"])
	for name, texts := range map[string]receiver.Texts{
		"text":    {Subject: "fine", Text: `{{ (index .Alerts 99).Status }}`},
		"html":    {Subject: "fine", Text: "fine", HTML: `{{ .NoSuchField }}`},
		"subject": {Subject: `{{ reReplaceAll "(" "" "x" }}`, Text: "fine"},
		"endless": {Text: `{{ define "x" }}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{{ template "x" . }}{{ end }}{{ template "x" . }}`},
		"empty":   {Text: `{{ if false }}x{{ end }}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := renderer(t, texts).Render(job)
			if err == nil {
				t.Fatal("no error")
			}
			if m.HTML != "" || !utf8.ValidString(m.Text) {
				t.Errorf("got %+v", m)
			}
			for _, want := range []string{"주문이 밀리고 있습니다", "shop-2:8080", "2026-11-22 18:46 KST", "템플릿 오류로"} {
				if !strings.Contains(m.Text, want) {
					t.Errorf("no %q in:\n%s", want, m.Text)
				}
			}
			if m.Subject != "[발생:2] ShopOrdersStuck" {
				t.Errorf("subject: got %q", m.Subject)
			}
		})
	}
}

func TestUnreadableNotificationIsSentAnyway(t *testing.T) {
	t.Parallel()
	job := jobOf(t, webhookBody("g", first, firing("A")))
	job.Notification.Raw = []byte("rotten")
	m, err := renderer(t, receiver.Texts{Text: "x"}).Render(job)
	if err == nil || m.Subject != "[발생:1] ops" || m.Text == "" {
		t.Errorf("got %+v, %v", m, err)
	}
}

// The built-in HTML shows what anybody wrote into a label, and runs none of it.
func TestHTMLIsEscaped(t *testing.T) {
	t.Parallel()
	a := firing("<script>alert(1)</script>", "severity", `"><img src=x>`)
	a.annotations["runbook_url"] = "javascript:alert(1)"
	html := render(t, "en", "email.html", `{{ template "bongsu.email.html" . }}`, jobOf(t, webhookBody("g", first, a)))
	for _, bad := range []string{"<script>", "<img", `href="javascript:`} {
		if strings.Contains(html, bad) {
			t.Errorf("%s in the mail", bad)
		}
	}
}

func ExampleRenderer() {
	r, err := receiver.NewRenderer(receiver.Wording{Locale: "ko"}, receiver.Texts{
		Subject: `{{ template "bongsu.email.subject" . }}`,
		Text:    `{{ range .Alerts.Firing }}{{ .Labels.instance }}{{ end }}`,
	})
	if err != nil {
		panic(err)
	}
	body := []byte(`{"alerts": [{"status": "firing", "fingerprint": "1",
		"labels": {"alertname": "디스크부족", "instance": "db-1", "severity": "critical"}}]}`)
	m, err := r.Render(receiver.Job{
		Delivery:     receiver.Delivery{Alerts: []receiver.AlertState{{Fingerprint: "1", Status: receiver.Firing}}},
		Notification: receiver.Notification{Raw: body},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Subject)
	fmt.Println(m.Text)
	// Output:
	// [발생] 심각 디스크부족
	// db-1
}

func BenchmarkRender(b *testing.B) {
	r := renderer(b, receiver.Texts{
		Subject: `{{ template "bongsu.email.subject" . }}`,
		Text:    `{{ template "bongsu.email.text" . }}`,
		HTML:    `{{ template "bongsu.email.html" . }}`,
	})
	job := jobOf(b, payloads(b)["alertmanager-0.34.2-firing"])
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Render(job); err != nil {
			b.Fatal(err)
		}
	}
}
