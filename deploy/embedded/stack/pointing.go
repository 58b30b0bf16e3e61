package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Warnings tells which of the user's files speak of addresses at which none of the parts listens: files name each other's parts by fixed
// addresses, flags move them. It reads what stands in the files and knows nothing of targets that are discovered.
func (d Dir) Warnings(at Addresses) ([]string, error) {
	var warnings []string
	for _, w := range []struct {
		file, addr, text string
		elsewhere        []string // keys that name what this doesn't see
	}{
		{"alertmanager.yml", at.Receiver, "no webhook_configs url has the receiver's port: no message will be sent", []string{"url_file"}},
		{"prometheus.yml", at.Alertmanager, "no target has Alertmanager's port: no alert will reach it", discovered()},
		{"prometheus.yml", at.Exporter, "no target has the exporter's port: nothing will be polled", discovered()},
	} {
		file := d.join(w.file)
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the standard one, which is right
		}
		if err != nil {
			return nil, err
		}
		found, err := mentions(data, w.addr, w.elsewhere)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if !found {
			warnings = append(warnings, fmt.Sprintf("%s: %s (it listens on %s)", file, w.text, w.addr))
		}
	}
	return warnings, nil
}

func discovered() []string {
	return []string{"file_sd_configs", "http_sd_configs", "scrape_config_files"}
}

// mentions reports whether some value of the YAML has the port of addr, or some key is one of elsewhere.
func mentions(data []byte, addr string, elsewhere []string) (bool, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return false, err
	}
	ends := regexp.MustCompile(`:` + port + `(\D|$)`)
	return anyScalar(&root, func(s string) bool { return ends.MatchString(s) || slices.Contains(elsewhere, s) }), nil
}

func anyScalar(n *yaml.Node, is func(string) bool) bool {
	if n.Kind == yaml.ScalarNode && is(n.Value) {
		return true
	}
	return slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return anyScalar(c, is) })
}
