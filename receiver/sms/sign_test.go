package sms

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSignatures compares with what OpenSSL makes of the same, by
//
//	printf 'POST /sms/v2/services/ncp:sms:kr:1:bongsu/messages\n1795339800000\nAK' |
//	  openssl dgst -sha256 -hmac 'naver-secret' -binary | base64
//	printf '2026-11-22T09:30:00ZSALTSALTSALTSALT' | openssl dgst -sha256 -hmac 'solapi-secret'
func TestSignatures(t *testing.T) {
	t.Parallel()
	s := sens{path: "/sms/v2/services/ncp:sms:kr:1:bongsu/messages", access: "AK"}
	if got, want := s.sign("1795339800000", "naver-secret"), "NxYzoa09kfUU2wiwwza9wjSz7B3XPNyb4GcuNU5gsG0="; got != want {
		t.Errorf("SENS: got %s, want %s", got, want)
	}
	at := time.Date(2026, 11, 22, 18, 30, 0, 0, time.FixedZone("KST", 9*3600))
	o := solapi{key: "NCS", signing: signing{
		now:  func() time.Time { return at },
		salt: func() string { return "SALTSALTSALTSALT" },
	}}
	want := "HMAC-SHA256 apiKey=NCS, date=2026-11-22T09:30:00Z, salt=SALTSALTSALTSALT, signature=1c737c806f209a2f3d45796b24f780d4714badaa1ce386c6cbf8eb34913b840a"
	if got := o.authorization("solapi-secret"); got != want {
		t.Errorf("Solapi: got %s, want %s", got, want)
	}
}

// TestSigV4 is of AWS's own test suite: post-vanilla and
// post-x-www-form-urlencoded, with the credentials that all of it has.
func TestSigV4(t *testing.T) {
	t.Parallel()
	s := sigv4{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service"}
	for _, c := range []struct{ kind, body, signed, signature string }{
		{"", "", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{
			"application/x-www-form-urlencoded", "Param1=value1",
			"content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
		},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://example.amazonaws.com/", bytes.NewReader(nil))
		if err != nil {
			t.Fatal(err)
		}
		if c.kind != "" {
			req.Header.Set("Content-Type", c.kind)
		}
		s.sign(req, []byte(c.body), time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))
		got := strings.Split(req.Header.Get("Authorization"), ", ")
		want := []string{
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request",
			"SignedHeaders=" + c.signed, "Signature=" + c.signature,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.body, diff)
		}
	}
}
