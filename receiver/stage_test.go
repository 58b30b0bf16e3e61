package receiver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/sqlite"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// far is the far side of one fake channel.
type far struct {
	mu     sync.Mutex
	tried  []receiver.Message
	got    []receiver.Message
	answer func(ctx context.Context, m receiver.Message) (receiver.Receipt, error)
}

func (f *far) Send(ctx context.Context, m receiver.Message) (receiver.Receipt, error) {
	f.mu.Lock()
	f.tried = append(f.tried, m)
	answer := f.answer
	f.mu.Unlock()
	r := receiver.Receipt{ID: "id-" + m.Key, Ref: "ref-" + m.Key}
	if answer != nil {
		var err error
		if r, err = answer(ctx, m); err != nil {
			return receiver.Receipt{}, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, m)
	return r, nil
}

// fails makes the far side answer each attempt with what f gives.
func (f *far) fails(answer func(m receiver.Message) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = func(_ context.Context, m receiver.Message) (receiver.Receipt, error) {
		return receiver.Receipt{ID: "id", Ref: "ref"}, answer(m)
	}
}

func (f *far) works() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = nil
}

func (f *far) messages() []receiver.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]receiver.Message(nil), f.got...)
}

func (f *far) attempts() []receiver.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]receiver.Message(nil), f.tried...)
}

// lines are "recipient: subject" of what has arrived.
func (f *far) lines() []string {
	var ls []string
	for _, m := range f.messages() {
		ls = append(ls, m.To+": "+m.Subject)
	}
	return ls
}

// fakeSettings is the section of a fake channel.
type fakeSettings struct {
	receiver.Common `yaml:",inline"`
	To              []string `yaml:"to"`
	Subject         string   `yaml:"subject"`
	Text            string   `yaml:"text"`
	HTML            string   `yaml:"html"`
	Concurrency     int      `yaml:"concurrency"`
}

// kinds has one kind, "fake", whose channels send to fars.
func kinds(fars func(name string) *far) receiver.Kinds {
	return receiver.Kinds{"fake": func(s receiver.Settings) (receiver.Built, error) {
		f := fakeSettings{Subject: `{{ template "bongsu.email.subject" . }}`, Text: `{{ template "bongsu.email.text" . }}`}
		if err := s.Node.Decode(&f); err != nil {
			return receiver.Built{}, err
		}
		return receiver.Built{
			Channel: fars(s.Name), To: f.To, Common: f.Common, Concurrency: f.Concurrency,
			Texts: receiver.Texts{Subject: f.Subject, Text: f.Text, HTML: f.HTML},
		}, nil
	}}
}

func anyFar(string) *far { return &far{} }

// stage is a receiver over a real SQLite file, with fake channels.
type stage struct {
	t        *testing.T
	dir      string
	store    receiver.Store
	receiver *receiver.Receiver
	router   *mux.Router
	registry *prometheus.Registry
	log      *lockedBuffer
	fars     map[string]*far
	cancel   context.CancelFunc
	ended    chan error
}

// onStage runs play in a bubble of its own, where time passes as fast as
// everything waits. wrap, if given, stands between the receiver and its store.
func onStage(t *testing.T, config string, play func(s *stage), wrap ...func(receiver.Store) receiver.Store) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		store, err := sqlite.Open(context.Background(), filepath.Join(dir, "outbox.db"), sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := &stage{t: t, dir: dir, store: store, fars: map[string]*far{}, log: &lockedBuffer{}}
		for _, w := range wrap {
			s.store = w(s.store)
		}
		s.config(config)
		s.build()
		s.run()
		defer s.close() // after a Fatal too, or the bubble never ends
		play(s)
	})
}

func (s *stage) far(name string) *far {
	if s.fars[name] == nil {
		s.fars[name] = &far{}
	}
	return s.fars[name]
}

