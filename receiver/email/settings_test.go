package email

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
	var set settings
	if _, err := strictyaml.Decode("t.yml", []byte("{auth_password: hunter2, tls_config: {key: hunter2, cert: c}}"), &set); err != nil {
		t.Fatal(err)
	}
	checkPrinted(t, set)
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
