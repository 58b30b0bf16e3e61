package strictyaml_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/internal/strictyaml"
)

type file struct {
	Names   []string          `yaml:"names"`
	Timeout model.Duration    `yaml:"timeout"`
	Count   int               `yaml:"count"`
	Doors   map[string]door   `yaml:"doors"`
	Later   strictyaml.Node   `yaml:"later"`
	Labels  map[string]string `yaml:"labels"`
	Pointer *door             `yaml:"pointer"`
	Secret  secret.Text       `yaml:"secret"`
}

type door struct {
	Colour string                  `yaml:"colour"`
	HTTP   config.HTTPClientConfig `yaml:",inline"`
	Own    own                     `yaml:"own"`
}

// own decodes itself, the way Prometheus's types do.
type own struct {
	Depth int `yaml:"depth"`
}

func (o *own) UnmarshalYAML(unmarshal func(any) error) error {
	type plain own
	if err := unmarshal((*plain)(o)); err != nil {
		return err
	}
	if o.Depth < 0 {
		return errors.New("depth: expected zero or more")
	}
	return nil
}

func TestDecode(t *testing.T) {
	t.Parallel()
	var f file
	doc, err := strictyaml.Decode("ok.yml", []byte(`
names: [가, 나]
timeout: 5s
doors:
  red:
    colour: 빨강
    basic_auth: {username: u}
    own: {depth: 2}
`), &f)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.Doors["red"].Colour, "빨강"; got != want {
		t.Errorf("colour %q, want %q", got, want)
	}
	if got, want := f.Doors["red"].HTTP.BasicAuth.Username, "u"; got != want {
		t.Errorf("username %q, want %q", got, want)
	}
	for _, c := range []struct {
		path strictyaml.Path
		want string
	}{
		{nil, "ok.yml:2: bad"},
		{strictyaml.Path{"doors"}, "ok.yml:4: bad"},
		{strictyaml.Path{"doors", "red", "own", "depth"}, "ok.yml:8: bad"},
		{strictyaml.Path{"doors", "red", "missing", "x"}, "ok.yml:5: bad"},
		{strictyaml.Path{"names", 1}, "ok.yml:2: bad"},
		{strictyaml.Path{"names", 7}, "ok.yml:2: bad"},
	} {
		if got := doc.Errorf(c.path, "bad").Error(); got != c.want {
			t.Errorf("%v: %q, want %q", c.path, got, c.want)
		}
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ yaml, want string }{
		"unknown key":         {"naems: []", `f.yml:1: unknown key "naems", did you mean "names"?`},
		"nothing like it":     {"zzzzzzzz: 1", `f.yml:1: unknown key "zzzzzzzz", expected one of count, doors, labels, later, names, pointer, secret, timeout`},
		"below own unmarshal": {"doors:\n  a:\n    own:\n      dpeth: 1", `f.yml:4: unknown key "dpeth", did you mean "depth"?`},
		"inlined client":      {"doors:\n  a:\n    basic_atuh: {}", `f.yml:3: unknown key "basic_atuh", did you mean "basic_auth"?`},
		"in the client":       {"doors:\n  a:\n    basic_auth:\n      user: x", `f.yml:4: unknown key "user", expected one of password, password_file, password_ref, username, username_file, username_ref`},
		"below a pointer":     {"pointer: {color: red}", `f.yml:1: unknown key "color", did you mean "colour"?`},
		"all of them": {"naems: []\ncuont: 1", "f.yml:1: unknown key \"naems\", did you mean \"names\"?\n" +
			`f.yml:2: unknown key "cuont", did you mean "count"?`},
		"wrong type":    {"count: many", `f.yml:1: expected a whole number, found "many"`},
		"list for text": {"labels:\n  a: [1]", `f.yml:2: expected a text, found a list`},
		"text for list": {"names: one", `f.yml:1: expected a list, found a text`},
		"twice":         {"count: 1\ncount: 2", `f.yml:2: key "count" is given twice, first on line 1`},
		"own complaint": {"count: 1\ndoors:\n  a:\n    colour: red\n    own: {depth: -1}", `f.yml:5: depth: expected zero or more`},
		"bad duration":  {"count: 1\ntimeout: soon", `f.yml:2: timeout: not a valid duration string: "soon"`},
		"all bad values": {
			"timeout: soon\ncount: many\npointer: hunter2\ndoors:\n  a:\n    own: {depth: -1}\n  b:\n    own: {depth: -2}",
			"f.yml:1: timeout: not a valid duration string: \"soon\"\nf.yml:2: expected a whole number, found \"many\"\n" +
				"f.yml:3: expected a mapping, found a text\nf.yml:6: depth: expected zero or more\nf.yml:8: depth: expected zero or more",
		},
		"syntax":          {"a: [", `f.yml:1: did not find expected node content`},
		"no text at all":  {"secret: {hunter2: x}", `f.yml:1: expected a text (a secret, not shown)`},
		"second document": {"count: 1\n---\ncount: 2", `f.yml:2: a second document starts here, expected only one`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var f file
			_, err := strictyaml.Decode("f.yml", []byte(c.yaml), &f)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Error(diff)
			}
			if _, ok := errors.AsType[*strictyaml.Error](err); !ok {
				t.Errorf("%T holds no *Error", err)
			}
		})
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	var f file
	doc, err := strictyaml.Decode("f.yml", []byte("# nothing\n"), &f)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := doc.Errorf(strictyaml.Path{"x"}, "bad").Error(), "f.yml:1: bad"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLater(t *testing.T) {
	t.Parallel()
	var f file
	if _, err := strictyaml.Decode("f.yml", []byte("count: 1\nlater:\n  colour: red\n  clour: x\n"), &f); err != nil {
		t.Fatal(err)
	}
	var d door
	err := f.Later.Decode(&d)
	if got, want := err.Error(), `f.yml:4: unknown key "clour", did you mean "colour"?`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := f.Later.Errorf(strictyaml.Path{"colour"}, "bad").Error(), "f.yml:3: bad"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	var absent strictyaml.Node
	if !absent.IsZero() || absent.Decode(&d) != nil {
		t.Error("the zero Node is not an absent value")
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"smarthsot": "smarthost", "채널s": "채널", "smart_host": "smarthost", "xyz": "", "": "",
	} {
		if got := strictyaml.Suggest(word, []string{"smarthost", "from", "채널"}); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("names: [a]\ndoors: {x: {own: {depth: 1}}}"))
	f.Add([]byte("a: &x {b: *x}"))
	f.Add([]byte("<<: {count: 1}\nlater: [1, {2: 3}]"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		var out file
		_, _ = strictyaml.Decode("f.yml", data, &out)
	})
}
