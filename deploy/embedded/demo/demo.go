// Package demo is the line on show: a shop that goes wrong, and an inbox that plays the mail program, the phone and the Slack channel of
// whoever is on call. All of it lives in a temporary directory and on loopback.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	toolkit "github.com/prometheus/exporter-toolkit/web"

	"github.com/bongsu/bongsu/deploy/embedded/stack"
	"github.com/bongsu/bongsu/internal/web"
	"github.com/bongsu/bongsu/receiver/inbox"
)

// Part is the demo as a listener: its address has the flag --demo.listen-address.
const Part stack.Part = "demo"

// Options of a Demo.
type Options struct {
	// Listen is where the four parts and Part listen.
	Listen map[stack.Part]stack.Address
	// Out gets the hops of each incident as they happen.
	Out io.Writer
	// Logger is required.
	Logger *slog.Logger

	limits limits             // zero: usualLimits
	sick   func(*inbox.Inbox) // a test's chance to break something
}

// Demo is the line on show, running. Stop it when done.
type Demo struct {
	opts     Options
	dir      string
	stack    *stack.Stack
	inbox    *inbox.Inbox
	shop     *shop
	director *director
	client   *http.Client
	addr     string
	moves    []stack.Move

	stop  context.CancelFunc
	tasks sync.WaitGroup
	ended chan error
}

// Start makes the temporary directory, the far side and the shop, and starts the line on them. After an error nothing is left.
func Start(ctx context.Context, o Options) (*Demo, error) {
	if o.limits == (limits{}) {
		o.limits = usualLimits()
	}
	dir, err := os.MkdirTemp("", "bongsu-demo-")
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	d := &Demo{opts: o, dir: dir, stop: stop, ended: make(chan error, 4), client: &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}}
	if err := d.start(ctx, running); err != nil {
		return nil, errors.Join(err, d.Stop(context.WithoutCancel(ctx)))
	}
	return d, nil
}

// start is straight-line wiring: shop, far side, their listener, the line, the director.
func (d *Demo) start(ctx, running context.Context) (err error) {
	if d.shop, err = openShop(ctx, filepath.Join(d.dir, "shop.db")); err != nil {
		return err
	}
	keys := newSecrets()
	const account = "AC0demo"
	d.inbox, err = inbox.New(inbox.Options{
		Logger: d.opts.Logger,
		SMTP:   inbox.SMTPOptions{Username: "bongsu", Password: keys.SMTP},
		Twilio: inbox.TwilioOptions{AccountSID: account, AuthToken: keys.Twilio},
		Slack:  inbox.SlackOptions{Token: keys.Slack, Channels: []string{"#ops"}},
	})
	if err != nil {
		return err
	}
	if d.opts.sick != nil {
		d.opts.sick(d.inbox)
	}
	err = errors.Join(keys.write(d.dir), writeRules(d.dir), os.WriteFile(filepath.Join(d.dir, "inbox.pem"), d.inbox.CertPEM(), 0o600))
	if err != nil {
		return err
	}
	smtp, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.tasks.Go(func() { _ = d.inbox.ServeSMTP(smtp) }) // until Close; the error says no more
	pages, err := d.listen(ctx)
	if err != nil {
		return err
	}
	d.addr = pages.Addr().String()
	return errors.Join(d.startLine(ctx, values{Dir: d.dir, Demo: d.addr, SMTP: smtp.Addr().String(), TwilioSID: account}), d.serve(running, pages))
}

func (d *Demo) listen(ctx context.Context) (l net.Listener, err error) {
	l, move, err := stack.Listen(ctx, Part, d.opts.Listen[Part])
	if move != nil {
		d.moves = append(d.moves, *move)
	}
	return l, err
}

// startLine starts the four parts on files that name each other's real addresses.
func (d *Demo) startLine(ctx context.Context, v values) (err error) {
	d.stack, err = stack.Start(ctx, stack.Options{
		Listen:  d.opts.Listen,
		DataDir: filepath.Join(d.dir, "data"),
		Logger:  d.opts.Logger,
		Config: func(p stack.Part, at stack.Addresses) (string, error) {
			v.Addresses = at
			return render(p, v)
		},
	})
	return err
}

