package exporter

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/internal/strictyaml"
)

// Limits for modules of json_exporter, which has none of its own.
const (
	jeTimeout      = 2 * time.Minute
	jeMaxBodyBytes = 256 << 20
	jeMaxSamples   = 5_000_000
)

// A file of json_exporter. Its keys are case-sensitive, and unknown ones mean
// nothing there.

type jeFile struct {
	Modules map[string]jeModule `yaml:"modules"`
}

type jeModule struct {
	Headers          map[string]string            `yaml:"headers"`
	Metrics          []jeMetric                   `yaml:"metrics"`
	HTTPClientConfig *promconfig.HTTPClientConfig `yaml:"http_client_config"`
	Body             jeBody                       `yaml:"body"`
	ValidStatusCodes []int                        `yaml:"valid_status_codes"`
}

type jeBody struct {
	Content    string `yaml:"content"`
	Templatize bool   `yaml:"templatize"`
}

type jeMetric struct {
	Name            string            `yaml:"name"`
	Path            string            `yaml:"path"`
	Labels          map[string]string `yaml:"labels"`
	Type            string            `yaml:"type"`
	ValueType       string            `yaml:"valuetype"`
	EpochTimestamp  string            `yaml:"epochtimestamp"`
	Help            string            `yaml:"help"`
	Values          map[string]string `yaml:"values"`
	AllowMissingKey bool              `yaml:"allow_missing_key"`
}

// jeGroup is the metrics of one entry, or of several entries for single values
// with the same labels.
type jeGroup struct {
	rows *jsonPath // nil: the whole answer is the only row
	// allow makes missing keys silent in rows and stamp.
	allow   bool
	labels  []jeLabel
	stamp   *jsonPath // nil: no timestamps
	columns []jeColumn
	// sparse leaves empty labels out, where metrics of one name have different
	// labels: to Prometheus the two texts would be one series.
	sparse bool
}

type jeLabel struct {
	name  string
	value *jsonPath // nil: always empty
}

type jeColumn struct {
	metric *metric
	value  *jsonPath
	allow  bool
}

// jeLoader turns a file of json_exporter into modules.
type jeLoader struct {
	doc    *strictyaml.Document
	config *Config
	errs   strictyaml.Errors
}

func parseJSONExporter(name string, doc *strictyaml.Document, root strictyaml.Node) (*Config, error) {
	l := jeLoader{doc: doc, config: &Config{Modules: map[string]*Module{}, dialect: dialectJSONExporter}}
	var f jeFile
	l.ignored(name, root.Decode(&f))
	for _, name := range slices.Sorted(maps.Keys(f.Modules)) {
		l.config.Modules[name] = l.module(strictyaml.Path{"modules", name}, name, f.Modules[name])
	}
	if err := l.errs.Err(); err != nil {
		return nil, err
	}
	return l.config, nil
}

// ignored sorts out what the strict reader of YAML complains of: keys that
// json_exporter ignores are quirks.
func (l *jeLoader) ignored(file string, err error) {
	var all strictyaml.Errors
	if err != nil && !errors.As(err, &all) {
		l.errs = append(l.errs, &strictyaml.Error{File: file, Line: 1, Msg: err.Error()})
	}
	for _, e := range all {
		text, isKey := strings.CutPrefix(e.Msg, "unknown key ")
		if !isKey {
			l.errs = append(l.errs, e)
			continue
		}
		key, remedy, _ := strings.Cut(text, ", ")
		l.config.quirks = append(l.config.quirks, Quirk{e.File, e.Line, "json_exporter ignores the key " + key, remedy})
	}
}

func (l *jeLoader) quirk(path strictyaml.Path, text, remedy string) {
	at := l.doc.Errorf(path, "%s", text)
	l.config.quirks = append(l.config.quirks, Quirk{at.File, at.Line, text, remedy})
}

func (l *jeLoader) module(path strictyaml.Path, name string, s jeModule) *Module {
	m := &Module{name: name, http: l.http(path, s), dialect: dialectJSONExporter, questions: []question{{limits: limits{samples: jeMaxSamples}}}}
	for i := range s.Metrics {
		l.metric(with(path, "metrics", i), m, &s.Metrics[i])
	}
	m.questions[0].spread()
	return m
}

