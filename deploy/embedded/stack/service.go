package stack

import (
	"context"
	"errors"
	"net"

	toolkit "github.com/prometheus/exporter-toolkit/web"

	"github.com/bongsu/bongsu/deploy"
	"github.com/bongsu/bongsu/deploy/embedded/serve"
)

var errEnded = errors.New("has ended by itself")

// newService is deploy.NewReceiver or deploy.NewExporter.
type newService func(context.Context, deploy.Options) (*deploy.Service, error)

// startService makes one of our own parts and lets it run until it is stopped. It returns the part's address.
func (s *Stack) startService(ctx context.Context, p Part, build newService, o deploy.Options) (addr string, err error) {
	scheme, err := serve.Scheme(s.opts.WebConfigFile)
	if err != nil {
		return "", err
	}
	var svc *deploy.Service
	o.Logger = s.logger(p)
	move, err := place(p, s.opts.Listen[p], func(addr string) (string, error) {
		o.Web = webFlags(addr, s.opts.WebConfigFile)
		if svc, err = build(ctx, o); err != nil {
			return "", err
		}
		return svc.Addr(), nil
	})
	s.moved(move)
	if err != nil {
		return "", err
	}
	s.add(s.run(ctx, p, svc), scheme+"://"+Reachable(svc.Addr()))
	return svc.Addr(), nil
}

// run gives the service a goroutine. Its life doesn't end with ctx but with stop, so that the parts end in order.
func (s *Stack) run(ctx context.Context, p Part, svc *deploy.Service) part {
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	failed, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		err := svc.Run(running)
		if running.Err() == nil {
			failed <- errors.Join(errEnded, err)
		}
		ended <- err
	}()
	s.watch(p, failed)
	return part{p, svc.Reload, func(context.Context) error {
		end()
		return <-ended
	}}
}

func webFlags(addr, configFile string) *toolkit.FlagConfig {
	systemd := false
	return &toolkit.FlagConfig{WebListenAddresses: &[]string{addr}, WebSystemdSocket: &systemd, WebConfigFile: &configFile}
}

// Reachable turns the address of a listener on every interface into one that can be called.
func Reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("localhost", port)
	}
	return addr
}
