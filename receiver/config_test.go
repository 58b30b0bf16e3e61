package receiver_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bongsu/bongsu/receiver"
)

func load(t *testing.T, path string) (*receiver.Config, error) {
	t.Helper()
	return receiver.LoadConfig(path, kinds(anyFar), slog.New(slog.DiscardHandler))
}

// TestBadConfigs loads every testdata/config/bad-NAME.yml, whose first line holds
// a part of the error that it must give.
func TestBadConfigs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/config/bad-*.yml")
	if err != nil || len(files) < 20 {
		t.Fatalf("got %d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yml"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			line, _, _ := strings.Cut(string(data), "\n")
			want, ok := strings.CutPrefix(line, "# want: ")
			if !ok {
				t.Fatal("the first line doesn't say what is wanted")
			}
			_, err = load(t, file)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("got:\n%v\nwant in it:\n%s", err, want)
			}
			if n := len(strings.Split(err.Error(), "\n")); n > 1 && !strings.Contains(file, "two-problems") {
				t.Errorf("one mistake gives %d errors:\n%v", n, err)
			}
			if !strings.HasPrefix(err.Error(), filepath.Dir(file)) && !strings.Contains(err.Error(), ".tmpl:") {
				t.Errorf("no file in %q", err)
			}
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := load(t, "testdata/config/bad-two-problems.yml")
	if n := len(strings.Split(text(err), "\n")); n != 2 {
		t.Errorf("got %d lines, want 2:\n%v", n, err)
	}
}

func TestMissingConfig(t *testing.T) {
	t.Parallel()
	if _, err := load(t, "testdata/nowhere.yml"); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}

func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "receiver.yml")
	if err := os.WriteFile(path, []byte(oneChannel), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, path)
	if err != nil {
		t.Fatal(err)
	}
	want := receiver.Retry{MinBackoff: time.Second, MaxBackoff: 5 * time.Minute, Expire: 24 * time.Hour}
	if d := cmp.Diff(want, c.Retry); d != "" {
		t.Errorf("retry (-want +got):\n%s", d)
	}
	if c.DedupWindow != 5*time.Minute || c.Retention != 30*24*time.Hour || c.MaxBodyBytes != 4<<20 {
		t.Errorf("got %s, %s, %d", c.DedupWindow, c.Retention, c.MaxBodyBytes)
	}
	o := c.Outlet("mail")
	if o == nil || o.Kind != "fake" || o.Timeout != 30*time.Second || o.Concurrency != 4 || c.Outlet("phone") != nil {
		t.Errorf("outlets: got %+v", o)
	}
}

// TestExamples loads every testdata/examples/NAME.yml with stand-ins for the real
// kinds, and looks for each in README.md.
func TestExamples(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/examples/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(readme), "```yaml\n"+string(data)+"```\n") {
			t.Errorf("README.md does not show %s as it is", file)
		}
		if strings.HasPrefix(filepath.Base(file), "alertmanager") {
			continue
		}
		if _, err := receiver.LoadConfig(file, standIns(), slog.New(slog.DiscardHandler)); err != nil {
			t.Errorf("%v", err)
		}
	}
}

// standIns take any settings, for what stands in them is the kinds' own matter.
func standIns() receiver.Kinds {
	kind := func(s receiver.Settings) (receiver.Built, error) {
		var any map[string]any
		if err := s.Node.Decode(&any); err != nil {
			return receiver.Built{}, err
		}
		return receiver.Built{Channel: &far{}, To: []string{"x"}}, nil
	}
	return receiver.Kinds{"email": kind, "sms": kind, "slack": kind}
}
