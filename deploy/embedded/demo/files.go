package demo

import (
	"crypto/rand"
	"embed"
	"io/fs"
	"os"
	"path/filepath"
	"text/template"

	"github.com/bongsu/bongsu/deploy/embedded/stack"
	"github.com/bongsu/bongsu/rules"
)

// files are the demo's configuration: real files but for addresses, paths and the account.
//
//go:embed files
var files embed.FS

// values are what the files don't know before the demo starts.
type values struct {
	stack.Addresses
	// Dir is the demo's own directory, Demo and SMTP the addresses of the far side.
	Dir, Demo, SMTP string
	TwilioSID       string
}

// secrets open the far side. They are made anew at each start and stand in files that only their owner can read.
type secrets struct{ SMTP, Twilio, Slack string }

func newSecrets() secrets { return secrets{rand.Text(), rand.Text(), "xoxb-" + rand.Text()} }

func (s secrets) write(dir string) error {
	dir = filepath.Join(dir, "secrets")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for name, text := range map[string]string{"smtp": s.SMTP, "twilio": s.Twilio, "slack": s.Slack} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// render writes the config file of one part into v.Dir and returns its path.
func render(p stack.Part, v values) (string, error) {
	name := string(p) + ".yml"
	t, err := template.New(name).Option("missingkey=error").ParseFS(files, "files/"+name)
	if err != nil {
		return "", err
	}
	path := filepath.Join(v.Dir, name)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return path, t.Execute(f, v)
}

// writeRules writes all shipped rules, the shop's among them.
func writeRules(dir string) error {
	return os.CopyFS(filepath.Join(dir, "rules"), fs.FS(rules.Files))
}
