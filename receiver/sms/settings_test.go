package sms

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// TestSettingsKeepSecrets prints the settings in every way that a log might.
func TestSettingsKeepSecrets(t *testing.T) {
	t.Parallel()
	tw := twilioSettings{Shared: &shared{}, Row: &row{}, World: &world{}}
	if _, err := strictyaml.Decode("t.yml", []byte("{auth_token: hunter2, http_config: {basic_auth: {username: u, password: hunter2}}}"), &tw); err != nil {
		t.Fatal(err)
	}
	checkPrinted(t, tw)
	ht := httpSettings{Shared: &shared{}, World: &world{}, Korean: &koreanSettings{}}
	if _, err := strictyaml.Decode("t.yml", []byte("{secret: hunter2, headers: {X-Key: hunter2}, form: {key: hunter2}}"), &ht); err != nil {
		t.Fatal(err)
	}
	checkPrinted(t, ht)
}

// TestProviderSettingsKeepSecrets: the same for the rows of the table.
func TestProviderSettingsKeepSecrets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		set  any
		yaml string
	}{
		{&aligoSettings{Shared: &shared{}, Row: &row{}, Korean: &koreanSettings{}}, "key"},
		{&infobipSettings{Shared: &shared{}, Row: &row{}, World: &world{}}, "api_key"},
		{&messageBirdSettings{Shared: &shared{}, Row: &row{}, World: &world{}}, "access_key"},
		{&nhnSettings{Shared: &shared{}, Row: &row{}, Korean: &koreanSettings{}}, "secret_key"},
		{&nhnSettings{Shared: &shared{}, Row: &row{}, Korean: &koreanSettings{}}, "app_key"},
		{&plivoSettings{Shared: &shared{}, Row: &row{}, World: &world{}}, "auth_token"},
		{&sensSettings{Shared: &shared{}, Row: &row{}, Korean: &koreanSettings{}}, "secret_key"},
		{&sinchSettings{Shared: &shared{}, Row: &row{}, World: &world{}}, "api_token"},
		{&snsSettings{Shared: &shared{}, Row: &row{}, World: &world{}}, "secret_access_key"},
		{&solapiSettings{Shared: &shared{}, Row: &row{}, Korean: &koreanSettings{}}, "api_secret"},
		{&telnyxSettings{Shared: &shared{}, Row: &row{}, World: &world{}}, "api_key"},
		{&vonageSettings{Shared: &shared{}, Row: &row{}, World: &world{}}, "api_secret"},
	} {
		if _, err := strictyaml.Decode("t.yml", []byte(c.yaml+": hunter2"), c.set); err != nil {
			t.Fatal(err)
		}
		checkPrinted(t, reflect.ValueOf(c.set).Elem().Interface())
	}
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
