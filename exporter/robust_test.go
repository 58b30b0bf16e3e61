package exporter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeSource answers as it is told.
type fakeSource struct {
	fetch  func(ctx context.Context) (*Answer, error)
	closed chan struct{}
}

func (s *fakeSource) Fetch(ctx context.Context, _ Query) (*Answer, error) { return s.fetch(ctx) }

func (s *fakeSource) Close() error {
	close(s.closed)
	return nil
}

// withSource returns an exporter whose module "m" has the fake source.
func withSource(t *testing.T, fetch func(ctx context.Context) (*Answer, error)) (*Exporter, *fakeSource) {
	t.Helper()
	e, err := New(Options{Load: func() (*Config, error) {
		return ParseConfig("t.yml", []byte(`modules: {m: {http: {url: "http://127.0.0.1:1"}, metrics: [{name: a, value: .}]}}`))
	}})
	if err != nil {
		t.Fatal(err)
	}
	src := &fakeSource{fetch, make(chan struct{})}
	e.sources["m"].Source = src
	return e, src
}

func TestPanicIsAFailure(t *testing.T) {
	t.Parallel()
	e, _ := withSource(t, func(context.Context) (*Answer, error) { panic("봉화") })
	r, err := e.Run(t.Context(), "m", Target{})
	if err != nil || r.Success() || r.Failures()[0].Reason != ReasonInternal {
		t.Errorf("got %+v, %v", r, err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

func TestForeignErrorIsInternal(t *testing.T) {
	t.Parallel()
	e, _ := withSource(t, func(context.Context) (*Answer, error) { return nil, errors.New("odd") })
	r, err := e.Run(t.Context(), "m", Target{})
	if err != nil || r.Failures()[0].Reason != ReasonInternal {
		t.Errorf("got %+v, %v", r, err)
	}
}

// TestStubbornSource never ends with its context: the probe does, and the
// source is closed when it lets go.
func TestStubbornSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		e, src := withSource(t, func(context.Context) (*Answer, error) {
			<-let
			return nil, errors.New("late")
		})
		start := time.Now()
		r, err := e.Run(t.Context(), "m", Target{})
		if err != nil || r.Failures()[0].Reason != ReasonTimeout {
			t.Errorf("got %+v, %v", r, err)
		}
		if took := time.Since(start); took != DefaultTimeout+grace {
			t.Errorf("took %v", took)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		select {
		case <-src.closed:
			t.Error("closed while in use")
		default:
		}
		close(let)
		<-src.closed
	})
}

// TestDecodingEndsWithDeadline decodes with a context that is over.
func TestDecodingEndsWithDeadline(t *testing.T) {
	t.Parallel()
	c, err := ParseConfig("t.yml", []byte(`modules: {m: {http: {}, metrics: [{name: a, rows: ".[]", labels: {i: .}, value: .}, {name: b, rows: "range(1e9)", value: .}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	docs := &documents{}
	doc := docs.get()
	doc.data = append(doc.data, "["+strings.Repeat("1,", 5000)+"1]"...)
	var out outcome
	m := c.Modules["m"]
	m.questions[0].decode(ctx, "m", &Answer{doc: doc, pool: docs, read: readJSON}, &out)
	if !out.failed || !out.knows(StageDecode, ReasonTimeout) {
		t.Errorf("got %+v", out)
	}
	if n := len(out.batches[0].ends); n == 0 || n > 2000 {
		t.Errorf("%d rows were read", n)
	}
}

// TestManyProbesAndReloads runs probes while the config changes under them.
func TestManyProbesAndReloads(t *testing.T) {
	t.Parallel()
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"orders":[{"state":"결제","count":1},{"state":"배송","count":2}]}`))
	}))
	defer far.Close()
	var mu sync.Mutex
	n := 0
	e, err := New(Options{Load: func() (*Config, error) {
		mu.Lock()
		defer mu.Unlock()
		n++
		return ParseConfig("t.yml", fmt.Appendf(nil, `modules: {m: {http: {url: %q, headers: {X-N: "%d"}}, metrics: [{name: a, rows: ".orders[]", labels: {s: .state}, value: .count}]}}`, far.URL, n/3))
	}})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				r, err := e.Run(t.Context(), "m", Target{})
				if err != nil || !r.Success() || len(r.batches[0].ends) != 2 {
					t.Errorf("got %+v, %v", r, err)
				}
			}
		})
	}
	for range 30 {
		if err := e.Reload(); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}
