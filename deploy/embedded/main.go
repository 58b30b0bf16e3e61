// Bongsu-stack is the second binary, which "bongsu up" hands over to: exporter, Prometheus, Alertmanager and receiver in one process.
//
// This file is flags and signals; the parts are put together in stack, and the demo is in demo.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	"github.com/prometheus/common/version"

	"github.com/bongsu/bongsu/deploy/embedded/demo"
	"github.com/bongsu/bongsu/deploy/embedded/stack"
)

const about = `Run everything in one process: exporter, Prometheus, Alertmanager, receiver.

Without DIR it is a demo: a shop goes wrong, and an inbox page shows what arrives. With DIR it runs your own exporter.yml, rules/*.yml,
alertmanager.yml, receiver.yml and prometheus.yml, the files that stand-alone servers load too; data is kept in DIR/data. SIGHUP has
all files read anew, POST /-/reload at a part's address those of that part.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE)
	context.AfterFunc(ctx, stop) // so that a second signal ends it at once
	spareMemory()
	if err := run(ctx, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "bongsu: %v\n", err)
		os.Exit(1)
	}
}

// spareMemory collects garbage earlier than Go does, as Prometheus itself does, unless GOGC says otherwise: a small line allocates little, and
// shares its machine with what it watches.
func spareMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

func run(ctx context.Context, out io.Writer, args []string) error {
	var u up
	if err := u.parse(args); err != nil {
		return fmt.Errorf("%w, try --help", err)
	}
	switch {
	case u.dir != "" && u.once:
		return fmt.Errorf("--once is the demo's, and takes no DIR")
	case u.dir != "":
		return u.runDir(ctx, out)
	case u.webConfigFile != "":
		return fmt.Errorf("--web.config.file needs a DIR, in whose files the parts are given their passwords: the demo has none")
	}
	return u.runDemo(ctx, out)
}

// up is the command, with its flags.
type up struct {
	dir           string
	once          bool
	webConfigFile string
	listen        map[stack.Part]*stack.Address
	logger        *slog.Logger
}

// listening is a part with the default of its flag.
type listening struct {
	part          stack.Part
	address, help string
}

func defaults() []listening {
	return []listening{
		{demo.Part, "127.0.0.1:9742", "Address of the demo's inbox and shop."},
		{stack.Exporter, "127.0.0.1:9743", "Address of the exporter."},
		{stack.Receiver, "127.0.0.1:9744", "Address of the receiver: webhook and status page."},
		{stack.Prometheus, "127.0.0.1:9090", "Address of Prometheus."},
		{stack.Alertmanager, "127.0.0.1:9093", "Address of Alertmanager."},
	}
}

func (u *up) parse(args []string) error {
	app := kingpin.New("bongsu", "From a polled answer to the right person's phone, with nothing lost on the way.")
	app.Version(version.Print("bongsu-stack"))
	app.HelpFlag.Short('h')
	app.UsageWriter(os.Stdout)
	logs := &promslog.Config{}
	promslogflag.AddFlags(app, logs)
	app.GetFlag(promslogflag.LevelFlagName).Default("warn") // or the guide would be lost among lines
	cmd := app.Command("up", about)
	cmd.Arg("DIR", `Directory with your own files ("bongsu init DIR" writes one to begin with); without it the built-in demo.`).StringVar(&u.dir)
	cmd.Flag("once", "Run the demo's incident from start to end, print each hop, and exit: 1 if a hop was missed.").BoolVar(&u.once)
	cmd.Flag("web.config.file", "TLS and auth of all listeners, see exporter-toolkit's web configuration.").StringVar(&u.webConfigFile)
	u.listen = map[stack.Part]*stack.Address{}
	given := map[stack.Part]*bool{}
	for _, l := range defaults() {
		a, isSet := &stack.Address{}, new(bool)
		cmd.Flag(string(l.part)+".listen-address", l.help).Default(l.address).IsSetByUser(isSet).StringVar(&a.HostPort)
		u.listen[l.part], given[l.part] = a, isSet
	}
	if _, err := app.Parse(args); err != nil {
		return err
	}
	for part, a := range u.listen {
		// A user's own files speak of fixed addresses, those of the demo are written for the addresses that it got.
		a.Movable = u.dir == "" && !*given[part]
	}
	u.logger = promslog.New(logs)
	return nil
}

func (u *up) addresses() map[stack.Part]stack.Address {
	m := map[stack.Part]stack.Address{}
	for part, a := range u.listen {
		m[part] = *a
	}
	return m
}