func (s *stage) config(text string) {
	if err := os.WriteFile(filepath.Join(s.dir, "receiver.yml"), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) build() {
	s.registry = prometheus.NewPedanticRegistry()
	r, err := receiver.New(receiver.Options{
		ConfigFile: filepath.Join(s.dir, "receiver.yml"),
		Kinds:      kinds(s.far),
		Store:      s.store,
		Registerer: s.registry,
		Logger:     slog.New(slog.NewTextHandler(s.log, nil)),
		Worker:     "test",
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.receiver = r
	s.router = mux.NewRouter()
	r.Register(s.router)
}

func (s *stage) run() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.ended = cancel, make(chan error, 1)
	go func() { s.ended <- s.receiver.Run(ctx) }()
	synctest.Wait()
}

func (s *stage) stop() {
	s.cancel()
	if err := <-s.ended; err != nil {
		s.t.Errorf("run ended with %v", err)
	}
	s.ended <- nil // so that a second stop is harmless
}

func (s *stage) close() {
	s.stop()
	if err := s.store.Close(); err != nil {
		s.t.Errorf("close: %v", err)
	}
}

// pass lets time pass and everything that it wakes settle.
func (s *stage) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (s *stage) request(method, path string, body []byte) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.router.ServeHTTP(w, httptest.NewRequest(method, path, bytes.NewReader(body)))
	synctest.Wait()
	return w
}

// post sends a webhook and wants it accepted.
func (s *stage) post(body []byte) {
	s.t.Helper()
	if w := s.request(http.MethodPost, "/webhook", body); w.Code != http.StatusOK {
		s.t.Errorf("webhook: got %d %s, want 200", w.Code, w.Body)
	}
}

func (s *stage) deliveries() []receiver.Delivery {
	s.t.Helper()
	ds, err := s.store.List(context.Background(), receiver.Filter{Limit: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	return ds
}

// states are "recipient state cause attempts", oldest first.
func (s *stage) states() []string {
	var ls []string
	for _, d := range s.deliveries() {
		ls = append([]string{strings.TrimSpace(fmt.Sprintf("%s %s %d %s", d.Thread.To, d.State, d.Attempt, d.Cause))}, ls...)
	}
	return ls
}

// metric returns the value of a counter or gauge, or the count of a histogram,
// by its name and label values.
func (s *stage) metric(name string, labels ...string) float64 {
	s.t.Helper()
	mfs, err := s.registry.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, mf := range mfs {
		if mf.GetName() != name {
			continue
		}
		for _, m := range mf.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			if strings.Join(values, ",") == strings.Join(labels, ",") {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	s.t.Errorf("no metric %s%v", name, labels)
	return -1
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// alert of a payload. The zero resolved time is a firing one.
type alert struct {
	name            string
	labels          map[string]string
	annotations     map[string]string
	starts, resolve time.Time
}

// at is the time that payloads start from; that of the bubbles is 2000-01-01.
var at = time.Date(1999, 12, 31, 15, 0, 0, 0, time.UTC)

func firing(name string, labels ...string) alert {
	a := alert{name: name, starts: at, labels: map[string]string{"alertname": name}, annotations: map[string]string{}}
	for i := 0; i+1 < len(labels); i += 2 {
		a.labels[labels[i]] = labels[i+1]
	}
	return a
}

func resolved(name string, labels ...string) alert {
	a := firing(name, labels...)
	a.resolve = at.Add(90 * time.Minute)
	return a
}

// webhookBody is a body as Alertmanager 0.34 sends it.
func webhookBody(group, reason string, alerts ...alert) []byte {
	body := map[string]any{
		"receiver": "ops", "version": "4", "groupKey": "{}:{group=\"" + group + "\"}", "status": "resolved",
		"groupLabels": map[string]string{"group": group}, "externalURL": "http://am:9093", "truncatedAlerts": 0,
	}
	if reason != "" {
		body["notification_reason"] = reason
	}
	var list []map[string]any
	for _, a := range alerts {
		m := map[string]any{
			"status": "firing", "labels": a.labels, "annotations": a.annotations, "startsAt": a.starts,
			"endsAt": time.Time{}, "generatorURL": "", "fingerprint": "f-" + a.name,
		}
		if a.resolve.IsZero() {
			body["status"] = "firing"
		} else {
			m["status"], m["endsAt"] = "resolved", a.resolve
		}
		list = append(list, m)
	}
	body["alerts"] = list
	data, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return data
}