// serve starts what runs beside the line: the pages, the shop's trade, the director.
func (d *Demo) serve(ctx context.Context, l net.Listener) error {
	if d.stack == nil {
		return l.Close()
	}
	d.director = newDirector(d.shop, d.line(), &journal{out: d.opts.Out}, d.opts.limits)
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	router := web.NewRouter(web.Options{Registry: reg, Logger: d.opts.Logger})
	if err := mount(router, d.director, d.inbox, d.stack.Places()); err != nil {
		return errors.Join(err, l.Close())
	}
	d.task(func() error {
		return web.Serve(ctx, []net.Listener{l}, router, &toolkit.FlagConfig{WebConfigFile: new(string)}, d.opts.Logger)
	})
	d.task(func() error { return d.shop.run(ctx) })
	d.task(func() error { d.director.run(ctx); return nil })
	return nil
}

func (d *Demo) task(run func() error) {
	d.tasks.Go(func() {
		if err := run(); err != nil {
			d.ended <- fmt.Errorf("demo: %w", err)
		}
	})
}

func (d *Demo) line() *line {
	return &line{
		prometheus:   d.stack.URL(stack.Prometheus),
		alertmanager: d.stack.URL(stack.Alertmanager),
		receiver:     d.stack.URL(stack.Receiver),
		inbox:        d.inbox,
		client:       d.client,
	}
}

// Guide writes where everything is, and what to try next.
func (d *Demo) Guide(w io.Writer, took time.Duration) {
	url := "http://" + stack.Reachable(d.addr)
	places := append([]stack.Place{{Name: "demo inbox", URL: url + "/", What: "what the mail program, the phone and the Slack channel get"}}, d.stack.Places()...)
	for _, m := range d.moves {
		fmt.Fprintln(w, m)
	}
	d.stack.Guide(w, took, places, []stack.Try{
		{Do: "open " + url + "/", What: "watch the first incident arrive; start the next one there"},
		{Do: "curl " + d.stack.URL(stack.Exporter) + "/probe", What: "the shop as metrics"},
		{Do: "curl -d kind=payment " + url + "/shop/incident", What: "another incident; action=end ends it"},
		{Do: "bongsu init DIR; bongsu up DIR", What: "the same with files of your own"},
		{Do: "https://github.com/bongsu/bongsu#readme", What: "the manual"},
	})
}

// Show starts the first incident after a moment, ends it a moment after it was told of, and leaves all others to whoever presses the
// buttons. It returns when ctx ends, or with the error of a part that ended by itself.
func (d *Demo) Show(ctx context.Context) error {
	const moment, linger = 3 * time.Second, 6 * time.Second
	first := time.AfterFunc(moment, func() { _ = d.director.start(incidentOrders, linger) }) // somebody else may have been faster
	defer first.Stop()
	select {
	case <-ctx.Done():
		return nil
	case err := <-d.ended:
		return err
	case err := <-d.stack.Failed():
		return err
	}
}

// Once plays one incident from its start to the last message that it is over. Its error names the hop that was missed.
func (d *Demo) Once(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		select {
		case err := <-d.ended:
			cancel(err)
		case err := <-d.stack.Failed():
			cancel(err)
		case <-ctx.Done():
		}
	}()
	err := d.director.once(ctx, incidentOrders)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	cancel(nil)
	<-watching
	return err
}

// Reload has every part read its files anew.
func (d *Demo) Reload() error { return d.stack.Reload() }

// Stop ends the line, then the far side and the shop, and removes the temporary directory.
func (d *Demo) Stop(ctx context.Context) error {
	var errs []error
	if d.stack != nil {
		errs = append(errs, d.stack.Stop(ctx))
	}
	d.stop()
	if d.inbox != nil {
		d.inbox.Close()
	}
	d.tasks.Wait()
	if d.shop != nil {
		errs = append(errs, d.shop.close())
	}
	d.client.CloseIdleConnections()
	return errors.Join(append(errs, os.RemoveAll(d.dir))...)
}
