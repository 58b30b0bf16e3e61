// Package slack posts messages to Slack: with a bot's token one message a
// group, edited in place as the group changes, or by an incoming webhook, which
// can only post.
package slack

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/internal/strictyaml"
	"github.com/bongsu/bongsu/receiver"
)

// settings is the section "slack" of a channel.
type settings struct {
	receiver.Common `yaml:",inline"`

	APIToken     secret.Text `yaml:"api_token"`
	APITokenFile string      `yaml:"api_token_file"`
	APIURL       string      `yaml:"api_url"`
	Channel      channels    `yaml:"channel"`

	WebhookURL     secret.Text `yaml:"webhook_url"`
	WebhookURLFile string      `yaml:"webhook_url_file"`

	Title         string `yaml:"title"`
	Text          string `yaml:"text"`
	UpdateMessage *bool  `yaml:"update_message"`

	HTTPConfig  *promconfig.HTTPClientConfig `yaml:"http_config"`
	Timeout     model.Duration               `yaml:"timeout"`
	Concurrency int                          `yaml:"concurrency"`
}

// channels is a list of channels, or one.
type channels []string

// UnmarshalYAML reads either form.
func (c *channels) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if unmarshal(&one) == nil {
		*c = channels{one}
		return nil
	}
	return unmarshal((*[]string)(c))
}

// webhookTo is the one recipient of a webhook, whose channel Slack knows.
const webhookTo = "webhook"

// Kind builds a Slack channel: a bot's where there is a token, else a webhook's.
func Kind(s receiver.Settings) (receiver.Built, error) {
	set := settings{
		APIURL:      "https://slack.com/api/",
		Title:       `{{ template "bongsu.slack.title" . }}`,
		Text:        `{{ template "bongsu.slack.text" . }}`,
		Timeout:     model.Duration(30 * time.Second),
		Concurrency: 4,
	}
	if err := s.Node.Decode(&set); err != nil {
		return receiver.Built{}, err
	}
	l := loader{set: set, dir: s.Dir, node: s.Node}
	ch, to := l.load()
	if err := l.errs.Err(); err != nil {
		return receiver.Built{}, err
	}
	return receiver.Built{
		Channel:     ch,
		To:          to,
		Texts:       receiver.Texts{Subject: set.Title, Text: set.Text},
		Common:      set.Common,
		Timeout:     time.Duration(set.Timeout),
		Concurrency: set.Concurrency,
	}, nil
}

// loader turns settings into a Channel and collects all that is wrong.
type loader struct {
	set  settings
	dir  string
	node strictyaml.Node
	errs strictyaml.Errors
}

func (l *loader) bad(key, format string, args ...any) {
	l.errs = append(l.errs, l.node.Errorf(strictyaml.Path{key}, "%s: "+format, append([]any{key}, args...)...))
}

func (l *loader) load() (receiver.Channel, []string) {
	if l.set.Timeout <= 0 {
		l.bad("timeout", "must be above zero")
	}
	if l.set.Concurrency <= 0 {
		l.bad("concurrency", "must be above zero")
	}
	client := l.client()
	token := l.credential("api_token", l.set.APIToken, l.set.APITokenFile)
	hook := l.credential("webhook_url", l.set.WebhookURL, l.set.WebhookURLFile)
	switch {
	case token.given == hook.given:
		l.errs = append(l.errs, l.node.Errorf(nil, "expected exactly one of api_token, api_token_file, webhook_url, webhook_url_file"))
		return nil, nil
	case hook.given:
		return l.webhook(hook, client)
	}
	return l.bot(token, client)
}

func (l *loader) bot(token credential, client *http.Client) (receiver.Channel, []string) {
	if len(l.set.Channel) == 0 {
		l.bad("channel", `missing, expected a channel such as "#ops"`)
	}
	for _, c := range l.set.Channel {
		if strings.TrimLeft(c, "#@ ") == "" {
			l.bad("channel", "%q names no channel", c)
		}
	}
	if strings.Contains(l.set.APIURL, "hooks.slack.com") {
		l.bad("api_url", "this is an incoming webhook, expected it as webhook_url")
	} else if !isURL(l.set.APIURL) {
		l.bad("api_url", "expected a URL with http:// or https://")
	}
	return &Bot{
		api:    strings.TrimSuffix(l.set.APIURL, "/") + "/",
		token:  token,
		client: client,
		update: l.set.UpdateMessage == nil || *l.set.UpdateMessage,
	}, l.set.Channel
}

func (l *loader) webhook(hook credential, client *http.Client) (receiver.Channel, []string) {
	if l.set.UpdateMessage != nil && *l.set.UpdateMessage {
		l.bad("update_message", "a webhook can't edit what it posted, expected api_token instead of webhook_url")
	}
	if len(l.set.Channel) > 0 {
		l.bad("channel", "a webhook posts where Slack has set it up for, expected no channel")
	}
	if !hook.value.IsZero() && !isURL(hook.value.Reveal()) {
		l.bad("webhook_url", "expected a URL with http:// or https://")
	}
	return &Webhook{url: hook, client: client}, []string{webhookTo}
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func (l *loader) client() *http.Client {
	c := promconfig.DefaultHTTPClientConfig
	if l.set.HTTPConfig != nil {
		c = *l.set.HTTPConfig
	}
	c.SetDirectory(l.dir)
	client, err := promconfig.NewClientFromConfig(c, "bongsu_slack")
	if err != nil {
		l.bad("http_config", "%v", err)
		return nil
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

// credential is a secret, or the file that it is read from at every send.
type credential struct {
	given bool
	value secret.Text
	file  string
}

func (c credential) read() (secret.Text, error) {
	if c.file == "" {
		return c.value, nil
	}
	s, err := secret.ReadFile(c.file)
	return secret.New(s), err
}

// credential takes the secret of the key, or of the key with _file behind it.
func (l *loader) credential(key string, value secret.Text, file string) credential {
	c := credential{given: !value.IsZero() || file != "", value: value}
	if !value.IsZero() && file != "" {
		l.bad(key+"_file", "%s is given too, expected one of them", key)
	}
	if file != "" {
		c.file = promconfig.JoinDir(l.dir, file)
		if _, err := secret.ReadFile(c.file); err != nil {
			l.bad(key+"_file", "%v", err)
		}
	}
	return c
}
