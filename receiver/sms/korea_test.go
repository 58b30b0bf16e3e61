package sms

import (
	"strings"
	"testing"

	"github.com/bongsu/bongsu/receiver"
)

// TestSMSOrLMS: the bytes choose, and the limits are kept to the byte.
func TestSMSOrLMS(t *testing.T) {
	t.Parallel()
	rep := strings.Repeat
	url := "https://wiki.example.org/r"
	for _, c := range []struct {
		name, subject, text string
		noLMS               bool
		want                letter
	}{
		{name: "45 Hangul", text: rep("글", 45), want: letter{text: rep("글", 45), size: "SMS, 90 bytes of EUC-KR"}},
		{
			name: "46 Hangul", subject: "제목", text: rep("글", 46),
			want: letter{text: rep("글", 46), title: "제목", long: true, size: "LMS, 92 bytes of EUC-KR"},
		},
		{name: "90 ASCII", text: rep("a", 90), want: letter{text: rep("a", 90), size: "SMS, 90 bytes of EUC-KR"}},
		{name: "fits without its emoji", text: rep("글", 45) + "🔥🔥", want: letter{text: rep("글", 45), size: "SMS, 90 bytes of EUC-KR"}},
		{name: "no LMS", text: rep("글", 46), noLMS: true, want: letter{text: rep("글", 44) + "…", size: "SMS, 90 bytes of EUC-KR"}},
		{
			name: "no LMS keeps the link", text: "[위험] " + rep("글", 46) + "\n" + url, noLMS: true,
			want: letter{text: "[위험] " + rep("글", 27) + "…\n" + url, size: "SMS, 90 bytes of EUC-KR"},
		},
		{
			name: "full LMS", subject: rep("제", 20), text: rep("글", 1000),
			want: letter{text: rep("글", 1000), title: rep("제", 20), long: true, size: "LMS, 2000 bytes of EUC-KR"},
		},
		{
			name: "over it", subject: rep("제", 21), text: rep("글", 1001),
			want: letter{text: rep("글", 999) + "…", title: rep("제", 19) + "…", long: true, size: "LMS, 2000 bytes of EUC-KR"},
		},
		{
			name: "no half of a character", text: "a" + rep("글", 1000),
			want: letter{text: "a" + rep("글", 998) + "…", title: "a" + rep("글", 18) + "…", long: true, size: "LMS, 1999 bytes of EUC-KR"},
		},
		{
			name: "title of the first line", subject: "🔥", text: "봉수대\n" + rep("글", 46),
			want: letter{text: "봉수대\n" + rep("글", 46), title: "봉수대", long: true, size: "LMS, 99 bytes of EUC-KR"},
		},
		{
			name: "title of one line", subject: " 봉수대 🔥\n 연기 ", text: rep("글", 46),
			want: letter{text: rep("글", 46), title: "봉수대 연기", long: true, size: "LMS, 92 bytes of EUC-KR"},
		},
	} {
		got := korea{lms: !c.noLMS}.compose(receiver.Message{Subject: c.subject, Text: c.text})
		if got != c.want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

// TestTitleRenders: the title's template is one of the receiver's own.
func TestTitleRenders(t *testing.T) {
	t.Parallel()
	b, err := loadYAML("channel: " + strings.ReplaceAll(strings.TrimSuffix(settingsOf()["solapi"], "}"), "SECRET", secretOf) + `, provider: solapi, to: "+821012345678"}`)
	if err != nil {
		t.Fatal(err)
	}
	if b.Texts.Subject == "" {
		t.Error("there is no template of a title")
	}
	if _, err := receiver.NewRenderer(receiver.Wording{Locale: "ko"}, b.Texts); err != nil {
		t.Error(err)
	}
}

func TestDomestic(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"+821012345678": "01012345678",
		"+8221234567":   "021234567",
		"02-1234-5678":  "0212345678",
		"1588-1234":     "15881234",
		"010 1234 5678": "01012345678",
	} {
		if got := domestic(number); got != want {
			t.Errorf("%s: got %s, want %s", number, got, want)
		}
	}
}

// TestNothingLeft: that something is wrong arrives even where what does not.
func TestNothingLeft(t *testing.T) {
	t.Parallel()
	far := &canned{status: 500}
	ch := channelOf(t, "sens", settingsOf()["sens"], far)
	if _, err := ch.Send(t.Context(), messageOf(" \n")); !receiver.IsPermanent(err) || far.request != nil {
		t.Errorf("got %v, want a permanent error and no request", err)
	}
	if got := ch.composer.compose(messageOf("🔥")).text; got != "□" {
		t.Errorf("got %q, want □", got)
	}
}

// TestDeclaredInKorea: a provider of Korea that is no row of the table.
func TestDeclaredInKorea(t *testing.T) {
	t.Parallel()
	far := &canned{status: 200}
	ch := channelOf(t, "http", `{from: 02-1234-5678, url: "https://sms.example.com/send", euc_kr: true, secret: SECRET,
		json: {to: "{{ .Domestic }}", from: "{{ .From }}", type: "{{ .Kind }}", title: "{{ .Title }}", text: "{{ .Text }}"}}`, far)
	for text, want := range map[string]string{
		"불 🔥":                   `{"from":"0212345678","text":"불","title":"","to":"01012345678","type":"SMS"}`,
		strings.Repeat("글", 46): `{"from":"0212345678","text":"` + strings.Repeat("글", 46) + `","title":"[위험:1] 남산 봉수대 연기","to":"01012345678","type":"LMS"}`,
	} {
		r, err := ch.Send(t.Context(), messageOf(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(far.sent); got != want || !strings.Contains(r.Detail, "bytes of EUC-KR") {
			t.Errorf("got %s (%s), want %s", got, r.Detail, want)
		}
	}
}