func (l *jeLoader) http(path strictyaml.Path, s jeModule) *httpSettings {
	h := &httpSettings{
		Method: http.MethodGet, Headers: map[string]secret.Text{},
		ValidStatusCodes: s.ValidStatusCodes,
		MaxBodyBytes:     jeMaxBodyBytes, Timeout: model.Duration(jeTimeout),
	}
	// Without the key, or with an empty one, redirects are not followed.
	if s.HTTPClientConfig != nil {
		h.Client = *s.HTTPClientConfig
	}
	if s.Body.Content != "" {
		h.Method, h.Body = http.MethodPost, secret.New(s.Body.Content)
		h.templatize = s.Body.Templatize && l.body(with(path, "body", "content"), s.Body.Content)
	}
	accept := false
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		if strings.EqualFold(name, "Host") {
			l.quirk(with(path, "headers", name), "json_exporter does not send a configured Host", "in the native format it is sent")
			continue
		}
		accept = accept || strings.EqualFold(name, "Accept") && s.Headers[name] != ""
		h.Headers[name] = secret.New(s.Headers[name])
	}
	if !accept {
		h.Headers["Accept"] = secret.New("application/json")
	}
	l.carried(path, h)
	return h
}

// carried tells of credentials that whoever can reach the exporter can have sent
// to any host.
func (l *jeLoader) carried(path strictyaml.Path, h *httpSettings) {
	if found := h.carries(); len(found) > 0 {
		l.quirk(path, "credentials ("+strings.Join(found, ", ")+") go to whatever target a request names",
			"in the native format targets: {hosts: […]} says whom they are for")
	}
}

// body checks a template and reports whether it is one. Its text, which may
// hold secrets, is not shown.
func (l *jeLoader) body(path strictyaml.Path, text string) bool {
	_, err := compileBody(text)
	if err == nil {
		return true
	}
	if m := regexp.MustCompile(`function ("\w+") not defined`).FindStringSubmatch(err.Error()); m != nil {
		l.errs = append(l.errs, l.doc.Errorf(path, "the template function %s is not known here, expected one of %s", m[1], strings.Join(bodyFunctions(), ", ")))
		return false
	}
	l.quirk(path, "this is not a template that can be read, so it is sent as it stands", "")
	return false
}

func (l *jeLoader) metric(path strictyaml.Path, m *Module, s *jeMetric) {
	g := jeGroup{allow: s.AllowMissingKey, labels: l.labels(path, s)}
	l.timestamp(path, s, &g)
	switch s.Type {
	case "", "value":
		if p := l.path(with(path, "path"), s.Path, true); p != nil {
			l.column(path, m, s, &g, s.Name, p)
		}
	case "object":
		if g.rows = l.path(with(path, "path"), s.Path, false); g.rows == nil {
			return
		}
		if isLiteralText(g.rows) || len(g.rows.blocks) != 1 && g.rows.plain {
			l.quirk(with(path, "path"), "an object's path must be one {…} with nothing around it; this one gives nothing to read", "")
		}
		for _, suffix := range slices.Sorted(maps.Keys(s.Values)) {
			if p := l.path(with(path, "values", suffix), s.Values[suffix], true); p != nil {
				l.column(path, m, s, &g, s.Name+"_"+suffix, p)
			}
		}
	default:
		l.quirk(with(path, "type"), "json_exporter does not know the type "+s.Type+" and serves nothing of a module with it; here this metric alone is left out",
			expected(s.Type, []string{"value", "object"}))
	}
	if len(g.columns) > 0 {
		m.questions[0].je = append(m.questions[0].je, g)
	}
}

func (l *jeLoader) timestamp(path strictyaml.Path, s *jeMetric, g *jeGroup) {
	if s.EpochTimestamp != "" {
		g.stamp = l.path(with(path, "epochtimestamp"), s.EpochTimestamp, false)
	}
}

