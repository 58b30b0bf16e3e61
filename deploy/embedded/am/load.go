package am

import (
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/matcher/compat"

	"github.com/bongsu/bongsu/deploy/embedded/refuse"
)

// refused are the sections of alertmanager.yml that an Alertmanager acts on and this one does not. Clustering is no section of the file but
// a matter of flags, so a file that asks for it is refused by the loader.
func refused() []refuse.Section {
	return []refuse.Section{
		{Path: "tracing", Reason: "the embedded Alertmanager sends no traces; remove the section"},
		{Path: "event_recorder", Reason: "the embedded Alertmanager records no events; run an Alertmanager to have them"},
	}
}

// load reads and checks ConfigFile. The error names the file, and for refused sections the line.
func (s *Server) load() (*config.Config, error) {
	data, err := os.ReadFile(s.opts.ConfigFile)
	if err != nil {
		return nil, err
	}
	if err := refuse.Check(s.opts.ConfigFile, data, refused()); err != nil {
		return nil, err
	}
	c, err := config.LoadFile(s.opts.ConfigFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.opts.ConfigFile, err)
	}
	return c, nil
}

// matchersOnce guards a variable of Alertmanager's, not of ours: the matcher parser is one for the whole process and written without a lock.
var matchersOnce sync.Once //nolint:gochecknoglobals // what it guards is one for the process (DESIGN.md, D7)

// useUTF8Matchers chooses the parser that an Alertmanager chooses by default: UTF-8 first, the classic one as a fallback. Without it, label
// names such as 지점 are refused in matchers.
func useUTF8Matchers(l *slog.Logger) {
	matchersOnce.Do(func() { compat.InitFromFlags(l, featurecontrol.NoopFlags{}) })
}
