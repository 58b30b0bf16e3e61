package rules_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// serverTool finds one of Prometheus's own tools: where the variable says, on
// PATH, or among the servers that `make servers` unpacks.
func serverTool(t *testing.T, name, variable string) string {
	t.Helper()
	if path := os.Getenv(variable); path != "" {
		return path
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{os.Getenv("BONGSU_SERVERS"), "../.cache/debian"} {
		path, err := filepath.Abs(filepath.Join(dir, "usr", "bin", name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); dir != "" && err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: make servers brings it", name)
	}
	t.Skipf("%s is missing: make servers brings it, or set %s", name, variable)
	return ""
}

func promtool(t *testing.T) string { return serverTool(t, "promtool", "BONGSU_PROMTOOL") }

func amtool(t *testing.T) string { return serverTool(t, "amtool", "BONGSU_AMTOOL") }

// TestTools runs stock tools over what is shipped, as any user can.
func TestTools(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tool func(*testing.T) string
		args []string
	}{
		"check rules":      {promtool, append([]string{"check", "rules"}, glob(t, "*.yml")...)},
		"test rules":       {promtool, append([]string{"test", "rules"}, glob(t, "tests/*_test.yml")...)},
		"prometheus.yml":   {promtool, []string{"check", "config", "--syntax-only", "testdata/examples/prometheus.yml"}},
		"alertmanager.yml": {amtool, []string{"check-config", "testdata/examples/alertmanager.yml"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tool := tc.tool(t)
			if out, err := exec.CommandContext(t.Context(), tool, tc.args...).CombinedOutput(); err != nil {
				t.Errorf("%s %q: %v\n%s", tool, tc.args, err, out)
			}
		})
	}
}

// TestCheckRefusesNoMoreThanPromtool: a file that Prometheus would load and run
// must pass.
func TestCheckRefusesNoMoreThanPromtool(t *testing.T) {
	t.Parallel()
	stricter := map[string]bool{
		"testdata/bad-expr-range.yml":    true, // loads, but every evaluation fails
		"testdata/bad-expr-text.yml":     true, // likewise
		"testdata/bad-two-documents.yml": true, // loads, but the second is ignored
	}
	paths := slices.DeleteFunc(glob(t, "testdata/bad-*.yml"), func(path string) bool { return stricter[path] })
	tool := promtool(t)
	out, err := exec.CommandContext(t.Context(), tool, append([]string{"check", "rules"}, paths...)...).CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		t.Fatalf("promtool: got %v, want a refusal\n%s", err, out)
	}
	for _, path := range paths {
		if !strings.Contains(string(out), "\n"+path+": ") {
			t.Errorf("promtool takes %s, which Check refuses", path)
		}
	}
}