// column adds a metric of the given name to a group.
func (l *jeLoader) column(path strictyaml.Path, m *Module, s *jeMetric, g *jeGroup, name string, value *jsonPath) {
	if name == "" {
		l.quirk(path, "a metric without a name, at which json_exporter breaks off every answer, is left out", "give it a name")
		return
	}
	mt := &metric{Metric: Metric{Name: l.escaped(with(path, "name"), "metric", name), Type: TypeUntyped, Help: cmp.Or(s.Help, s.Name)}}
	switch s.ValueType {
	case TypeGauge, TypeCounter:
		mt.Type = s.ValueType
	case "", TypeUntyped:
	default:
		l.quirk(with(path, "valuetype"), "the valuetype "+s.ValueType+" counts as untyped", expected(s.ValueType, []string{TypeCounter, TypeGauge, TypeUntyped}))
	}
	for _, lb := range g.labels {
		mt.Labels = append(mt.Labels, lb.name)
	}
	l.quarrel(path, m, mt)
	m.metrics = append(m.metrics, mt)
	g.columns = append(g.columns, jeColumn{mt, value, s.AllowMissingKey})
}

// escaped gives a name as the text format of Prometheus 2 has it.
func (l *jeLoader) escaped(path strictyaml.Path, what, name string) string {
	escaped := model.EscapeName(name, model.UnderscoreEscaping)
	if escaped != name {
		l.quirk(path, "the "+what+" name "+name+" becomes "+escaped, "")
	}
	return escaped
}

func (l *jeLoader) labels(path strictyaml.Path, s *jeMetric) []jeLabel {
	var labels []jeLabel
	for _, key := range slices.Sorted(maps.Keys(s.Labels)) {
		at := with(path, "labels", key)
		name := l.escaped(at, "label", key)
		taken := slices.ContainsFunc(labels, func(o jeLabel) bool { return o.name == name })
		if taken || key == "" || strings.HasPrefix(key, "__") {
			l.quirk(at, "the label "+key+", at which json_exporter breaks off every answer, is left out", "give it another name")
			continue
		}
		labels = append(labels, jeLabel{name, l.path(at, s.Labels[key], false)})
	}
	slices.SortFunc(labels, func(a, b jeLabel) int { return strings.Compare(a.name, b.name) })
	return labels
}

// quarrel tells of metrics of one name that json_exporter cannot serve together.
func (l *jeLoader) quarrel(path strictyaml.Path, m *Module, mt *metric) {
	for _, o := range m.metrics {
		if o.Name == mt.Name && (o.Type != mt.Type || o.Help != mt.Help || !slices.Equal(o.Labels, mt.Labels)) {
			l.quirk(path, "the metric "+mt.Name+" is there before with another type, help or labels, at which json_exporter breaks off every answer; "+
				"here the help of the first holds for both, and one of another type is left out", "give both the same, or one another name")
			return
		}
	}
}

// spread merges groups that share rows and labels, and marks those whose metrics
// have one name and different labels.
func (q *question) spread() {
	var merged []jeGroup
	for _, g := range q.je {
		i := slices.IndexFunc(merged, g.like)
		if i < 0 || overtakes(g, merged[i+1:]) {
			merged = append(merged, g)
			continue
		}
		merged[i].columns = append(merged[i].columns, g.columns...)
	}
	labels, mixed := map[string][]string{}, map[string]bool{}
	for _, g := range merged {
		for _, c := range g.columns {
			first, seen := labels[c.metric.Name]
			if seen && !slices.Equal(first, c.metric.Labels) {
				mixed[c.metric.Name] = true
			} else if !seen {
				labels[c.metric.Name] = c.metric.Labels
			}
		}
	}
	for i := range merged {
		merged[i].sparse = slices.ContainsFunc(merged[i].columns, func(c jeColumn) bool { return mixed[c.metric.Name] })
	}
	q.je = merged
}

// overtakes reports whether a metric of g has the name of one in groups: it must
// stay behind them, since of equal series the first in the file counts.
func overtakes(g jeGroup, groups []jeGroup) bool {
	for _, o := range groups {
		for _, c := range o.columns {
			if slices.ContainsFunc(g.columns, func(mine jeColumn) bool { return mine.metric.Name == c.metric.Name }) {
				return true
			}
		}
	}
	return false
}

// like reports whether two groups have the same rows, labels and timestamps.
func (g jeGroup) like(o jeGroup) bool {
	sameSilence := g.allow == o.allow || g.rows == nil && g.stamp == nil
	return sameSilence && g.rows.sameText(o.rows) && g.stamp.sameText(o.stamp) &&
		slices.EqualFunc(g.labels, o.labels, func(a, b jeLabel) bool { return a.name == b.name && a.value.sameText(b.value) })
}
