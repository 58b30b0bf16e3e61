// Package refuse finds the sections of a standard configuration file that the embedded servers do not honour.
//
// A stock server accepts these sections and acts on them. An embedded one would accept them and do nothing, which is worse than an
// error: samples that somebody believes to be stored elsewhere would be stored nowhere. So they are refused by name and line.
package refuse

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxMergeDepth ends the walk through `<<` merge keys, which a hostile file could nest without end.
const maxMergeDepth = 4

// Section names one place in a YAML file that is not honoured.
type Section struct {
	// Path leads from the root to the key, its steps separated by dots. A step that ends in [] walks every element of a sequence.
	// The last step may be a pattern of path.Match: "scrape_configs[].*_sd_configs".
	Path string
	// Except lists keys that match the last step of Path and are honoured all the same.
	Except []string
	// Reason completes the sentence "key is not honoured here: ".
	Reason string
}

// Check reads the first YAML document of data and returns one error for each refused section, joined, each as "file:line: text".
// A key counts even when its value is empty, and when it comes through an alias or a merge key. Text that is not YAML is an error too;
// everything else about the file is left to the server's own loader. Check is safe for concurrent use.
func Check(file string, data []byte, sections []Section) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	var errs []error
	for _, s := range sections {
		walk(doc.Content[0], strings.Split(s.Path, "."), func(key *yaml.Node) {
			if !slices.Contains(s.Except, key.Value) {
				errs = append(errs, fmt.Errorf("%s:%d: %s is not honoured here: %s", file, key.Line, key.Value, s.Reason))
			}
		})
	}
	return errors.Join(errs...)
}

// walk calls found for every key below n that the steps lead to.
func walk(n *yaml.Node, steps []string, found func(key *yaml.Node)) {
	name, each := strings.CutSuffix(steps[0], "[]")
	entries(n, 0, func(key, value *yaml.Node) {
		if ok, err := path.Match(name, key.Value); err != nil || !ok {
			return
		}
		if len(steps) == 1 {
			found(key)
			return
		}
		if !each {
			walk(value, steps[1:], found)
			return
		}
		for _, element := range target(value).Content {
			walk(element, steps[1:], found)
		}
	})
}

// entries calls visit for every pair of the mapping n, those that `<<` merges into it included.
func entries(n *yaml.Node, depth int, visit func(key, value *yaml.Node)) {
	n = target(n)
	if depth > maxMergeDepth {
		return
	}
	if n.Kind == yaml.SequenceNode && depth > 0 { // <<: [*a, *b]
		for _, element := range n.Content {
			entries(element, depth+1, visit)
		}
		return
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; key.Tag == "!!merge" {
			entries(n.Content[i+1], depth+1, visit)
		} else {
			visit(key, n.Content[i+1])
		}
	}
}

// target follows an alias to what it stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
