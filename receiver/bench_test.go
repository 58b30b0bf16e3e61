package receiver_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/sqlite"
)

// counting is a channel that takes no time.
type counting struct{ sent atomic.Int64 }

func (c *counting) Send(context.Context, receiver.Message) (receiver.Receipt, error) {
	c.sent.Add(1)
	return receiver.Receipt{}, nil
}

// line is a receiver with one channel over a SQLite file.
func line(b *testing.B, dir string) (*receiver.Receiver, *counting, receiver.Store, http.Handler) {
	b.Helper()
	store, err := sqlite.Open(b.Context(), filepath.Join(dir, "outbox.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(dir, "receiver.yml")
	config := "channels: {mail: {fake: {}}}\nroutes: [{channels: [mail]}]\n"
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		b.Fatal(err)
	}
	c := &counting{}
	kind := func(receiver.Settings) (receiver.Built, error) {
		texts := receiver.Texts{Subject: `{{ template "bongsu.email.subject" . }}`, Text: `{{ template "bongsu.sms.text" . }}`}
		return receiver.Built{Channel: c, To: []string{"a@x"}, Texts: texts, Concurrency: 64}, nil
	}
	r, err := receiver.New(receiver.Options{
		ConfigFile: path, Kinds: receiver.Kinds{"fake": kind}, Store: store,
		Registerer: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler), Worker: "bench",
	})
	if err != nil {
		b.Fatal(err)
	}
	router := mux.NewRouter()
	r.Register(router)
	return r, c, store, router
}

// BenchmarkWebhook posts 4 KB webhooks over loopback HTTP, each answered after it
// is on disk. x_floor is how many were accepted for each 4 KB append and fsync
// that the same disk did in the same run.
func BenchmarkWebhook(b *testing.B) {
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			dir := b.TempDir()
			_, _, store, handler := line(b, dir)
			defer closing(b, store)
			srv := httptest.NewServer(handler)
			defer srv.Close()
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
			defer client.CloseIdleConnections()
			body, floor := bulky(), syncs(b, dir)
			b.ReportAllocs()
			b.ResetTimer()
			together(clients, b.N, func(i int) { accepted(b, client, srv.URL+"/webhook", body(i)) })
			b.StopTimer()
			rate := float64(b.N) / b.Elapsed().Seconds()
			b.ReportMetric(rate, "webhooks/s")
			b.ReportMetric(rate/floor, "x_floor")
		})
	}
}

// BenchmarkDrain works off what waits, rendering included, into a channel that
// takes no time.
func BenchmarkDrain(b *testing.B) {
	r, c, store, handler := line(b, b.TempDir())
	defer closing(b, store)
	body := bulky()
	together(64, b.N, func(i int) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/webhook", bytes.NewReader(body(i))))
	})
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	b.ResetTimer()
	go func() { ended <- r.Run(ctx) }()
	for c.sent.Load() < int64(b.N) {
		time.Sleep(time.Millisecond)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

func closing(b *testing.B, c io.Closer) {
	if err := c.Close(); err != nil {
		b.Error(err)
	}
}

// bulky returns a maker of webhooks of about 4 KB, each of a group of its own,
// which costs the load client next to nothing.
func bulky() func(i int) []byte {
	a := firing("주문지연", "severity", "critical", "instance", "shop:8080")
	a.annotations["description"] = strings.Repeat("결제 대기 중인 주문이 있습니다. ", 75)
	before, after, _ := bytes.Cut(webhookBody("GROUP", first, a), []byte("GROUP"))
	return func(i int) []byte { return slices.Concat(before, strconv.AppendInt(nil, int64(i), 10), after) }
}

func accepted(b *testing.B, client *http.Client, url string, body []byte) {
	resp, err := client.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		b.Error(err)
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b.Errorf("got %s", resp.Status)
	}
}

// together calls do for 0 to n-1, by as many goroutines as there are clients.
func together(clients, n int, do func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	wg.Wait()
}

// syncs is how many 4 KB appends, each with an fsync, the disk does in a second.
func syncs(b *testing.B, dir string) float64 {
	f, err := os.CreateTemp(dir, "floor")
	if err != nil {
		b.Fatal(err)
	}
	defer closing(b, f)
	began, n := time.Now(), 0
	for page := make([]byte, 4096); time.Since(began) < 200*time.Millisecond; n++ {
		if _, err := f.Write(page); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(began).Seconds()
}
