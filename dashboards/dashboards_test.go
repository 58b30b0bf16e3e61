package dashboards_test

import (
	"encoding/json"
	"flag"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/bongsu/bongsu/dashboards"
	"github.com/bongsu/bongsu/internal/strictyaml"
)

var update = flag.Bool("update", false, "rewrite the dashboards from the code")

// TestFilesEqualCode: what people import is what the code builds.
func TestFilesEqualCode(t *testing.T) {
	t.Parallel()
	for file, d := range dashboards.All() {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			want, err := dashboards.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(file, want, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(lines(want), lines(got)); diff != "" {
				t.Errorf("go test ./dashboards -update rewrites it (-code +file):\n%s", diff)
			}
		})
	}
}

func lines(data []byte) []string { return strings.Split(string(data), "\n") }

func TestFilesAreAll(t *testing.T) {
	t.Parallel()
	got, err := fs.Glob(dashboards.Files, "*")
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(maps.Keys(dashboards.All()))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("embedded files (-want +got):\n%s", diff)
	}
}

// TestCheckFiles reads the files as Grafana does, not the code behind them.
func TestCheckFiles(t *testing.T) {
	t.Parallel()
	uids := map[string]bool{}
	for file := range dashboards.All() {
		d := load(t, file)
		if err := dashboards.Check(d); err != nil {
			t.Errorf("%s:\n%v", file, err)
		}
		if uids[d.UID] {
			t.Errorf("%s: uid %q is given twice", file, d.UID)
		}
		uids[d.UID] = true
	}
	if diff := cmp.Diff(map[string]bool{"bongsu-exporter": true, "bongsu-receiver": true}, uids); diff != "" {
		t.Errorf("uids are what people's links point to (-want +got):\n%s", diff)
	}
}

func load(t *testing.T, file string) dashboards.Dashboard {
	t.Helper()
	data, err := dashboards.Files.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	var d dashboards.Dashboard
	if err := dec.Decode(&d); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return d
}

// TestCheckRefuses spoils a good dashboard in one place each.
func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(d *dashboards.Dashboard, p *dashboards.Panel){
		`uid is no short stable name`:        func(d *dashboards.Dashboard, _ *dashboards.Panel) { d.UID = "Ein Name" },
		`no title`:                           func(_ *dashboards.Dashboard, p *dashboards.Panel) { p.Title = "" },
		`no description`:                     func(_ *dashboards.Dashboard, p *dashboards.Panel) { p.Description = "" },
		`no unit`:                            func(_ *dashboards.Dashboard, p *dashboards.Panel) { p.FieldConfig.Defaults.Unit = "" },
		`data source is not the variable`:    func(_ *dashboards.Dashboard, p *dashboards.Panel) { p.Targets[0].Datasource.UID = "P1809F7CD0C75ACF3" },
		`asks nothing`:                       func(_ *dashboards.Dashboard, p *dashboards.Panel) { p.Targets = nil },
		`no legend`:                          func(_ *dashboards.Dashboard, p *dashboards.Panel) { p.Targets[0].LegendFormat = "" },
		`unclosed left parenthesis`:          func(_ *dashboards.Dashboard, p *dashboards.Panel) { p.Targets[0].Expr = "sum(up" },
		`job is fixed to "shop"`:             func(_ *dashboards.Dashboard, p *dashboards.Panel) { p.Targets[0].Expr = `up{job="shop"}` },
		`rate over a fixed range`:            func(_ *dashboards.Dashboard, p *dashboards.Panel) { p.Targets[0].Expr = `rate(up[5m])` },
		`"shop": used, but not defined`:      func(_ *dashboards.Dashboard, p *dashboards.Panel) { p.Targets[0].Expr = `up{job=~"${shop}"}` },
		`stands outside of the 24 columns`:   func(_ *dashboards.Dashboard, p *dashboards.Panel) { p.GridPos.X = 23 },
		`covers`:                             func(_ *dashboards.Dashboard, p *dashboards.Panel) { p.GridPos.H = 9 },
		`is given twice`:                     func(_ *dashboards.Dashboard, p *dashboards.Panel) { p.ID = 1 },
		`variable "job": no label`:           func(d *dashboards.Dashboard, _ *dashboards.Panel) { d.Templating.List[1].Label = "" },
		`variable "extra": no query uses it`: func(d *dashboards.Dashboard, _ *dashboards.Panel) { d.Templating.List[1].Name = "extra" },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			d := dashboards.All()["exporter.json"]
			spoil(&d, d.Panels[1])
			err := dashboards.Check(d)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

// TestQueries: nothing of Grafana is left in them, and PromQL takes them all.
func TestQueries(t *testing.T) {
	t.Parallel()
	p := parser.NewParser(parser.Options{})
	for _, v := range []dashboards.Values{nil, {"job": "봉수", "channel": "전화", "__rate_interval": "10s", "__range": "1m"}} {
		qs := dashboards.Queries(v)
		if len(qs) < 40 {
			t.Errorf("got %d queries, want all of them", len(qs))
		}
		for _, q := range qs {
			if _, err := p.ParseExpr(q.Expr); err != nil || strings.Contains(q.Expr, "$") {
				t.Errorf("%s: %s: %s: %v", q.Dashboard, q.Panel, q.Expr, err)
			}
		}
	}
}

func TestQueriesReplace(t *testing.T) {
	t.Parallel()
	for _, q := range dashboards.Queries(dashboards.Values{"job": "봉수", "__rate_interval": "10s"}) {
		if q.Panel != "Errors of the outbox" {
			continue
		}
		want := `sum by (operation) (increase(bongsu_receiver_storage_errors_total{job=~"봉수"}[10s]))`
		if q.Expr != want || q.Quiet {
			t.Errorf("got %s, quiet %t\nwant %s", q.Expr, q.Quiet, want)
		}
		return
	}
	t.Error("no such panel")
}

// TestRunbookLinks: every link of a panel leads to a heading that there is.
func TestRunbookLinks(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../rules/README.md")
	if err != nil {
		t.Fatal(err)
	}
	headings := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(string(data), -1) {
		headings["https://github.com/bongsu/bongsu/blob/main/rules/README.md#"+strings.ToLower(m[1])] = true
	}
	for file, d := range dashboards.All() {
		for _, p := range d.Panels {
			for _, l := range p.Links {
				if !headings[l.URL] {
					t.Errorf("%s: panel %q: no heading for %s", file, p.Title, l.URL)
				}
			}
		}
	}
}

// TestReadmeExample: the block of README.md is a file, and of the form that
// Grafana's provisioning reads:
// https://grafana.com/docs/grafana/latest/administration/provisioning/#dashboards
func TestReadmeExample(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("testdata/examples/provider.yml")
	if err != nil {
		t.Fatal(err)
	}
	var provisioning struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name    string
			Folder  string
			Type    string
			Options struct{ Path string }
		}
	}
	if _, err := strictyaml.Decode("provider.yml", example, &provisioning); err != nil {
		t.Error(err)
	}
	if p := provisioning.Providers; len(p) != 1 || p[0].Type != "file" || p[0].Options.Path == "" {
		t.Errorf("got %+v, want one provider of files", provisioning)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```yaml\n"+string(example)+"```") {
		t.Error("README.md does not hold testdata/examples/provider.yml as it is")
	}
}
