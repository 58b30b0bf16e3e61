package deploy

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

// stackName is the second binary: Prometheus and Alertmanager are too large to
// be carried by those who run only our parts.
const stackName = "bongsu-stack"

var errNoStack = errors.New(`"up" needs the second binary, bongsu-stack, beside bongsu or on PATH: ` +
	`"make build" in a checkout leaves both in its root, and packages ship both`)

// FindStack returns the path of bongsu-stack: beside this program, links
// followed, or else on PATH.
func FindStack() (string, error) {
	if self, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(self); err == nil {
			self = real
		}
		beside := filepath.Join(filepath.Dir(self), stackName)
		if info, err := os.Stat(beside); err == nil && !info.IsDir() {
			return beside, nil
		}
	}
	path, err := exec.LookPath(stackName)
	if err != nil {
		return "", errNoStack
	}
	return filepath.Abs(path)
}
