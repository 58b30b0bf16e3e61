package secret_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/bongsu/bongsu/internal/secret"
)

const value = "hunter2-비밀"

type holder struct {
	Public secret.Text `yaml:"public" json:"public"`
	hidden secret.Text
	Nested *struct{ T secret.Text }
}

func TestTextIsNeverPrinted(t *testing.T) {
	t.Parallel()
	s := secret.New(value)
	h := holder{Public: s, hidden: s, Nested: &struct{ T secret.Text }{s}}
	var out bytes.Buffer
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%p"} {
		fmt.Fprintf(&out, format+"\n", s)
		fmt.Fprintf(&out, format+"\n", h)
		fmt.Fprintf(&out, format+"\n", &h)
		fmt.Fprintf(&out, format+"\n", []any{h, map[string]holder{"a": h}})
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "s", s, "h", h)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "s", s, "h", h)
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
		b, err := marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	for _, bad := range []string{value, fmt.Sprintf("%x", value), "hunter2"} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("shown:\n%s", out.String())
		}
	}
	if s.Reveal() != value || s.IsZero() || !(secret.Text{}).IsZero() || (secret.Text{}).Reveal() != "" {
		t.Error("the value is lost")
	}
}

func TestTextFromYAML(t *testing.T) {
	t.Parallel()
	var h holder
	if err := yaml.Unmarshal([]byte("public: "+value), &h); err != nil {
		t.Fatal(err)
	}
	if h.Public.Reveal() != value {
		t.Error("not read")
	}
	err := yaml.Unmarshal([]byte("public: ["+value+"]"), &h)
	if err == nil || strings.Contains(err.Error(), value) {
		t.Errorf("want an error without the value, got %v", err)
	}
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	write := func(s string) {
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(" " + value + "\n")
	if got, err := secret.ReadFile(path); err != nil || got != value {
		t.Errorf("%q, %v", got, err)
	}
	write("\n")
	if _, err := secret.ReadFile(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("an empty file: %v", err)
	}
	if _, err := secret.ReadFile(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestRedactError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://u:"+url.QueryEscape(value)+"@127.0.0.1:1/hook/"+url.PathEscape(value)+"?token=hunter2", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err == nil {
		_ = res.Body.Close()
		t.Fatal("no error")
	}
	got := secret.RedactError(err)
	if strings.Contains(got.Error(), "hunter2") || !strings.Contains(got.Error(), "http://127.0.0.1:1/…") {
		t.Error(got)
	}
	if !errors.Is(got, context.Canceled) {
		t.Error("the cause is lost")
	}
	if plain := errors.New("x"); !errors.Is(secret.RedactError(plain), plain) {
		t.Error("another error was changed")
	}
}
