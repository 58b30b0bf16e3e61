package receiver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

// sick is a store whose operations fail while it is told so.
type sick struct {
	receiver.Store
	put, quarantine, settle, claim, stats atomic.Bool
}

var errDisk = errors.New("disk /secret/path is full")

func (s *sick) Put(ctx context.Context, n *receiver.Notification, rs []receiver.Routed) ([]receiver.Verdict, error) {
	if s.put.Load() {
		return nil, errDisk
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.Store.Put(ctx, n, rs)
}

func (s *sick) Quarantine(ctx context.Context, q receiver.Quarantined) error {
	if s.quarantine.Load() {
		return errDisk
	}
	return s.Store.Quarantine(ctx, q)
}

func (s *sick) Settle(ctx context.Context, x receiver.Settlement) error {
	if s.settle.Load() {
		return errDisk
	}
	return s.Store.Settle(ctx, x)
}

func (s *sick) Claim(ctx context.Context, c receiver.Claim) ([]receiver.Job, error) {
	if s.claim.Load() {
		return nil, errDisk
	}
	return s.Store.Claim(ctx, c)
}

func (s *sick) Stats(ctx context.Context, now time.Time) (receiver.Stats, error) {
	if s.stats.Load() {
		return receiver.Stats{}, errDisk
	}
	return s.Store.Stats(ctx, now)
}

// withSick puts a sick store on the stage.
func withSick(t *testing.T, config string, play func(s *stage, store *sick)) {
	t.Helper()
	store := &sick{}
	onStage(t, config, func(s *stage) { play(s, store) }, func(inner receiver.Store) receiver.Store {
		store.Store = inner
		return store
	})
}

func TestStoreFailureIs503(t *testing.T) {
	t.Parallel()
	withSick(t, oneChannel, func(s *stage, store *sick) {
		store.put.Store(true)
		store.quarantine.Store(true)
		large := bytes.Repeat([]byte("x"), 5<<20)
		for name, body := range map[string][]byte{"put": webhookBody("g", first, firing("A")), "quarantine": []byte("hello"), "cut": large} {
			w := s.request(http.MethodPost, "/webhook", body)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
				t.Errorf("%s: got %d, Retry-After %q, want 503 with it", name, w.Code, w.Header().Get("Retry-After"))
			}
			if strings.Contains(w.Body.String(), "/secret/path") {
				t.Errorf("%s: the answer tells of the inside: %s", name, w.Body)
			}
		}
		store.put.Store(false)
		s.post(webhookBody("g", first, firing("A")))
		s.pass(time.Second)
		if n := len(s.far("mail").messages()); n != 2 {
			t.Errorf("after it is mended: %d messages, want 2", n)
		}
		if n := s.metric("bongsu_receiver_webhooks_total", "unavailable"); n != 3 {
			t.Errorf("unavailable: got %v, want 3", n)
		}
	})
}

func TestOutcomeIsHeldWhileStoreFails(t *testing.T) {
	t.Parallel()
	withSick(t, strings.Replace(oneChannel, ", b@x", "", 1), func(s *stage, store *sick) {
		store.settle.Store(true)
		s.post(webhookBody("g", first, firing("A")))
		// Much longer than the lease: nothing is claimed meanwhile, so nothing is
		// sent twice.
		s.pass(10 * time.Minute)
		s.post(webhookBody("h", first, firing("B")))
		s.pass(time.Minute)
		if n := len(s.far("mail").attempts()); n != 1 {
			t.Errorf("%d attempts while outcomes are not recorded, want 1", n)
		}
		store.settle.Store(false)
		s.pass(time.Minute)
		diff(t, "deliveries", []string{"a@x delivered 1", "a@x delivered 1"}, s.states())
	})
}

