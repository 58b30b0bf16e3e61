package rules_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bongsu/bongsu/internal/strictyaml"
	"github.com/bongsu/bongsu/rules"
)

func TestCheckBad(t *testing.T) {
	t.Parallel()
	for _, path := range glob(t, "testdata/bad-*.yml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			data := read(t, path)
			first, _, _ := strings.Cut(string(data), "\n")
			want, ok := strings.CutPrefix(first, "# want: ")
			if !ok {
				t.Fatalf("%s: first line is %q, want # want: LINE: TEXT", path, first)
			}
			err := rules.Check(path, data)
			if err == nil {
				t.Fatalf("no error, want %s", want)
			}
			if got := err.Error(); !strings.HasPrefix(got, path+":"+want) {
				t.Errorf("got  %s\nwant %s:%s", got, path, want)
			}
		})
	}
}

func TestCheckTellsEverything(t *testing.T) {
	t.Parallel()
	err := rules.Check("shop.yml", []byte(`groups:
  - name: shop
    rules:
      - {alert: A, expr: sum(, labels: {"": x, team: "{{"}}
      - {record: a, expr: up, for: 1m}
`))
	var errs strictyaml.Errors
	if !errors.As(err, &errs) {
		t.Fatalf("got %v, want strictyaml.Errors", err)
	}
	if len(errs) < 4 {
		t.Errorf("got %d problems, want at least 4:\n%v", len(errs), err)
	}
}

func TestCheckGood(t *testing.T) {
	t.Parallel()
	paths := append(glob(t, "testdata/good-*.yml"), glob(t, "*.yml")...)
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			if err := rules.Check(path, read(t, path)); err != nil {
				t.Error(err)
			}
		})
	}
}

// FuzzCheck: no file, however broken, makes Check panic.
func FuzzCheck(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		_ = rules.Check("fuzz.yml", data)
	})
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatalf("no file matches %s", pattern)
	}
	return paths
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
