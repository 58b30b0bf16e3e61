package receiver_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bongsu/bongsu/receiver"
)

// The files of testdata/payload have the form that the Alertmanager in their names
// sends, with the labels of the demo shop.
func payloads(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/payload/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no payloads: %v", err)
	}
	all := map[string][]byte{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(f), ".json")] = data
	}
	return all
}

func TestParsePayload(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, err string }{
		{"least", `{"alerts":[{"status":"firing","labels":{"a":"b"}}]}`, ""},
		{"unknown version and fields", `{"version":"9","x":[1],"alerts":[{"status":"resolved","labels":{"a":"b"},"y":{}}]}`, ""},
		{"not JSON", `hello`, "not an Alertmanager webhook: invalid character 'h'"},
		{"null", `null`, "no alerts in it"},
		{"list", `[]`, "cannot unmarshal array"},
		{"no alerts", `{"alerts":[]}`, "no alerts in it"},
		{"no labels", `{"alerts":[{"status":"firing"}]}`, "alert 0: no labels"},
		{"no status", `{"alerts":[{"labels":{"a":"b"}}]}`, `alert 0: status "" is neither firing nor resolved`},
		{"number as label", `{"alerts":[{"status":"firing","labels":{"a":1}}]}`, "cannot unmarshal number"},
		{"two documents", `{"alerts":[]}{}`, "invalid character '{' after top-level value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := receiver.ParsePayload([]byte(tt.body))
			if got := text(err); (tt.err == "") != (err == nil) || !strings.Contains(got, tt.err) {
				t.Errorf("got %q, want %q", got, tt.err)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestParsePayloadOfRealAlertmanagers(t *testing.T) {
	t.Parallel()
	for name, body := range payloads(t) {
		p, err := receiver.ParsePayload(body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.GroupKey == "" || p.Alerts[0].Fingerprint == "" || p.Alerts[0].StartsAt.IsZero() {
			t.Errorf("%s: got %+v", name, p)
		}
	}
}

func TestParsePayloadFillsIn(t *testing.T) {
	t.Parallel()
	p, err := receiver.ParsePayload([]byte(`{
		"receiver": "team\\.서울\\+1", "groupLabels": {"b": "2", "a": "1"},
		"alerts": [
			{"status": "firing", "labels": {"alertname": "A"}},
			{"status": "firing", "labels": {"alertname": "B"}, "fingerprint": "b"},
			{"status": "resolved", "labels": {"alertname": "B"}, "fingerprint": "b"}
		]}`))
	if err != nil {
		t.Fatal(err)
	}
	if p.Receiver != "team.서울+1" {
		t.Errorf("receiver: got %q: Alertmanager quotes it as for a regular expression", p.Receiver)
	}
	if p.GroupKey != "{}:{a=1, b=2}" {
		t.Errorf("group key: got %q", p.GroupKey)
	}
	if len(p.Alerts) != 2 || len(p.Alerts[0].Fingerprint) != 16 || p.Alerts[1].Status != "resolved" {
		t.Errorf("alerts: got %+v", p.Alerts)
	}
}

func FuzzParsePayload(f *testing.F) {
	for _, body := range payloads(f) {
		f.Add(body)
	}
	f.Add([]byte(`{"alerts":[{"status":"firing","labels":{"이름":"값"},"startsAt":"x"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := receiver.ParsePayload(body)
		if err != nil {
			if !utf8.ValidString(err.Error()) && utf8.Valid(body) {
				t.Errorf("error is not UTF-8: %q", err)
			}
			return
		}
		if len(p.Alerts) == 0 {
			t.Fatal("accepted without alerts")
		}
		seen := map[string]bool{}
		for _, a := range p.Alerts {
			if a.Fingerprint == "" || len(a.Labels) == 0 || seen[a.Fingerprint] {
				t.Fatalf("accepted %+v", a)
			}
			seen[a.Fingerprint] = true
		}
	})
}
