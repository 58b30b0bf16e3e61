package receiver_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

// page gets a page and wants each of the texts in it.
func (s *stage) page(path string, code int, wants ...string) string {
	s.t.Helper()
	w := s.request(http.MethodGet, path, nil)
	if w.Code != code {
		s.t.Errorf("%s: got %d, want %d: %s", path, w.Code, code, w.Body)
	}
	for _, want := range wants {
		if !strings.Contains(w.Body.String(), want) {
			s.t.Errorf("%s: no %q in\n%s", path, want, w.Body)
		}
	}
	return w.Body.String()
}

func TestStatusPages(t *testing.T) {
	t.Parallel()
	onStage(t, strings.Replace(oneChannel, "timezone: UTC", "timezone: Asia/Seoul", 1), func(s *stage) {
		s.page("/", 200, "No deliveries", "mail", "fake")
		s.far("mail").fails(func(m receiver.Message) error {
			if m.To == "a@x" {
				return receiver.Permanent(errors.New("550 <b>없는 주소</b>"))
			}
			return nil
		})
		s.post(webhookBody("<script>g</script>", first, firing("주문지연", "severity", "critical")))
		s.request(http.MethodPost, "/webhook/<i>", []byte(`<script>alert("안녕")</script>`))
		s.pass(time.Second)

		list := s.page("/", 200, "a@x", "b@x", "dead: permanent", "550 &lt;b&gt;없는 주소&lt;/b&gt;", "1 in quarantine", "2000-01-01 09:00:00 KST")
		s.page("/?state=dead", 200, "a@x")
		if strings.Contains(s.page("/?state=delivered&channel=mail", 200, "b@x"), "a@x") {
			t.Error("the state filter lets a dead one through")
		}
		s.page("/?channel=phone", 200, "No deliveries like these")
		s.page("/?state=lost", 400, `state "lost": expected pending, delivered or dead`)
		s.page("/?before=x", 400, "before: expected the id of a delivery")
		dead := s.deliveries()[1]
		show := s.page(fmt.Sprintf("/deliveries/%d", dead.ID), 200,
			"주문지연", dead.Key, "550 &lt;b&gt;없는 주소&lt;/b&gt;", "&lt;script&gt;g&lt;/script&gt;", "<pre>{\n", "dead")
		quarantine := s.page("/quarantine", 200, "&lt;script&gt;alert(&#34;안녕&#34;)&lt;/script&gt;", "not an Alertmanager webhook", "192.0.2.1")
		for name, page := range map[string]string{"list": list, "show": show, "quarantine": quarantine} {
			if strings.Contains(page, "<script") {
				t.Errorf("a script got into the %s page", name)
			}
		}
		s.page("/deliveries/999", 404, "no such delivery")
		s.page("/deliveries/99999999999999999999", 404, "no such delivery")
		s.page("/assets/status.css", 200, "prefers-color-scheme")
		w := s.request(http.MethodGet, "/", nil)
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("policy: got %q", csp)
		}
	})
}

func TestAPI(t *testing.T) {
	t.Parallel()
	onStage(t, oneChannel, func(s *stage) {
		for i := range 3 {
			s.post(webhookBody(fmt.Sprint(i), first, firing("경보")))
		}
		s.pass(time.Second)
		type list struct {
			Deliveries []map[string]any
			Next       string
		}
		seen := map[any]bool{}
		query := "limit=4"
		for pages := 1; query != ""; pages++ {
			var l list
			s.decode("/api/v1/deliveries?"+query, &l)
			for _, d := range l.Deliveries {
				if seen[d["id"]] || d["state"] != "delivered" || d["createdAt"] != "2000-01-01T00:00:00Z" || d["leaseUntil"] != nil {
					t.Errorf("page %d: got %v", pages, d)
				}
				seen[d["id"]] = true
			}
			query = l.Next
		}
		if len(seen) != 6 {
			t.Errorf("got %d deliveries by pages, want 6", len(seen))
		}
		var one struct {
			To      string
			Receipt map[string]string
			History struct {
				Attempts     []map[string]any
				Notification struct {
					Alerts []struct{ Labels map[string]string }
				}
			}
		}
		s.decode("/api/v1/deliveries/1", &one)
		if one.Receipt["id"] == "" || len(one.History.Attempts) != 1 || one.History.Notification.Alerts[0].Labels["alertname"] != "경보" {
			t.Errorf("got %+v", one)
		}
		s.page("/api/v1/deliveries/99", 404, `{"error":"no such delivery"}`)
		s.page("/api/v1/deliveries?limit=0", 400, `{"error":"limit: expected a number from 1 to 500"}`)
		s.page("/api/v1/quarantine", 200, `{"quarantined":[]}`)
		s.page("/api/v1/stats", 200, `{"pending":{"mail":0},"dead":{"mail":0},"oldestPendingSeconds":{"mail":0},"quarantined":0}`)
	})
}

func (s *stage) decode(path string, v any) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.page(path, 200)), v); err != nil {
		s.t.Errorf("%s: %v", path, err)
	}
}

func TestPagesWhileStoreFails(t *testing.T) {
	t.Parallel()
	withSick(t, oneChannel, func(s *stage, store *sick) {
		store.stats.Store(true)
		for _, path := range []string{"/", "/api/v1/stats"} {
			if body := s.page(path, 503, "outbox does not answer"); strings.Contains(body, "/secret/path") {
				t.Errorf("%s tells of the inside: %s", path, body)
			}
		}
		if err := s.receiver.Ready(); err == nil {
			t.Error("ready although the outbox fails")
		}
		if n := s.metric("bongsu_receiver_storage_up"); n != 0 {
			t.Errorf("storage_up: got %v, want 0", n)
		}
	})
}
