package channeltest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bongsu/bongsu/receiver"
)

// Examples loads every testdata/examples/*.yml, whose files of secrets lie
// beside it, and wants README.md to show each, letter for letter.
func Examples(t *testing.T, kind receiver.Kind) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range list(t, "testdata/examples/*.yml") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Load(kind, path, data, filepath.Dir(path), nil); err != nil {
			t.Errorf("%v", err)
		}
		if !strings.Contains(string(readme), "```yaml\n"+string(data)+"```") {
			t.Errorf("README.md does not show %s as it is", path)
		}
	}
}

// BadConfigs loads every testdata/config/bad-*.yml and wants the error that
// its first line tells: "# want: TEXT", where a \n stands between several.
func BadConfigs(t *testing.T, kind receiver.Kind) {
	t.Helper()
	for _, path := range list(t, "testdata/config/bad-*.yml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(data), "\n")
			want, ok := strings.CutPrefix(first, "# want: ")
			if !ok {
				t.Fatalf("%s does not begin with # want:", path)
			}
			_, err = Load(kind, filepath.Base(path), data, filepath.Dir(path), nil)
			if err == nil {
				err = errors.New("no error")
			}
			if got := strings.ReplaceAll(err.Error(), "\n", `\n`); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func list(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
	}
	return paths
}
