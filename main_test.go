package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bongsu/bongsu/deploy"
)

// TestMain lets scripts call bongsu as the program that it is.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bongsu": main})
}

// TestScripts runs the stories of testdata/script: the whole program, as a user
// at a shell meets it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"PORT", "PORT2"} {
				port, err := freePort()
				if err != nil {
					return err
				}
				env.Setenv(name, port)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"http": httpCmd},
	})
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// httpCmd is `http METHOD URL STATUS [BODYFILE]`: it asks until somebody answers,
// wants that status, and prints the body.
func httpCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: http METHOD URL STATUS [BODYFILE]")
	}
	var body string
	if len(args) > 3 {
		body = ts.ReadFile(args[3])
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		status, text, err := ask(args[0], args[1], body)
		if err == nil && fmt.Sprint(status) == args[2] {
			_, _ = io.WriteString(ts.Stdout(), text)
			return
		}
		if time.Now().After(deadline) || err == nil && status != 503 {
			ts.Fatalf("%s %s: %d %v, want %s: %s", args[0], args[1], status, err, args[2], text)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func ask(method, url, body string) (status int, text string, err error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// The files that users are given load as they are.
func TestShippedFilesLoad(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := deploy.Check(&out, "deploy/starter", "rules/exporter.yml", "rules/receiver.yml", "rules/watchdog.yml", "rules/demo.yml"); err != nil {
		t.Error(err)
	}
	if n := strings.Count(out.String(), ": ok ("); n != 8 {
		t.Errorf("%d files are ok, want 8:\n%s", n, out.String())
	}
}

// Every YAML block of the READMEs is a file of testdata/readme, and loads.
func TestReadmeBlocksAreFiles(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := deploy.Check(&out, "testdata/readme"); err != nil {
		t.Error(err)
	}
	files, err := filepath.Glob("testdata/readme/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	var texts []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	for _, readme := range []string{"README.md", "README.ko.md"} {
		text, err := os.ReadFile(readme)
		if err != nil {
			t.Fatal(err)
		}
		blocks := strings.Split(string(text), "```yaml\n")[1:]
		if len(blocks) != len(texts) {
			t.Errorf("%s has %d blocks, want one for each of %v", readme, len(blocks), files)
		}
		for _, block := range blocks {
			if block, _, _ = strings.Cut(block, "```"); !slices.Contains(texts, block) {
				t.Errorf("%s: no file in testdata/readme equals\n%s", readme, block)
			}
		}
	}
}

// rule says what a package may import beside the standard library.
type rule struct {
	may    []string // prefixes
	reason string
}

const (
	ours  = "github.com/bongsu/bongsu"
	prom  = "github.com/prometheus/"
	inner = ours + "/internal/"
)

func importRules() map[string]rule {
	return map[string]rule{
		"internal/strictyaml": {[]string{"go.yaml.in/yaml/v3"}, "the one place that knows a YAML library"},
		"internal/secret":     {nil, "a leaf: everything may hold a secret"},
		"internal/web":        {[]string{prom + "client_golang", prom + "common", prom + "exporter-toolkit", "github.com/gorilla/mux"}, "a listener's manners"},
		"exporter": {
			[]string{prom + "client_golang", prom + "common", "github.com/itchyny/gojq", inner},
			"main names the SQL drivers; jq is the one expression language",
		},
		"receiver": {
			[]string{
				prom + "client_golang", prom + "common", "github.com/gorilla/mux", prom + "alertmanager/template",
				prom + "alertmanager/pkg/labels", prom + "alertmanager/matcher", inner,
			},
			"the nouns know neither an outbox engine nor a far side",
		},
		"receiver/sqlite": {
			[]string{ours + "/receiver$", "modernc.org/sqlite", "github.com/klauspost/compress/zstd", "golang.org/x/sys/unix", prom + "client_golang"},
			"one engine: its driver, the compression of payloads, the file lock, its own metrics",
		},
		"receiver/postgres": {
			[]string{ours + "/receiver$", "github.com/jackc/pgx/v5", "github.com/klauspost/compress/zstd", prom + "client_golang"},
			"one engine: its driver, the compression of payloads, its own metrics",
		},
		"receiver/email": {
			[]string{ours + "/receiver$", "github.com/wneessen/go-mail", prom + "common", inner, "golang.org/x/net", "golang.org/x/text"},
			"one client library",
		},
		"receiver/sms":         {[]string{ours + "/receiver$", prom + "common", inner, "golang.org/x/text"}, "SDKs of SMS providers retry by themselves"},
		"receiver/slack":       {[]string{ours + "/receiver$", "github.com/slack-go/slack", prom + "common", inner}, "one client library"},
		"receiver/inbox":       {[]string{"github.com/emersion/go-smtp", "github.com/emersion/go-sasl"}, "the far side knows nothing of us"},
		"receiver/outboxtest":  {[]string{ours + "/receiver$", "github.com/google/go-cmp"}, "what every engine is held to names no engine"},
		"receiver/channeltest": {[]string{ours + "/receiver", inner, "go.uber.org/goleak", "github.com/google/go-cmp"}, "what every channel is held to"},
		"rules":                {[]string{prom + "prometheus/promql/parser", prom + "common", inner}, "rule files are data; only PromQL's parser is needed to read them"},
		"dashboards":           {[]string{prom + "prometheus/promql/parser", prom + "common", ours + "/rules"}, "dashboards are data"},
		"deploy": {
			[]string{
				ours + "/exporter", ours + "/receiver", ours + "/rules", inner, prom + "client_golang", prom + "common",
				prom + "exporter-toolkit", prom + "alertmanager/matcher", "go.yaml.in/yaml/v3",
				"modernc.org/sqlite", "github.com/jackc/pgx/v5/stdlib", "github.com/go-sql-driver/mysql",
			},
			"puts the parts together, and so knows all of them",
		},
		"deploy/e2e": {[]string{ours}, "stories on the built program"},
		"": {
			[]string{ours + "/deploy$", prom + "common", prom + "exporter-toolkit", "github.com/alecthomas/kingpin/v2"},
			"flags and signals",
		},
	}
}

// TestImports holds the house's rules of who may import whom.
func TestImports(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	rules := importRules()
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		room := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, ours), "/")
		r, ok := rules[room]
		if !ok {
			t.Errorf("%q has no import rule: give it one with its reason, or make it a file of a room that has one", room)
			continue
		}
		for _, imp := range p.Imports {
			if !allowed(imp, r.may) {
				t.Errorf("%s must not import %s: %s", p.ImportPath, imp, r.reason)
			}
		}
	}
}

