package deploy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/bongsu/bongsu/exporter"
	"github.com/bongsu/bongsu/rules"
)

// Check loads every file that paths name, and below a folder every *.yml and
// *.yaml that is ours or one of those that ours stand beside. It writes one
// line for each file to w, and returns all problems as file:line: what is
// wrong, what was expected.
func Check(w io.Writer, paths ...string) error {
	var errs []error
	for _, path := range paths {
		files, err := filesBelow(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, file := range files {
			errs = append(errs, checkFile(w, file, file == path))
		}
	}
	return errors.Join(errs...)
}

// filesBelow lists the YAML files to look at. The data folder of `bongsu up` and
// hidden ones hold nothing that a person wrote.
func filesBelow(root string) ([]string, error) {
	info, err := os.Stat(root)
	if err != nil || !info.IsDir() {
		return []string{root}, err
	}
	var files []string
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && path != root && (name == "data" || strings.HasPrefix(name, ".")):
			return fs.SkipDir
		case !d.IsDir() && (strings.HasSuffix(name, ".yml") || strings.HasSuffix(name, ".yaml")):
			files = append(files, path)
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: no *.yml below it, expected at least one to check", root)
	}
	return files, err
}

func checkFile(w io.Writer, path string, named bool) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	switch kind, check := recognise(data); {
	case check != nil:
		notes, err := check(path, data)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s: ok (%s)\n", path, kind)
		for _, note := range notes {
			fmt.Fprintln(w, note)
		}
	case kind != "":
		fmt.Fprintf(w, "%s: not checked here: %s\n", path, kind)
	case named:
		return fmt.Errorf("%s:1: %w", path, errNotOurs)
	default:
		fmt.Fprintf(w, "%s: not checked here\n", path)
	}
	return nil
}

// checker loads one kind of file. The notes are about what works and may surprise.
type checker func(path string, data []byte) (notes []string, err error)

// silent is a checker without notes.
func silent(check func(path string, data []byte) error) checker {
	return func(path string, data []byte) ([]string, error) { return nil, check(path, data) }
}

// recognise tells the kind of a file by its top-level keys, and what checks it:
// nothing for kinds that other programs check.
func recognise(data []byte) (kind string, check checker) {
	keys := topLevelKeys(data)
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(keys, n) })
	}
	switch {
	case has("modules", "target", "jobs", "collectors", "collector_files"):
		return "exporter", checkExporter
	case has("channels", "routes", "locale", "dedup_window"):
		return "receiver", silent(checkReceiver)
	case has("groups"):
		return "rules", silent(rules.Check)
	case has("route", "receivers", "inhibit_rules"):
		return "alertmanager", silent(CheckAlertmanager)
	case has("scrape_configs", "rule_files", "alerting"):
		return "a prometheus.yml, use promtool check config", nil
	}
	return "", nil
}

// topLevelKeys reads the keys alone. A file whose YAML is broken is recognised by
// the lines that look like keys, so that the right loader can say what is wrong.
func topLevelKeys(data []byte) []string {
	var top map[string]yaml.Node
	if yaml.Unmarshal(data, &top) == nil {
		return sortedKeys(top)
	}
	var keys []string
	for line := range strings.Lines(string(data)) {
		if key, _, ok := strings.Cut(line, ":"); ok && !strings.ContainsAny(key, " \t#-") {
			keys = append(keys, key)
		}
	}
	return keys
}

// checkExporter notes what a json_exporter's file relies on without saying so.
func checkExporter(path string, _ []byte) (notes []string, err error) {
	c, err := exporter.LoadConfig(path)
	if err != nil {
		return nil, err
	}
	for _, q := range c.Quirks() {
		notes = append(notes, q.String())
	}
	return notes, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
