// Package sms sends messages to phones, through one of several providers. Each
// provider is a row of a table: a request, and a verdict on the answer. Their
// clients are thin and our own, because the providers' SDKs send again by
// themselves, drop Retry-After, or know no context.
package sms

import (
	"cmp"
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/internal/strictyaml"
	"github.com/bongsu/bongsu/receiver"
)

// shared are the settings that every provider has. A provider's own stand
// beside them.
type shared struct {
	receiver.Common `yaml:",inline"`

	Provider    string                       `yaml:"provider"`
	To          numbers                      `yaml:"to"`
	From        string                       `yaml:"from"`
	Text        string                       `yaml:"text"`
	MaxSegments int                          `yaml:"max_segments"`
	HTTPConfig  *promconfig.HTTPClientConfig `yaml:"http_config"`
	Timeout     model.Duration               `yaml:"timeout"`
	Concurrency int                          `yaml:"concurrency"`
}

// row are the settings of every provider but http.
type row struct {
	APIURL   string             `yaml:"api_url"`
	Verdicts map[string]verdict `yaml:"verdicts"`
}

// world are the settings of every provider that counts in GSM-7 and UCS-2.
type world struct {
	MaxLength int `yaml:"max_length"`
}

// numbers is a list of phone numbers, or one.
type numbers []string

// UnmarshalYAML reads either form.
func (n *numbers) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if unmarshal(&one) == nil {
		*n = numbers{one}
		return nil
	}
	return unmarshal((*[]string)(n))
}

// loadFunc reads a provider's settings with loader.decode and completes ch.
type loadFunc func(l *loader, ch *Channel)

// providers is the table. The name is that of the setting "provider" and of
// the file that holds it.
func providers() map[string]loadFunc {
	return map[string]loadFunc{
		"aligo":       loadAligo,
		"http":        loadHTTP,
		"infobip":     loadInfobip,
		"messagebird": loadMessageBird,
		"nhn":         loadNHN,
		"plivo":       loadPlivo,
		"sens":        loadSENS,
		"sinch":       loadSinch,
		"sns":         loadSNS,
		"solapi":      loadSolapi,
		"telnyx":      loadTelnyx,
		"twilio":      loadTwilio,
		"vonage":      loadVonage,
	}
}

// Kind builds an SMS channel for the provider that the settings name.
func Kind(s receiver.Settings) (receiver.Built, error) {
	return build(s, signing{now: time.Now, salt: rand.Text})
}

// signing is what signatures of requests are made fresh with.
type signing struct {
	now  func() time.Time
	salt func() string
}

func build(s receiver.Settings, with signing) (receiver.Built, error) {
	name, err := providerName(s.Node)
	if err != nil {
		return receiver.Built{}, err
	}
	l := &loader{node: s.Node, dir: s.Dir, signing: with}
	l.shared.Timeout, l.shared.Concurrency = model.Duration(30*time.Second), 4
	l.world.MaxLength, l.korean.LMS = 1600, true
	ch := &Channel{name: name}
	providers()[name](l, ch)
	if l.decodeErr != nil {
		return receiver.Built{}, l.decodeErr
	}
	l.common(ch)
	if err := l.errs.Err(); err != nil {
		return receiver.Built{}, err
	}
	return receiver.Built{
		Channel:     ch,
		To:          l.shared.To,
		Texts:       receiver.Texts{Subject: l.korean.Title, Text: l.shared.Text},
		Common:      l.shared.Common,
		Timeout:     time.Duration(l.shared.Timeout),
		Concurrency: l.shared.Concurrency,
	}, nil
}

// providerName reads that one key; the provider says which others there are.
func providerName(n strictyaml.Node) (string, error) {
	var keys map[string]strictyaml.Node
	if err := n.Decode(&keys); err != nil {
		return "", err
	}
	var name string
	if err := keys["provider"].Decode(&name); err != nil {
		return "", err
	}
	known := slices.Sorted(maps.Keys(providers()))
	switch {
	case slices.Contains(known, name):
		return name, nil
	case name == "":
		return "", n.Errorf(nil, "provider: missing, expected one of %s", strings.Join(known, ", "))
	}
	return "", n.Errorf(strictyaml.Path{"provider"}, "provider: %q is unknown, expected one of %s", name, strings.Join(known, ", "))
}

