package refuse_test

import (
	"strings"
	"testing"

	"github.com/bongsu/bongsu/deploy/embedded/refuse"
)

func sections() []refuse.Section {
	return []refuse.Section{
		{Path: "remote_write", Reason: "a"},
		{Path: "storage.exemplars", Reason: "b"},
		{Path: "jobs[].*_sd_configs", Except: []string{"file_sd_configs"}, Reason: "c"},
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		yaml string
		want string
	}{
		"nothing":       {"", ""},
		"honoured":      {"global: {}\njobs: [{name: 가격, file_sd_configs: []}]\nstorage: {tsdb: {}}", ""},
		"root key":      {"global: {}\nremote_write: []", "f.yml:2: remote_write is not honoured here: a"},
		"empty value":   {"remote_write:", "f.yml:1: remote_write is not honoured here: a"},
		"nested":        {"storage:\n  tsdb: {}\n  exemplars: {}", "f.yml:3: exemplars is not honoured here: b"},
		"in a list":     {"jobs:\n- name: 재고\n  dns_sd_configs: []", "f.yml:3: dns_sd_configs is not honoured here: c"},
		"alias":         {"x: &x\n  exemplars: {}\nstorage: *x", "f.yml:2: exemplars is not honoured here: b"},
		"merge":         {"x: &x\n  dns_sd_configs: []\njobs:\n- <<: *x", "f.yml:2: dns_sd_configs is not honoured here: c"},
		"merged list":   {"x: &x\n  dns_sd_configs: []\njobs:\n- <<: [*x]", "f.yml:2: dns_sd_configs is not honoured here: c"},
		"every one":     {"remote_write: []\nstorage: {exemplars: }", "f.yml:1: remote_write is not honoured here: a\nf.yml:2: exemplars is not honoured here: b"},
		"other types":   {"jobs: 3\nstorage: [exemplars]", ""},
		"no mapping":    {"- remote_write", ""},
		"not yaml":      {"a: [", "f.yml: yaml: line 1"},
		"same key twin": {"remote_write: 1\nremote_write: 2", "f.yml:1: remote_write is not honoured here: a\nf.yml:2:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := refuse.Check("f.yml", []byte(tc.yaml), sections()); err != nil {
				got = err.Error()
			}
			if tc.want == "" && got != "" || !strings.HasPrefix(got, tc.want) {
				t.Errorf("Check(%q)\n got %q\nwant %q", tc.yaml, got, tc.want)
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte("a: &a {<<: *a}"))
	f.Add([]byte("jobs: [&j {<<: [*j]}]"))
	f.Fuzz(func(_ *testing.T, data []byte) { _ = refuse.Check("f.yml", data, sections()) })
}
