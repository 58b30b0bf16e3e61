package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	// The drivers that a module's sql section may name.
	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/bongsu/bongsu/exporter"
	"github.com/bongsu/bongsu/internal/web"
)

// ExporterAddress is where the exporter listens unless told otherwise.
const ExporterAddress = ":9743"

// NewExporter wires the exporter and takes its address. Run lets go of it.
func NewExporter(ctx context.Context, o Options) (*Service, error) {
	reg := newRegistry("bongsu_exporter")
	exp, err := exporter.New(exporter.Options{
		Load:          loading(o.ConfigFile),
		Logger:        o.Logger,
		Registerer:    reg,
		MaxConcurrent: o.MaxProbes,
	})
	if err != nil {
		return nil, err
	}
	router := web.NewRouter(web.Options{
		Title:       "Bongsu exporter",
		Description: "HTTP answers and database rows as Prometheus metrics",
		Links: []web.Link{
			{Path: "/probe", Text: "Probe", Description: "all modules that name their own target"},
			{Path: "/probe?debug=true", Text: "The story of a probe", Description: "what was asked, what came, and each sample or why not"},
			{Path: "/sd", Text: "Targets", Description: "for Prometheus's http_sd_configs"},
		},
		Registry: reg,
		Reload:   exp.Reload,
		Logger:   o.Logger,
	})
	router.Handle("/probe", exp.Probe())
	router.Handle("/sd", exp.Discovery())
	ls, err := web.Listen(ctx, o.Web)
	if err != nil {
		return nil, errors.Join(err, exp.Close())
	}
	return &Service{listeners: ls, handler: router, web: o.Web, logger: o.Logger, reload: exp.Reload, close: exp.Close}, nil
}

func loading(path string) func() (*exporter.Config, error) {
	return func() (*exporter.Config, error) {
		return exporter.LoadConfig(path)
	}
}

// ProbeOptions say what one probe from the command line asks.
type ProbeOptions struct {
	ConfigFile, Module, Target string
	// Input is a file with a saved answer, read instead of asking.
	Input string
	// Story wants to know what happened, before the samples.
	Story bool
}

// Probe runs one probe and writes its samples to w. The error says why the probe
// failed, wholly or in part.
func Probe(ctx context.Context, w io.Writer, o ProbeOptions, logger *slog.Logger) error {
	ask := exporter.Ask{Module: o.Module, Target: exporter.Target{URL: o.Target}, Tell: o.Story}
	if o.Input != "" {
		saved, err := os.ReadFile(o.Input)
		if err != nil {
			return err
		}
		ask.Saved = append([]byte{}, saved...) // not nil, even if empty
	}
	exp, err := exporter.New(exporter.Options{
		Load:   loading(o.ConfigFile),
		Logger: slog.New(slog.DiscardHandler), // what it would log is returned
	})
	if err != nil {
		return err
	}
	defer func() {
		if err := exp.Close(); err != nil {
			logger.Warn("closing the exporter", "err", err)
		}
	}()
	result, err := exp.Do(ctx, ask)
	if err != nil {
		return err
	}
	if o.Story {
		if err := result.WriteStory(w); err != nil {
			return err
		}
	}
	if err := result.WriteText(w); err != nil {
		return err
	}
	var reasons []error
	for _, f := range result.Failures() {
		reasons = append(reasons, f)
	}
	if len(reasons) > 0 && result.Success() {
		return fmt.Errorf("module %q: some samples were dropped: %w", o.Module, errors.Join(reasons...))
	}
	return errors.Join(reasons...)
}
