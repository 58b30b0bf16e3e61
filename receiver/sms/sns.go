package sms

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/bongsu/bongsu/internal/secret"
	"github.com/bongsu/bongsu/internal/strictyaml"
)

// snsSettings are the settings of provider: sns.
type snsSettings struct {
	Shared *shared `yaml:",inline"`
	Row    *row    `yaml:",inline"`
	World  *world  `yaml:",inline"`

	Region              string      `yaml:"region"`
	AccessKeyID         string      `yaml:"access_key_id"`
	SecretAccessKey     secret.Text `yaml:"secret_access_key"`
	SecretAccessKeyFile string      `yaml:"secret_access_key_file"`
	SMSType             string      `yaml:"sms_type"`
	MaxPrice            string      `yaml:"max_price"`
}

// sns is Publish to a phone number, of AWS's Simple Notification Service.
//
// Source: https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html
type sns struct {
	endpoint, kind, price string
	sigv4                 sigv4 // without its secret
	now                   func() time.Time
}

// snsReply: answers are XML.
//
// Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html and
// CommonErrors.html beside it.
func snsReply() reply {
	return reply{
		parse:   parseSNS,
		id:      []string{"id"},
		code:    []string{"code"},
		message: []string{"message"},
		verdicts: map[string]verdict{
			"Throttling":          later,
			"ThrottlingException": later,
			"ThrottledException":  later,
			"Throttled":           later,
			"RequestExpired":      retry, // it was under way too long, or a clock is off
			"InternalError":       retry,
			"InternalFailure":     retry,
			"ServiceUnavailable":  retry,
		},
	}
}

var awsRegion = regexp.MustCompile(`^[a-z]{2,4}(-[a-z0-9]+)+$`)

func loadSNS(l *loader, ch *Channel) {
	set := snsSettings{Shared: &l.shared, Row: &l.row, World: &l.world, SMSType: "Transactional"}
	if !l.decode(&set) {
		return
	}
	if !awsRegion.MatchString(set.Region) {
		l.bad(strictyaml.Path{"region"}, "region: expected one such as ap-northeast-2")
	}
	l.need("access_key_id", set.AccessKeyID)
	if l.row.APIURL == "" {
		l.row.APIURL = "https://sns." + set.Region + ".amazonaws.com"
	}
	if set.SMSType != "Transactional" && set.SMSType != "Promotional" {
		l.bad(strictyaml.Path{"sms_type"}, "sms_type: expected Transactional or Promotional")
	}
	ch.secret = l.credential("secret_access_key", set.SecretAccessKey, set.SecretAccessKeyFile, true)
	s := sns{
		endpoint: l.endpoint("/"), kind: set.SMSType, price: set.MaxPrice, now: l.signing.now,
		sigv4: sigv4{accessKey: set.AccessKeyID, region: set.Region, service: "sns"},
	}
	ch.provider = provider{request: s.request, judge: l.reply(snsReply()).judge, bytes: 1600}
}

func (s sns) request(ctx context.Context, t text) (*http.Request, error) {
	form := url.Values{
		"Action": {"Publish"}, "Version": {"2010-03-31"}, "PhoneNumber": {t.To}, "Message": {t.Text},
	}
	s.attributes(form, t.From)
	req, err := newForm(ctx, s.endpoint, form)
	if err != nil {
		return nil, err
	}
	v4 := s.sigv4
	v4.secret = t.Secret
	v4.sign(req, []byte(form.Encode()), s.now())
	return req, nil
}

// attributes numbers what is not empty. A sender is a number of one's own or a
// name.
func (s sns) attributes(form url.Values, from string) {
	sender := "AWS.SNS.SMS.SenderID"
	if strings.HasPrefix(from, "+") {
		sender = "AWS.MM.SMS.OriginationNumber"
	}
	n := 0
	for _, a := range [][3]string{
		{"AWS.SNS.SMS.SMSType", "String", s.kind}, {sender, "String", from}, {"AWS.SNS.SMS.MaxPrice", "Number", s.price},
	} {
		if a[2] == "" {
			continue
		}
		n++
		at := "MessageAttributes.entry." + strconv.Itoa(n) + "."
		form.Set(at+"Name", a[0])
		form.Set(at+"Value.DataType", a[1])
		form.Set(at+"Value.StringValue", a[2])
	}
}

// parseSNS has what matters of either answer, nil if it is none of them.
func parseSNS(data []byte) any {
	var answer struct {
		XMLName xml.Name
		ID      string `xml:"PublishResult>MessageId"`
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	if xml.Unmarshal(data, &answer) != nil || !strings.HasSuffix(answer.XMLName.Local, "Response") {
		return nil
	}
	body := map[string]any{"id": answer.ID, "message": answer.Message}
	if answer.Code != "" {
		body["code"] = answer.Code
	}
	return body
}