func TestClaimFailureIsRetried(t *testing.T) {
	t.Parallel()
	withSick(t, oneChannel, func(s *stage, store *sick) {
		store.claim.Store(true)
		s.post(webhookBody("g", first, firing("A")))
		s.pass(time.Minute)
		store.claim.Store(false)
		s.pass(6 * time.Second)
		diff(t, "deliveries", []string{"a@x delivered 1", "b@x delivered 1"}, s.states())
	})
}

func TestHungUpCallerDoesNotEndTheCommit(t *testing.T) {
	t.Parallel()
	withSick(t, oneChannel, func(s *stage, _ *sick) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		w := httptest.NewRecorder()
		body := bytes.NewReader(webhookBody("g", first, firing("A")))
		s.router.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/webhook", body).WithContext(ctx))
		synctest.Wait()
		if w.Code != http.StatusOK || len(s.deliveries()) != 2 {
			t.Errorf("got %d and %d deliveries, want 200 and 2", w.Code, len(s.deliveries()))
		}
	})
}

func TestWebhookAnswers(t *testing.T) {
	t.Parallel()
	cut := webhookBody("g", first, firing("A"))
	cut = cut[:len(cut)/2]
	onStage(t, "max_body_bytes: 2048\n"+oneChannel, func(s *stage) {
		for _, tt := range []struct {
			name, method, path string
			body               []byte
			code               int
			want               string
		}{
			{"accepted", "POST", "/webhook", webhookBody("g", first, firing("A")), 200, `{"status":"accepted","deliveries":2,"duplicates":0}`},
			{"the same again", "POST", "/webhook", webhookBody("g", first, firing("A")), 200, `{"status":"accepted","deliveries":0,"duplicates":2}`},
			{"for another receiver by path", "POST", "/webhook/당직/1", webhookBody("g", first, firing("A")), 200, `{"status":"accepted","deliveries":2,"duplicates":0}`},
			{"no JSON", "POST", "/webhook", []byte("안녕"), 202, `"status":"quarantined"`},
			{"cut JSON", "POST", "/webhook/x", cut, 202, `"status":"quarantined"`},
			{"not Alertmanager's", "POST", "/webhook", []byte(`{"text":"hi"}`), 202, `no alerts in it`},
			{"empty", "POST", "/webhook", nil, 202, `"status":"quarantined"`},
			{"too large", "POST", "/webhook", bytes.Repeat([]byte("가"), 1000), 413, `larger than max_body_bytes, 2048`},
			{"get", "GET", "/webhook", nil, 405, `send a POST`},
			{"put", "PUT", "/webhook/x", nil, 405, `send a POST`},
		} {
			w := s.request(tt.method, tt.path, tt.body)
			if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("%s: got %d %s, want %d %s", tt.name, w.Code, w.Body, tt.code, tt.want)
			}
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s: the answer is no JSON: %s", tt.name, w.Body)
			}
		}
		qs, err := s.store.Quarantined(context.Background(), 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(qs) != 5 || !qs[0].Truncated || qs[4].Truncated || string(qs[4].Raw) != "안녕" || qs[3].Receiver != "x" {
			t.Errorf("quarantine: got %+v", qs)
		}
		if n := s.metric("bongsu_receiver_quarantined_bodies"); n != 5 {
			t.Errorf("quarantined_bodies: got %v, want 5", n)
		}
		if ds := s.deliveries(); ds[0].Thread.Receiver != "당직/1" || ds[len(ds)-1].Thread.Receiver != "ops" {
			t.Errorf("receivers: got %q and %q", ds[0].Thread.Receiver, ds[len(ds)-1].Thread.Receiver)
		}
	})
}

func TestBrokenOffBodyIs503(t *testing.T) {
	t.Parallel()
	onStage(t, oneChannel, func(s *stage) {
		w := httptest.NewRecorder()
		body := io.MultiReader(strings.NewReader(`{"alerts":[`), failing{})
		s.router.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/webhook", body))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("got %d, want 503", w.Code)
		}
	})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset") }
