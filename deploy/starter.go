package deploy

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bongsu/bongsu/rules"
)

// starter is the directory that Init writes, but for the shipped rules.
//
//go:embed starter
var starter embed.FS

// demoRules speak of the demo's shop, which nobody else has.
const demoRules = "demo.yml"

// Init writes the starter directory into dir, and a line for each file to w.
// Files that are there already are left alone.
func Init(w io.Writer, dir string) error {
	own, err := fs.Sub(starter, "starter")
	if err != nil {
		return err
	}
	if err := writeTree(w, own, dir); err != nil {
		return err
	}
	if err := writeTree(w, rules.Files, filepath.Join(dir, "rules")); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\nnext:\n  bongsu check %[1]s\n  bongsu up %[1]s\n", dir)
	return err
}

func writeTree(w io.Writer, tree fs.FS, dir string) error {
	return fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() == demoRules {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(path))
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		data, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		return writeNew(w, to, data)
	})
}

func writeNew(w io.Writer, path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		_, err = fmt.Fprintf(w, "%s: is there already, left alone\n", path)
		return err
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s: written\n", path)
	return err
}
