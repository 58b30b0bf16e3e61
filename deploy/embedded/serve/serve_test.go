package serve_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bongsu/bongsu/deploy/embedded/serve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeCertificate(t, dir)
	web := filepath.Join(dir, "web.yml")
	if err := os.WriteFile(web, []byte("tls_server_config: {cert_file: cert.pem, key_file: key.pem}"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, serve.Options{WebConfigFile: web})
	if !strings.HasPrefix(s.URL(), "https://127.0.0.1:") {
		t.Fatalf("URL: got %s, want https", s.URL())
	}
	s.Start(echo("봉수"))
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // the certificate was made a moment ago
	defer transport.CloseIdleConnections()
	if got := get(t, transport, s.URL()); got != "봉수" {
		t.Errorf("got %q", got)
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	m := serve.NewMemory()
	inner := &http.Server{Handler: echo("안쪽"), ReadHeaderTimeout: time.Second}
	ended := make(chan error, 1)
	go func() { ended <- inner.Serve(m) }()
	s := newServer(t, serve.Options{})
	s.Start(m.Proxy())
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for range 3 {
		if got := get(t, transport, s.URL()+"/a%2Fb?c=d"); got != "안쪽" {
			t.Errorf("got %q", got)
		}
	}
	if err := inner.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("the inner server ended with %v", err)
	}
	if got := get(t, transport, s.URL()); !strings.Contains(got, "not serving") {
		t.Errorf("after the inner server's end: got %q", got)
	}
	_ = m.Close()
}

func TestExternalURL(t *testing.T) {
	t.Parallel()
	s := newServer(t, serve.Options{})
	for given, want := range map[string]string{
		"":                            s.URL(),
		"https://bongsu.example.org/": "https://bongsu.example.org",
		"http://h:1/p":                "http://h:1/p",
	} {
		if got, err := s.ExternalURL(given); err != nil || got.String() != want {
			t.Errorf("ExternalURL(%q) = %v, %v, want %s", given, got, err, want)
		}
	}
	for _, given := range []string{"h:1", "ftp://h", "http://", "봉수"} {
		if got, err := s.ExternalURL(given); err == nil {
			t.Errorf("ExternalURL(%q) = %v, want an error", given, got)
		}
	}
}

// TestStopWithoutStart sees that the port is free again.
func TestStopWithoutStart(t *testing.T) {
	t.Parallel()
	s := newServer(t, serve.Options{})
	s.Stop()
	l, err := net.Listen("tcp", strings.TrimPrefix(s.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}

func TestBadWebConfig(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(file, []byte("tls: {}"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := serve.New(serve.Options{Address: "127.0.0.1:0", WebConfigFile: file, Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

func newServer(t *testing.T, o serve.Options) *serve.Server {
	t.Helper()
	o.Address, o.Logger = "127.0.0.1:0", slog.New(slog.DiscardHandler)
	s, err := serve.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func echo(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func get(t *testing.T, transport *http.Transport, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// writeCertificate puts a self-signed cert.pem and its key.pem into dir.
func writeCertificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
