package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/bongsu/bongsu/deploy/embedded/demo"
	"github.com/bongsu/bongsu/deploy/embedded/stack"
)

// stopping bounds how long rule evaluations may go on after the end was asked for; all other steps have bounds of their own.
const stopping = 10 * time.Second

// runDemo shows the demo until ctx ends, or plays its incident once.
func (u *up) runDemo(ctx context.Context, out io.Writer) error {
	began := time.Now()
	d, err := demo.Start(ctx, demo.Options{Listen: u.addresses(), Out: out, Logger: u.logger})
	if err != nil {
		return err
	}
	defer u.onHangup(d.Reload)()
	if u.once {
		err = d.Once(ctx)
	} else {
		d.Guide(out, time.Since(began))
		err = d.Show(ctx)
	}
	return errors.Join(err, stop(ctx, d.Stop))
}

// runDir runs the line on the user's files until ctx ends or a part fails.
func (u *up) runDir(ctx context.Context, out io.Writer) error {
	began := time.Now()
	dir := stack.Dir(u.dir)
	if _, err := os.Stat(u.dir); err != nil {
		return fmt.Errorf(`%w: "bongsu init %s" writes a directory to begin with`, err, u.dir)
	}
	s, err := stack.Start(ctx, stack.Options{
		Listen: u.addresses(), Config: dir.Config, DataDir: dir.Data(), WebConfigFile: u.webConfigFile, Logger: u.logger,
	})
	if err != nil {
		return err
	}
	defer u.onHangup(s.Reload)()
	if err := u.warn(dir, s.Addresses()); err != nil {
		return errors.Join(err, stop(ctx, s.Stop))
	}
	s.Guide(out, time.Since(began), s.Places(), []stack.Try{
		{Do: "open " + s.URL(stack.Receiver) + "/", What: "the messages and what became of them"},
		{Do: "curl " + s.URL(stack.Exporter) + "/probe", What: "what is polled"},
		{Do: fmt.Sprintf("bongsu check %s; kill -HUP %d", u.dir, os.Getpid()), What: "after a change of a file"},
	})
	select {
	case <-ctx.Done():
	case err = <-s.Failed():
	}
	return errors.Join(err, stop(ctx, s.Stop))
}

func (u *up) warn(dir stack.Dir, at stack.Addresses) error {
	warnings, err := dir.Warnings(at)
	for _, w := range warnings {
		u.logger.Warn(w)
	}
	return err
}

// stop gives what has to end its own time, since ctx has ended by then.
func stop(ctx context.Context, end func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopping)
	defer cancel()
	return end(ctx)
}

// onHangup reloads at each SIGHUP, until the returned function is called.
func (u *up) onHangup(reload func() error) (done func()) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range hup {
			if err := reload(); err != nil {
				u.logger.Error("reload refused, the last good config stays", "err", err)
				continue
			}
			u.logger.Info("config reloaded")
		}
	}()
	return func() {
		signal.Stop(hup)
		close(hup)
		<-ended
	}
}
