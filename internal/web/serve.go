package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// drain bounds how long requests under way may go on after the end was asked
// for.
const drain = 5 * time.Second

// Listen opens the listeners that flags name. A systemd socket is opened by
// Serve instead: then there are none.
func Listen(ctx context.Context, flags *toolkit.FlagConfig) ([]net.Listener, error) {
	if flags.WebSystemdSocket != nil && *flags.WebSystemdSocket {
		return nil, nil
	}
	var ls []net.Listener
	for _, addr := range *flags.WebListenAddresses {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		if err != nil {
			closeAll(ls)
			return nil, fmt.Errorf("--web.listen-address=%s: %w", addr, err)
		}
		ls = append(ls, l)
	}
	return ls, nil
}

// Serve answers on ls with h, behind the TLS and auth of flags' web config
// file, until ctx ends; then it lets requests under way finish within a bound.
// It returns nil after such an end.
func Serve(ctx context.Context, ls []net.Listener, h http.Handler, flags *toolkit.FlagConfig, logger *slog.Logger) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() {
		if ls == nil {
			ended <- toolkit.ListenAndServe(srv, flags, logger)
			return
		}
		ended <- toolkit.ServeMultiple(ls, srv, flags, logger)
	}()
	select {
	case err := <-ended:
		closeAll(ls)
		return err
	case <-ctx.Done():
	}
	err := shutdown(context.WithoutCancel(ctx), srv)
	if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

func shutdown(ctx context.Context, srv *http.Server) error {
	bound, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	if err := srv.Shutdown(bound); err != nil {
		return srv.Close()
	}
	return nil
}

func closeAll(ls []net.Listener) {
	for _, l := range ls {
		_ = l.Close()
	}
}

// Open reports whether somebody on another machine could call the listeners
// without TLS or auth: they are bound beyond loopback and no web config file
// is given.
func Open(ls []net.Listener, flags *toolkit.FlagConfig) bool {
	if flags.WebConfigFile != nil && *flags.WebConfigFile != "" {
		return false
	}
	for _, l := range ls {
		if a, ok := l.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
			return true
		}
	}
	return false
}
