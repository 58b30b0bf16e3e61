package stack

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/template"
)

// Dir is a directory with a user's own files: exporter.yml, alertmanager.yml, receiver.yml, rules/*.yml, and prometheus.yml or none, in whose
// place a standard one is used.
type Dir string

// Data is where the parts keep what they must not lose.
func (d Dir) Data() string { return d.join("data") }

// Config is an Options.Config. A prometheus.yml that is not there is written below Data, anew at each start, because it names the addresses.
func (d Dir) Config(p Part, at Addresses) (string, error) {
	file := d.join(string(p) + ".yml")
	_, err := os.Stat(file)
	switch {
	case err == nil:
		return file, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	case p == Prometheus:
		return d.standard(at)
	}
	return "", fmt.Errorf(`%w: "bongsu init %s" writes one to begin with`, err, string(d))
}

//go:embed prometheus.yml.tmpl
var standardPrometheus string

func (d Dir) standard(at Addresses) (string, error) {
	t, err := template.New("prometheus.yml").Parse(standardPrometheus)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(d.Data(), 0o700); err != nil {
		return "", err
	}
	file := filepath.Join(d.Data(), "prometheus.yml")
	f, err := os.Create(file)
	if err != nil {
		return "", err
	}
	rules, err := filepath.Abs(d.join("rules", "*.yml"))
	return file, errors.Join(err, t.Execute(f, struct {
		Addresses
		Rules string
	}{at, rules}), f.Close())
}

func (d Dir) join(names ...string) string {
	return filepath.Join(append([]string{string(d)}, names...)...)
}