// loader turns settings into a Channel and collects all that is wrong.
type loader struct {
	shared    shared
	row       row
	world     world
	korean    koreanSettings
	signing   signing
	dir       string
	node      strictyaml.Node
	decodeErr error // nothing else is worth telling then
	errs      strictyaml.Errors
}

// decode reads the whole section into out, which holds *shared inline.
func (l *loader) decode(out any) bool {
	l.decodeErr = l.node.Decode(out)
	return l.decodeErr == nil
}

func (l *loader) bad(path strictyaml.Path, format string, args ...any) {
	l.errs = append(l.errs, l.node.Errorf(path, format, args...))
}

// e164 is ITU-T E.164: a plus, the country, at most 15 digits.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

func (l *loader) common(ch *Channel) {
	if len(l.shared.To) == 0 {
		l.bad(strictyaml.Path{"to"}, "to: missing, expected phone numbers such as +821012345678")
	}
	for i, n := range l.shared.To {
		if !e164.MatchString(n) {
			l.bad(strictyaml.Path{"to", i}, "to: %q is not a phone number in the form +821012345678", n)
		}
	}
	if l.shared.MaxSegments < 0 {
		l.bad(strictyaml.Path{"max_segments"}, "max_segments: must not be below zero")
	}
	if l.shared.Timeout <= 0 {
		l.bad(strictyaml.Path{"timeout"}, "timeout: must be above zero")
	}
	if l.shared.Concurrency <= 0 {
		l.bad(strictyaml.Path{"concurrency"}, "concurrency: must be above zero")
	}
	if l.shared.Text == "" {
		l.shared.Text = `{{ template "bongsu.sms.text" . }}`
	}
	ch.from = l.shared.From
	if ch.provider.korean {
		l.koreanNumbers(ch)
	} else {
		ch.composer = l.worldwide(ch.provider)
	}
	ch.client = l.client()
}

// worldwide cuts after as many segments as the provider takes, unless the
// settings name another number.
func (l *loader) worldwide(p provider) composer {
	if l.world.MaxLength <= 0 {
		l.bad(strictyaml.Path{"max_length"}, "max_length: must be above zero")
	}
	return worldwide{limits{
		units: l.world.MaxLength, segments: cmp.Or(l.shared.MaxSegments, p.segments), bytes: p.bytes,
	}}
}

func (l *loader) client() *http.Client {
	c := promconfig.DefaultHTTPClientConfig
	if l.shared.HTTPConfig != nil {
		c = *l.shared.HTTPConfig
	}
	c.SetDirectory(l.dir)
	client, err := promconfig.NewClientFromConfig(c, "bongsu_sms")
	if err != nil {
		l.bad(strictyaml.Path{"http_config"}, "http_config: %v", err)
		return nil
	}
	// A redirected POST becomes a GET, whose 200 would look like success.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

// credential takes the secret of the key, or of the key with _file behind it.
func (l *loader) credential(key string, value secret.Text, file string, must bool) credential {
	fileKey := key + "_file"
	switch {
	case !value.IsZero() && file != "":
		l.bad(strictyaml.Path{fileKey}, "%s: %s is given too, expected one of them", fileKey, key)
	case value.IsZero() && file == "" && must:
		l.bad(nil, "%s: missing, expected it or %s", key, fileKey)
	}
	c := credential{value: value}
	if file != "" {
		c.file = promconfig.JoinDir(l.dir, file)
		if _, err := secret.ReadFile(c.file); err != nil {
			l.bad(strictyaml.Path{fileKey}, "%s: %v", fileKey, err)
		}
	}
	return c
}

// need complains about a setting that is missing.
func (l *loader) need(key, value string) {
	if value == "" {
		l.bad(nil, "%s: missing", key)
	}
}

// endpoint is the path below api_url.
func (l *loader) endpoint(path string) string {
	return strings.TrimSuffix(l.url("api_url", l.row.APIURL), "/") + path
}

// url checks an http or https URL.
func (l *loader) url(key, text string) string {
	if u, ok := parseURL(text); ok {
		return u
	}
	l.bad(strictyaml.Path{key}, "%s: expected a URL with http:// or https://", key)
	return ""
}

// parseURL accepts what a request can be sent to.
func parseURL(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", false
	}
	return s, true
}
