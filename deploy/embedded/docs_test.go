package main_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/bongsu/bongsu/deploy/embedded/prom"
)

// TestREADME sees that the YAML block of README.md is the example file, and that the server takes it.
func TestREADME(t *testing.T) {
	t.Parallel()
	const example = "testdata/examples/prometheus.yml"
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(readme), "```yaml\n")
	if got, _, _ := strings.Cut(after, "```"); got != string(want) {
		t.Errorf("the YAML block of README.md differs from %s", example)
	}
	s, err := prom.New(prom.Options{ConfigFile: example, DataDir: t.TempDir(), Address: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}
