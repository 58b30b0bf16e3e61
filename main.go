// Bongsu takes people who run something behind an HTTP API or a database from a
// polled answer to the right person's phone, with nothing lost on the way.
//
// This file is flags and signals; the parts are put together in deploy, and
// what they do is in their rooms.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	"github.com/prometheus/common/version"
	toolkitflag "github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/bongsu/bongsu/deploy"
)

const about = `From a polled answer to the right person's phone, with nothing lost on the way.

The exporter turns HTTP answers and database rows into Prometheus metrics. The receiver turns
Alertmanager's webhooks into email, SMS and Slack messages that arrive. Each works alone beside
your own Prometheus, Alertmanager and Grafana; "bongsu up" runs all of it in one process.`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "bongsu: %v\n", err)
		os.Exit(1)
	}
}

// command is one subcommand: its flags are set when it is called.
type command func(ctx context.Context, logger *slog.Logger) error

func run(args []string) error {
	if wantsStack(args) {
		return execStack(args)
	}
	app := kingpin.New("bongsu", about)
	app.Version(version.Print("bongsu"))
	app.HelpFlag.Short('h')
	app.UsageWriter(os.Stdout)
	logs := &promslog.Config{}
	promslogflag.AddFlags(app, logs)

	commands := map[string]command{}
	addUp(app)
	addInit(app, commands)
	addExporter(app, commands)
	addReceiver(app, commands)
	addCheck(app, commands)
	addProbe(app, commands)
	addOutbox(app, commands)

	name, err := app.Parse(args)
	if err != nil {
		return fmt.Errorf("%w, try --help", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return commands[name](ctx, promslog.New(logs))
}

func addUp(app *kingpin.Application) {
	up := app.Command("up", "Run everything in one process: exporter, Prometheus, Alertmanager, receiver. "+
		"Handed over to bongsu-stack, which must stand beside bongsu or on PATH. See bongsu up --help.")
	up.Arg("DIR", "Your exporter.yml, prometheus.yml, rules/*.yml, alertmanager.yml and receiver.yml; without it the built-in demo.").String()
}

func addInit(app *kingpin.Application, commands map[string]command) {
	cmd := app.Command("init", "Write a commented starter directory that \"up DIR\" runs and \"check DIR\" passes.")
	dir := cmd.Arg("DIR", "The directory; files that are there already are left alone.").Required().String()
	commands[cmd.FullCommand()] = func(context.Context, *slog.Logger) error {
		return deploy.Init(os.Stdout, *dir)
	}
}

func addExporter(app *kingpin.Application, commands map[string]command) {
	cmd := app.Command("exporter", "Turn polled HTTP answers and database rows into Prometheus metrics: /probe?module=NAME&target=URL.")
	o := deploy.Options{
		Web: toolkitflag.AddFlags(cmd, deploy.ExporterAddress),
	}
	cmd.Flag("config.file", "The exporter's modules. Reloaded by SIGHUP and POST /-/reload.").Default("exporter.yml").StringVar(&o.ConfigFile)
	cmd.Flag("probe.max-concurrent", "How many probes may run at once, the others waiting within their time; 0 is no limit.").Default("0").IntVar(&o.MaxProbes)
	commands[cmd.FullCommand()] = serve(&o, deploy.NewExporter)
}

func addReceiver(app *kingpin.Application, commands map[string]command) {
	cmd := app.Command("receiver", "Turn Alertmanager's webhooks (POST /webhook) into email, SMS and Slack messages that arrive.")
	o := deploy.Options{
		Web: toolkitflag.AddFlags(cmd, deploy.ReceiverAddress),
	}
	cmd.Flag("config.file", "The receiver's channels and routes. Reloaded by SIGHUP and POST /-/reload.").Default("receiver.yml").StringVar(&o.ConfigFile)
	storageFlag(cmd, &o.Storage)
	commands[cmd.FullCommand()] = serve(&o, deploy.NewReceiver)
}

func storageFlag(cmd *kingpin.CmdClause, storage *string) {
	cmd.Flag("storage", "Where the outbox is kept: sqlite:PATH for one receiver, postgres://USER@HOST/DATABASE for several that share it.").Default("sqlite:bongsu.db").StringVar(storage)
}

// serve runs a part until a signal ends it; SIGHUP reloads its config.
func serve(o *deploy.Options, build func(context.Context, deploy.Options) (*deploy.Service, error)) command {
	return func(ctx context.Context, logger *slog.Logger) error {
		o.Logger = logger
		svc, err := build(ctx, *o)
		if err != nil {
			return err
		}
		logger.Info("listening", "address", svc.Addr(), "config", o.ConfigFile, "version", version.Info())
		hup := make(chan os.Signal, 1)
		signal.Notify(hup, syscall.SIGHUP)
		defer signal.Stop(hup)
		go func() {
			for range hup {
				if err := svc.Reload(); err != nil {
					logger.Error("reload refused, the last good config stays", "err", err)
					continue
				}
				logger.Info("config reloaded")
			}
		}()
		defer close(hup)
		return svc.Run(ctx)
	}
}

func addCheck(app *kingpin.Application, commands map[string]command) {
	cmd := app.Command("check", "Load files of ours, rule files and alertmanager.yml, and print file:line, what is wrong and what was expected.")
	paths := cmd.Arg("PATH", "Files, or directories whose *.yml are checked.").Required().Strings()
	commands[cmd.FullCommand()] = func(context.Context, *slog.Logger) error {
		if err := deploy.Check(os.Stdout, *paths...); err != nil {
			fmt.Println(err)
			return errors.New("the files above have problems")
		}
		return nil
	}
}

func addProbe(app *kingpin.Application, commands map[string]command) {
	cmd := app.Command("probe", "Run one probe and print its samples, or the reason why there are none.")
	var o deploy.ProbeOptions
	cmd.Flag("config.file", "The exporter's modules.").Default("exporter.yml").StringVar(&o.ConfigFile)
	timeout := cmd.Flag("timeout", "How long the probe may take.").Default("10s").Duration()
	cmd.Flag("input", "A file with a saved answer, read instead of asking.").StringVar(&o.Input)
	cmd.Flag("debug", "Tell what was asked, what came, and each sample or why not.").BoolVar(&o.Story)
	cmd.Arg("MODULE", "Name of the module.").Required().StringVar(&o.Module)
	cmd.Arg("TARGET", "URL to ask, for a module without one of its own.").StringVar(&o.Target)
	commands[cmd.FullCommand()] = func(ctx context.Context, logger *slog.Logger) error {
		ctx, cancel := context.WithTimeout(ctx, *timeout)
		defer cancel()
		return deploy.Probe(ctx, os.Stdout, o, logger)
	}
}

func addOutbox(app *kingpin.Application, commands map[string]command) {
	cmd := app.Command("outbox", "Look at the receiver's deliveries and move them by hand, while it runs or not.")
	var storage string
	storageFlag(cmd, &storage)
	desk := func(sub *kingpin.CmdClause, act func(context.Context, *deploy.Desk) error) {
		commands[sub.FullCommand()] = func(ctx context.Context, logger *slog.Logger) error {
			d, err := deploy.OpenDesk(ctx, storage, os.Stdout, logger)
			if err != nil {
				return err
			}
			return errors.Join(act(ctx, d), d.Close())
		}
	}
	list := cmd.Command("list", "List deliveries, newest first.")
	state := list.Flag("state", "Only those that are pending, delivered or dead.").Enum("pending", "delivered", "dead")
	channel := list.Flag("channel", "Only those of this channel.").String()
	limit := list.Flag("limit", "At most so many.").Default("50").Int()
	desk(list, func(ctx context.Context, d *deploy.Desk) error { return d.List(ctx, *state, *channel, *limit) })

	show := cmd.Command("show", "Show a delivery with its attempts and its notification.")
	id := show.Arg("ID", "From outbox list.").Required().Int64()
	desk(show, func(ctx context.Context, d *deploy.Desk) error { return d.Show(ctx, *id) })

	retry := cmd.Command("retry", "Have dead deliveries sent again, now.")
	retryIDs := retry.Arg("ID", "From outbox list --state=dead; none means all dead ones of --channel.").Int64List()
	retryChannel := retry.Flag("channel", "All dead deliveries of this channel; \"*\" for every channel.").String()
	desk(retry, func(ctx context.Context, d *deploy.Desk) error { return d.Retry(ctx, *retryChannel, *retryIDs) })

	discard := cmd.Command("discard", "Give deliveries up: they are not sent, and count as dealt with.")
	discardIDs := discard.Arg("ID", "From outbox list.").Required().Int64List()
	desk(discard, func(ctx context.Context, d *deploy.Desk) error { return d.Discard(ctx, *discardIDs) })
}

// wantsStack reports whether the first word that is no flag is up.
func wantsStack(args []string) bool {
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			return a == "up"
		}
	}
	return false
}

// execStack becomes bongsu-stack, which knows what follows.
func execStack(args []string) error {
	path, err := deploy.FindStack()
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", path, syscall.Exec(path, append([]string{"bongsu-stack"}, args...), os.Environ()))
}
