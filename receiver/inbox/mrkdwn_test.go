package inbox

import (
	"strings"
	"testing"
)

func TestMrkdwn(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"*발화* `db-1` _now_":                 "<b>발화</b> <code>db-1</code> <i>now</i>",
		"<https://example.org/?a=1&b=2|그림>": `<a rel="noreferrer" href="https://example.org/?a=1&amp;b=2">그림</a>`,
		"<https://example.org>":             `<a rel="noreferrer" href="https://example.org">https://example.org</a>`,
		"5 &gt; 3 &amp; 2 < 4":              "5 &gt; 3 &amp; 2 &lt; 4",
		"<script>alert(1)</script>":         "&lt;script&gt;alert(1)&lt;/script&gt;",
		`<https://x/" onload="y|z>`:         `&lt;https://x/&#34; onload=&#34;y|z&gt;`,
		"shop_orders_total * 2":             "shop_orders_total * 2",
	} {
		if got := string(mrkdwn(in)); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func FuzzMrkdwn(f *testing.F) {
	f.Add("*a* <https://example.org|b> <script>")
	f.Fuzz(func(t *testing.T, s string) {
		got := string(mrkdwn(s))
		for _, tag := range []string{"<b>", "</b>", "<i>", "</i>", "<code>", "</code>", "</a>"} {
			got = strings.ReplaceAll(got, tag, "")
		}
		if strings.Count(got, "<") != strings.Count(got, `<a rel="noreferrer" href="http`) {
			t.Fatalf("%q became %q", s, mrkdwn(s))
		}
	})
}
