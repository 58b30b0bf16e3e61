package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	_ "time/tzdata" // timezone: works in a container that has no zone files

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bongsu/bongsu/internal/web"
	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/email"
	"github.com/bongsu/bongsu/receiver/slack"
	"github.com/bongsu/bongsu/receiver/sms"
)

// ReceiverAddress is where the receiver listens unless told otherwise.
const ReceiverAddress = ":9744"

// Kinds are the kinds of channel that a receiver.yml may name.
func Kinds() receiver.Kinds {
	return receiver.Kinds{
		"email": email.Kind,
		"sms":   sms.Kind,
		"slack": slack.Kind,
	}
}

// NewReceiver wires the receiver and takes its address and its storage. Run lets
// go of both.
func NewReceiver(ctx context.Context, o Options) (*Service, error) {
	reg := newRegistry("bongsu_receiver")
	store, err := openStore(ctx, o.Storage, o.Logger, reg)
	if err != nil {
		return nil, err
	}
	svc, err := newReceiver(ctx, o, store, reg)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return svc, nil
}

func newReceiver(ctx context.Context, o Options, store receiver.Store, reg *prometheus.Registry) (*Service, error) {
	rec, err := receiver.New(receiver.Options{
		ConfigFile: o.ConfigFile,
		Kinds:      Kinds(),
		Store:      store,
		Registerer: reg,
		Logger:     o.Logger,
		Worker:     workerName(),
	})
	if err != nil {
		return nil, err
	}
	router := web.NewRouter(web.Options{Registry: reg, Ready: rec.Ready, Reload: rec.Reload, Logger: o.Logger})
	rec.Register(router)
	ls, err := web.Listen(ctx, o.Web)
	if err != nil {
		return nil, err
	}
	if web.Open(ls, o.Web) {
		o.Logger.Warn("anybody who reaches this address can send messages to your channels and read their history, " +
			"for there is no TLS or auth: give --web.config.file or listen on 127.0.0.1")
	}
	return &Service{
		listeners: ls, handler: router, web: o.Web, logger: o.Logger,
		work: rec.Run, reload: rec.Reload, close: store.Close,
	}, nil
}

// workerName tells in a delivery's history who tried it.
func workerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

func checkReceiver(path string, _ []byte) error {
	_, err := receiver.LoadConfig(path, Kinds(), slog.New(slog.DiscardHandler))
	return err
}
