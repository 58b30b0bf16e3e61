package sms

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// sigv4 is what AWS's Signature Version 4 is made with. It signs requests that
// have the path / and no query, as those of the query API.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
type sigv4 struct{ accessKey, secret, region, service string }

// sign puts the time and the signature into req, whose body is body.
func (s sigv4) sign(req *http.Request, body []byte, now time.Time) {
	at := now.UTC().Format("20060102T150405Z")
	req.Header.Set("X-Amz-Date", at)
	names, headers := canonicalHeaders(req)
	canonical := strings.Join([]string{req.Method, "/", "", headers, names, hexSum(body)}, "\n")
	scope := strings.Join([]string{at[:8], s.region, s.service, "aws4_request"}, "/")
	key := []byte("AWS4" + s.secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = hmacSum(key, part)
	}
	signature := hmacSum(key, strings.Join([]string{"AWS4-HMAC-SHA256", at, scope, hexSum([]byte(canonical))}, "\n"))
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.accessKey+"/"+scope+
		", SignedHeaders="+names+", Signature="+hex.EncodeToString(signature))
}

// canonicalHeaders are all that req has, and the host.
func canonicalHeaders(req *http.Request) (names, lines string) {
	values := map[string]string{"host": req.URL.Host}
	list := []string{"host"}
	for k := range req.Header {
		values[strings.ToLower(k)] = strings.TrimSpace(req.Header.Get(k))
		list = append(list, strings.ToLower(k))
	}
	slices.Sort(list)
	var b strings.Builder
	for _, k := range list {
		b.WriteString(k + ":" + values[k] + "\n")
	}
	return strings.Join(list, ";"), b.String()
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func hmacSum(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
