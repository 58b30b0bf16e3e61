package sms

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// TestSettingsKeepSecrets prints the settings in every way that a log might.
func TestSettingsKeepSecrets(t *testing.T) {
	t.Parallel()
	tw := twilioSettings{Shared: &shared{}}
	if _, err := strictyaml.Decode("t.yml", []byte("{auth_token: hunter2, http_config: {basic_auth: {username: u, password: hunter2}}}"), &tw); err != nil {
		t.Fatal(err)
	}
	checkPrinted(t, tw)
	ht := httpSettings{Shared: &shared{}}
	if _, err := strictyaml.Decode("t.yml", []byte("{secret: hunter2, headers: {X-Key: hunter2}, form: {key: hunter2}}"), &ht); err != nil {
		t.Fatal(err)
	}
	checkPrinted(t, ht)
}

func checkPrinted(t *testing.T, set any) {
	t.Helper()
	asJSON, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{fmt.Sprintf("%v", set), fmt.Sprintf("%+v", set), fmt.Sprintf("%#v", set), string(asJSON)} {
		if strings.Contains(printed, "hunter2") {
			t.Errorf("a secret is to be seen in %s", printed)
		}
	}
}
