package exporter_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bongsu/bongsu/exporter"
)

// TestBadConfigs loads every bad-NAME.yml. Its first lines say what errors are
// wanted: "# want: " and a part of one, line number included.
func TestBadConfigs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/config/bad-*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		_, err := exporter.LoadConfig(file)
		if err == nil {
			t.Errorf("%s: no error", file)
			continue
		}
		wants := 0
		for line := range strings.Lines(readFile(t, file)) {
			want, ok := strings.CutPrefix(strings.TrimSpace(line), "# want: ")
			if !ok {
				continue
			}
			wants++
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got\n%v\nwant\n%s", file, err, want)
			}
		}
		if got := strings.Count(err.Error(), "\n") + 1; got != wants {
			t.Errorf("%s: %d errors, want %d:\n%v", file, got, wants, err)
		}
	}
}

// TestExamples loads every example, and checks that README.md shows it as it is.
func TestExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/examples/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	readme := readFile(t, "README.md")
	for _, file := range files {
		text := readFile(t, file)
		if strings.HasPrefix(filepath.Base(file), "exporter") {
			if _, err := exporter.LoadConfig(file); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
		if !strings.Contains(readme, "```yaml\n"+text+"```\n") {
			t.Errorf("README.md does not show %s as it is", file)
		}
	}
	if blocks := strings.Count(readme, "```yaml\n"); blocks != len(files) {
		t.Errorf("README.md has %d YAML blocks, %d of them are files", blocks, len(files))
	}
}

// TestReadmeIsComplete looks for every key, reason and metric in README.md.
func TestReadmeIsComplete(t *testing.T) {
	t.Parallel()
	readme := readFile(t, "README.md")
	c, err := exporter.ParseConfig("c.yml", []byte("modules: {m: {http: {}, metrics: [{name: a, value: .}]}}"))
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, m := range c.Catalogue() {
		if m.Name != "a" {
			words = append(words, m.Name)
		}
	}
	for _, r := range exporter.Reasons() {
		words = append(words, string(r))
	}
	for _, w := range words {
		if !strings.Contains(readme, "`"+w) {
			t.Errorf("README.md does not tell of %s", w)
		}
	}
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	c, err := exporter.LoadConfig("testdata/golden/stock.yml")
	if err != nil {
		t.Fatal(err)
	}
	all := c.Catalogue()
	i := slices.IndexFunc(all, func(m exporter.Metric) bool { return m.Name == "shop_price_won" })
	if i < 0 {
		t.Fatalf("shop_price_won is not in %v", all)
	}
	want := exporter.Metric{Name: "shop_price_won", Type: "gauge", Unit: "won", Help: "Price.", Labels: []string{"active", "sku"}}
	if diff := cmp.Diff(want, all[i]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for stem := range strings.FieldsSeq("orders jq values stock") {
		inCatalogue(t, "testdata/golden/"+stem)
	}
}

// inCatalogue checks that a golden exposition has no name or label that the
// catalogue does not have.
func inCatalogue(t *testing.T, stem string) {
	t.Helper()
	c, err := exporter.LoadConfig(stem + ".yml")
	if err != nil {
		t.Fatal(err)
	}
	for series := range parsesBack(t, readFile(t, stem+".prom")) {
		if !slices.ContainsFunc(c.Catalogue(), func(m exporter.Metric) bool { return describes(m, series) }) {
			t.Errorf("%s: %s is not in the catalogue", stem, series)
		}
	}
}

func describes(m exporter.Metric, series string) bool {
	if !strings.Contains(series, `__name__="`+m.Name+`"`) {
		return false
	}
	for _, l := range m.Labels {
		series = strings.Replace(series, l+"=", "", 1)
	}
	return strings.Count(series, `="`) == 1 // but for label values that look like one
}

func TestLoadConfigMissing(t *testing.T) {
	t.Parallel()
	if _, err := exporter.LoadConfig("testdata/nosuch.yml"); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}

func FuzzParseConfig(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		f.Add([]byte(readFile(f, file)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := exporter.ParseConfig("fuzz.yml", data)
		if (c == nil) == (err == nil) {
			t.Errorf("config %v with error %v", c, err)
		}
		if c != nil {
			c.Catalogue()
		}
	})
}
