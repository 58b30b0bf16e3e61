package rules_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/bongsu/bongsu/rules"
)

const runbooks = "https://github.com/bongsu/bongsu/blob/main/rules/README.md#"

// shippedRule is what the tests here must know of a rule.
type shippedRule struct {
	File        string            `yaml:"-"`
	Alert       string            `yaml:"alert"`
	Record      string            `yaml:"record"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func shipped(t *testing.T) []shippedRule {
	t.Helper()
	names, err := fs.Glob(rules.Files, "*.yml")
	if err != nil {
		t.Fatal(err)
	}
	var all []shippedRule
	for _, name := range names {
		var f struct {
			Groups []struct{ Rules []shippedRule }
		}
		data, err := rules.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(data, &f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				r.File = name
				all = append(all, r)
			}
		}
	}
	return all
}

func alertNames(t *testing.T) []string {
	var names []string
	for _, r := range shipped(t) {
		names = append(names, r.Alert)
	}
	slices.Sort(names)
	return names
}

func TestFilesAreThere(t *testing.T) {
	t.Parallel()
	got, err := fs.Glob(rules.Files, "*")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"demo.yml", "exporter.yml", "receiver.yml", "watchdog.yml"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("embedded files (-want +got):\n%s", diff)
	}
}

// TestEveryAlertIsComplete: whoever is woken by it gets a sentence, facts, and
// a page that says what to do.
func TestEveryAlertIsComplete(t *testing.T) {
	t.Parallel()
	for _, r := range shipped(t) {
		t.Run(r.Alert, func(t *testing.T) {
			t.Parallel()
			if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
				t.Errorf("severity is %q, want critical, warning or info", r.Labels["severity"])
			}
			if got, want := r.Annotations["runbook_url"], runbooks+strings.ToLower(r.Alert); got != want {
				t.Errorf("runbook_url is %q, want %q", got, want)
			}
			for _, key := range []string{"summary", "description"} {
				if text := r.Annotations[key]; strings.TrimRight(text, ".?") == text || strings.Contains(text, "\n") {
					t.Errorf("%s is %q, want whole sentences on one line", key, text)
				}
			}
			if strings.Contains(r.Expr, `job="`) || strings.Contains(r.Expr, `job=~`) {
				t.Errorf("expr names a job; users name theirs as they like: %s", r.Expr)
			}
		})
	}
}

// TestNamesForOldServers: Prometheus 2 knows no names beyond ASCII.
func TestNamesForOldServers(t *testing.T) {
	t.Parallel()
	for _, r := range shipped(t) {
		for _, names := range []map[string]string{r.Labels, r.Annotations} {
			for name := range names {
				if !model.LegacyValidation.IsValidLabelName(name) {
					t.Errorf("%s: alert %q: name %q is only for Prometheus 3", r.File, r.Alert, name)
				}
			}
		}
	}
}

// TestEveryAlertHasARunbook, and every runbook an alert.
func TestEveryAlertHasARunbook(t *testing.T) {
	t.Parallel()
	readme := string(read(t, "README.md"))
	var headings []string
	for _, m := range regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(readme, -1) {
		headings = append(headings, m[1])
	}
	slices.Sort(headings)
	if diff := cmp.Diff(alertNames(t), headings); diff != "" {
		t.Errorf("alerts without a heading \"### Name\" in README.md (-), headings without an alert (+):\n%s", diff)
	}
	for _, section := range strings.Split(readme, "\n### ")[1:] {
		name, body, _ := strings.Cut(section, "\n")
		for _, part := range []string{"**Means**", "**Matters**", "**Look**", "**Do**"} {
			if slices.Contains(headings, name) && !strings.Contains(body, part) {
				t.Errorf("README.md: %s has no %s", name, part)
			}
		}
	}
}

// unitTest is a group of tests in a promtool file.
type unitTest struct {
	File  string `yaml:"-"`
	Name  string `yaml:"name"`
	Evals []struct {
		Alert  string `yaml:"alertname"`
		Alerts []any  `yaml:"exp_alerts"`
	} `yaml:"alert_rule_test"`
}

func unitTests(t *testing.T) map[string][]unitTest {
	t.Helper()
	byAlert := map[string][]unitTest{}
	for _, path := range glob(t, "tests/*_test.yml") {
		var f struct {
			RuleFiles []string `yaml:"rule_files"`
			Tests     []unitTest
		}
		if err := yaml.Unmarshal(read(t, path), &f); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		want := "../" + strings.TrimSuffix(filepath.Base(path), "_test.yml") + ".yml"
		if !slices.Equal(f.RuleFiles, []string{want}) {
			t.Errorf("%s: rule_files are %q, want %q", path, f.RuleFiles, want)
		}
		for _, u := range f.Tests {
			u.File = path
			alert, _, _ := strings.Cut(u.Name, " ")
			byAlert[alert] = append(byAlert[alert], u)
		}
	}
	return byAlert
}

// TestEveryAlertHasUnitTests: one where it fires, one where it stays quiet, one
// that says what happens without data; and no test of an alert that is gone.
func TestEveryAlertHasUnitTests(t *testing.T) {
	t.Parallel()
	tests := unitTests(t)
	names := alertNames(t)
	for name, us := range tests {
		if !slices.Contains(names, name) {
			t.Errorf("%s: %q tests no alert that there is", us[0].File, us[0].Name)
		}
	}
	for _, name := range names {
		kinds := []string{"fires", "stays quiet", "without data"}
		if name == "Watchdog" {
			kinds = []string{"fires", "without data"} // it is never quiet
		}
		for _, kind := range kinds {
			if !has(t, tests[name], name+" "+kind, kind) {
				t.Errorf("no unit test is named %q", name+" "+kind)
			}
		}
	}
}

// has finds a unit test by the beginning of its name, and looks whether it
// tests what its name says.
func has(t *testing.T, us []unitTest, prefix, kind string) bool {
	found := false
	for _, u := range us {
		if !strings.HasPrefix(u.Name, prefix) {
			continue
		}
		found = true
		fires := 0
		alert, _, _ := strings.Cut(u.Name, " ")
		for _, e := range u.Evals {
			if e.Alert != alert {
				t.Errorf("%s: %q tests %q", u.File, u.Name, e.Alert)
			}
			fires += len(e.Alerts)
		}
		if len(u.Evals) == 0 || kind == "fires" && fires == 0 || kind == "stays quiet" && fires > 0 {
			t.Errorf("%s: %q does not test what it says", u.File, u.Name)
		}
	}
	return found
}

// TestReadmeExamples: the blocks of README.md are files, which stock tools take.
func TestReadmeExamples(t *testing.T) {
	t.Parallel()
	readme := string(read(t, "README.md"))
	paths := glob(t, "testdata/examples/*.yml")
	for _, path := range paths {
		if !strings.Contains(readme, "```yaml\n"+string(read(t, path))+"```") {
			t.Errorf("README.md does not hold %s as it is", path)
		}
	}
	if blocks := strings.Count(readme, "```yaml\n"); blocks != len(paths) {
		t.Errorf("README.md has %d yaml blocks, testdata/examples %d files", blocks, len(paths))
	}
}

// TestReadmeLinks: links within the page lead to a heading.
func TestReadmeLinks(t *testing.T) {
	t.Parallel()
	readme := string(read(t, "README.md"))
	headings := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(readme, -1) {
		headings[strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")] = true
	}
	for _, m := range regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(readme, -1) {
		if !headings[m[1]] {
			t.Errorf("README.md: no heading for #%s", m[1])
		}
	}
}
