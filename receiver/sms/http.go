package sms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/template"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/internal/strictyaml"
	"github.com/bongsu/bongsu/receiver"
)

// httpSettings are the settings of provider: http, for every provider that
// takes a form or JSON.
type httpSettings struct {
	Shared *shared         `yaml:",inline"`
	World  *world          `yaml:",inline"`
	Korean *koreanSettings `yaml:",inline"`

	EUCKR     bool                   `yaml:"euc_kr"`
	URL       string                 `yaml:"url"`
	Method    string                 `yaml:"method"`
	Headers   map[string]secret.Text `yaml:"headers"`
	Form      map[string]secret.Text `yaml:"form"`
	JSON      map[string]any         `yaml:"json"`
	Secret    secret.Text            `yaml:"secret"`
	SecretIn  string                 `yaml:"secret_file"`
	ID        string                 `yaml:"id"`
	Success   *match                 `yaml:"success"`
	Permanent *match                 `yaml:"permanent"`
}

// declared is a provider as its settings declare it.
type declared struct {
	method, url string
	header      map[string]secret.Text
	body        func(text) (contentType string, body []byte, err error)
	query       func(text) (url.Values, error) // instead of body
	id          string
	success     match
	permanent   *match
}

func loadHTTP(l *loader, ch *Channel) {
	set := httpSettings{Shared: &l.shared, World: &l.world, Korean: &l.korean, Method: http.MethodPost}
	if !l.decode(&set) {
		return
	}
	d := &declared{
		method: strings.ToUpper(set.Method), url: l.url("url", set.URL),
		header: set.Headers, id: set.ID, permanent: set.Permanent,
	}
	if set.Success != nil {
		d.success = *set.Success
	}
	if !set.EUCKR && (l.korean.Title != "" || !l.korean.LMS) {
		l.bad(nil, "title, lms: expected euc_kr: true with them")
	}
	ch.secret = l.credential("secret", set.Secret, set.SecretIn, false)
	l.declareBody(d, set)
	ch.provider = provider{request: d.request, judge: d.judge, korean: set.EUCKR}
}

func (l *loader) declareBody(d *declared, set httpSettings) {
	switch {
	case (set.Form == nil) == (set.JSON == nil):
		l.bad(nil, "expected exactly one of form, json")
	case set.JSON != nil && d.method == http.MethodGet:
		l.bad(strictyaml.Path{"json"}, "json: method GET has no body, expected form")
	case set.JSON != nil:
		tree := l.compile(strictyaml.Path{"json"}, set.JSON)
		d.body = func(t text) (string, []byte, error) {
			v, err := fill(tree, t)
			if err != nil {
				return "", nil, err
			}
			b, err := json.Marshal(v)
			return "application/json", b, err
		}
	default:
		l.declareForm(d, set.Form)
	}
}

func (l *loader) declareForm(d *declared, form map[string]secret.Text) {
	fields := map[string]any{}
	for _, k := range slices.Sorted(maps.Keys(form)) {
		fields[k] = l.compile(strictyaml.Path{"form", k}, form[k].Reveal())
	}
	values := func(t text) (url.Values, error) {
		v := url.Values{}
		for k, f := range fields {
			s, err := fill(f, t)
			if err != nil {
				return nil, err
			}
			v.Set(k, fmt.Sprint(s))
		}
		return v, nil
	}
	if d.method == http.MethodGet {
		d.query = values
		return
	}
	d.body = func(t text) (string, []byte, error) {
		v, err := values(t)
		return "application/x-www-form-urlencoded", []byte(v.Encode()), err
	}
}

// compile turns every text in v into a template and tries it.
func (l *loader) compile(at strictyaml.Path, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out[k] = l.compile(append(slices.Clone(at), k), v[k])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = l.compile(append(slices.Clone(at), i), v[i])
		}
		return out
	case string:
		t, err := template.New(fmt.Sprint(at[len(at)-1])).Parse(v)
		if err == nil {
			err = t.Execute(io.Discard, text{To: "+821012345678", Text: "글", Key: "key"})
		}
		if err != nil {
			l.bad(at, "%v: expected a template with .To, .From, .Text, .Key, .Secret, .Domestic, .Kind or .Title: %v", at[0], err)
			return v
		}
		return t
	}
	return v
}

// fill replaces every template in v by its text.
func fill(v any, t text) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		var err error
		for k := range v {
			if out[k], err = fill(v[k], t); err != nil {
				return nil, err
			}
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		var err error
		for i := range v {
			if out[i], err = fill(v[i], t); err != nil {
				return nil, err
			}
		}
		return out, nil
	case *template.Template:
		var b strings.Builder
		if err := v.Execute(&b, t); err != nil {
			return nil, err
		}
		return b.String(), nil
	}
	return v, nil
}

func (d *declared) request(ctx context.Context, t text) (*http.Request, error) {
	target, body, kind := d.url, []byte(nil), ""
	if d.query != nil {
		q, err := d.query(t)
		if err != nil {
			return nil, err
		}
		sep := "?"
		if strings.Contains(target, "?") {
			sep = "&"
		}
		target += sep + q.Encode()
	} else {
		var err error
		if kind, body, err = d.body(t); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, d.method, target, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("malformed method or URL") // the URL may hold secrets
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for k, v := range d.header {
		req.Header.Set(k, v.Reveal())
	}
	return req, nil
}

// succeeded: without a list of statuses it takes one of 2xx.
func (d *declared) succeeded(status int, body any) bool {
	return d.success.matches(status, body) && (len(d.success.Status) > 0 || status >= 200 && status < 300)
}

// judge: what success says is success, what permanent says is final, and the
// rest goes by the HTTP status.
func (d *declared) judge(a answer) (receiver.Receipt, error) {
	body := parseJSON(a.body)
	if d.succeeded(a.status, body) {
		id, _ := lookup(body, d.id)
		return receiver.Receipt{ID: id, Detail: fmt.Sprintf("answer %d", a.status)}, nil
	}
	err := fmt.Errorf("answer %d: %s", a.status, oneLine(string(a.body)))
	if d.permanent != nil && d.permanent.matches(a.status, body) {
		return receiver.Receipt{}, receiver.Permanent(err)
	}
	return receiver.Receipt{}, byStatus(a.status).apply(a, err)
}
