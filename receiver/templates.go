package receiver

import (
	"embed"
	"fmt"
	tmplhtml "html/template"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	tmpltext "text/template"
	"time"

	"github.com/prometheus/alertmanager/template"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// builtin holds the texts of our own, one file a locale.
//
//go:embed templates
var builtin embed.FS

// locales that there are built-in texts in, the default first.
func locales() []string { return []string{"en", "ko"} }

// maxRendered bounds one rendered text, so that a loop in a template cannot take
// the memory of the whole receiver.
const maxRendered = 1 << 20

// textSet is every template that a text may call, parsed once as plain text and
// once as HTML, as Alertmanager does.
type textSet struct {
	plainRoot *tmpltext.Template
	htmlRoot  *tmplhtml.Template
	// bind: some template asks for routeLabels, a function of the data.
	bind bool
}

// textError is a problem with one of a channel's own texts.
type textError struct {
	field string
	err   error
}

func (e *textError) Error() string { return fmt.Sprintf("%s: %v", e.field, e.err) }
func (e *textError) Unwrap() error { return e.err }

// check reports whether the templates parse.
func (w Wording) check() error {
	_, err := w.templates()
	return err
}

func (w Wording) templates() (*textSet, error) {
	s := &textSet{}
	// FromGlobs keeps its templates to itself; an option is given both.
	_, err := template.FromGlobs(nil, func(text *tmpltext.Template, html *tmplhtml.Template) {
		s.plainRoot, s.htmlRoot = text.Funcs(functions(w.Locale)), html.Funcs(functions(w.Locale))
	})
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"mail.tmpl", w.Locale + ".tmpl"} {
		body, err := builtin.ReadFile("templates/" + name)
		if err != nil {
			return nil, fmt.Errorf("there are no texts in locale %q", w.Locale)
		}
		if err := s.parse(name, string(body)); err != nil {
			return nil, err
		}
	}
	return s, s.parseFiles(w.Files)
}

func (s *textSet) parseFiles(files []string) error {
	var errs strictyaml.Errors
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := s.parse(filepath.Base(file), string(body)); err != nil {
			errs = append(errs, placed(file, err))
		}
	}
	return errs.Err()
}

func (s *textSet) parse(name, body string) error {
	if _, err := s.plainRoot.New(name).Parse(body); err != nil {
		return err
	}
	if _, err := s.htmlRoot.New(name).Parse(body); err != nil {
		return err
	}
	s.bind = s.bind || strings.Contains(body, "routeLabels")
	return nil
}

// placed finds the line in what the template parser says: "template: NAME:LINE: what".
func placed(file string, err error) *strictyaml.Error {
	m := regexp.MustCompile(`(?s)^template: .*?:(\d+)(?::\d+)?: (.*)$`).FindStringSubmatch(err.Error())
	if m == nil {
		return &strictyaml.Error{File: file, Line: 1, Msg: err.Error()}
	}
	line, _ := strconv.Atoi(m[1])
	return &strictyaml.Error{File: file, Line: line, Msg: m[2]}
}

// templateFiles lists what one glob of the config means.
func templateFiles(dir, glob string) ([]string, error) {
	if !filepath.IsAbs(glob) {
		glob = filepath.Join(dir, glob)
	}
	files, err := filepath.Glob(glob)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", glob, err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no file matches %q", glob)
	}
	return files, nil
}

// functions are those of our own beside Alertmanager's.
func functions(locale string) map[string]any {
	return map[string]any{
		"bongsuDuration": func(from, to time.Time) string { return duration(locale, to.Sub(from)) },
		"bongsuTime":     func(t time.Time) string { return t.Format(timeLayout) },
		"bongsuName":     func(d *Data) string { return d.name() },
		"bongsuRest":     func(alerts []template.Alert, shown int) int { return max(0, len(alerts)-shown) },
		"slackEscape":    slackEscape,
	}
}

// slackEscape makes a text safe for Slack's mrkdwn, where & < > have a meaning.
// Source: https://docs.slack.dev/messaging/formatting-message-text#escaping
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