// allowed reports whether an import is of the standard library or has one of the
// prefixes; one that ends in $ is the whole path.
func allowed(imp string, may []string) bool {
	first, _, _ := strings.Cut(imp, "/")
	if !strings.Contains(first, ".") {
		return true
	}
	return slices.ContainsFunc(may, func(m string) bool {
		if whole, ok := strings.CutSuffix(m, "$"); ok {
			return imp == whole
		}
		return strings.HasPrefix(imp, m)
	})
}

// TestTopLevel keeps the house's front door as it is.
func TestTopLevel(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "git", "ls-files").Output()
	if err != nil {
		t.Skip("not a git checkout")
	}
	want := []string{
		".ci", ".gitignore", ".golangci.yml", "CHANGELOG.md", "DESIGN.md", "LICENSE", "Makefile", "README.ko.md", "README.md",
		"dashboards", "deploy", "exporter", "go.mod", "go.sum", "internal", "main.go", "main_test.go", "receiver", "rules", "testdata",
	}
	for file := range strings.Lines(string(out)) {
		top, _, _ := strings.Cut(strings.TrimSpace(file), "/")
		if !slices.Contains(want, top) {
			t.Errorf("%s does not belong to the top level, which is fixed: %s", top, strings.Join(want, " "))
		}
	}
	if _, err := os.Stat("go.work"); err == nil {
		t.Error("a go.work would lift the versions that the core is built with")
	}
}
