package channeltest

import (
	"fmt"
	"strings"
	"testing"
)

func secrets(t *testing.T, b Bundle) {
	r := b.Start(t)
	for _, s := range r.Secrets {
		if b.Echo == nil {
			break
		}
		heal := r.Far.Fail(b.Echo(s))
		if _, err := send(t, t.Context(), r, message(r.Built, "echo")); err == nil {
			t.Error("the refusal gave no error")
		}
		heal()
	}
	mustSend(t, r, message(r.Built, "after"))
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		noSecrets(t, r, fmt.Sprintf(format, r.Built))
		noSecrets(t, r, fmt.Sprintf(format, r.Built.Channel))
	}
	r.Far.Shut()
	_, _ = send(t, t.Context(), r, message(r.Built, "gone"))
	noSecrets(t, r, r.Log.String())
}

func noSecrets(t *testing.T, r Rig, s string) {
	t.Helper()
	for _, secret := range r.Secrets {
		if strings.Contains(s, secret) {
			t.Errorf("a secret is to be seen in %q", strings.ReplaceAll(s, secret, "***SECRET***"))
		}
	}
}
