// Package web gives every listener the same manners: health, readiness, its own
// metrics, reload, a first page, TLS with auth, a graceful end.
package web

import (
	"fmt"
	"html"
	"log/slog"
	"net/http"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// Options are what one listener shows. Registry and Logger are required.
type Options struct {
	// Title and Description head the landing page. Without a title there is no
	// landing page: the room has a first page of its own.
	Title, Description string
	// Links are listed on the landing page, before those that all have.
	Links []Link
	// Registry is what /metrics shows.
	Registry *prometheus.Registry
	// Ready says why not, or nil. Without it the listener is always ready.
	Ready func() error
	// Reload takes up changed files. Without it there is no /-/reload.
	Reload func() error
	Logger *slog.Logger
}

// Link is one line of the landing page.
type Link struct{ Path, Text, Description string }

// NewRouter returns a router with the routes that every listener has.
func NewRouter(o Options) *mux.Router {
	r := mux.NewRouter()
	r.HandleFunc("/-/healthy", healthy).Methods(http.MethodGet, http.MethodHead)
	r.Handle("/-/ready", readiness(o.Ready)).Methods(http.MethodGet, http.MethodHead)
	r.Handle("/metrics", promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{Registry: o.Registry})).Methods(http.MethodGet)
	if o.Reload != nil {
		r.Handle("/-/reload", reloading(o.Reload, o.Logger)).Methods(http.MethodPost, http.MethodPut)
	}
	if o.Title != "" {
		r.Handle("/", landing(o)).Methods(http.MethodGet, http.MethodHead)
	}
	return r
}

func healthy(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "healthy") }

func readiness(ready func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if ready != nil {
			if err := ready(); err != nil {
				http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		fmt.Fprintln(w, "ready")
	})
}

func reloading(reload func() error, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := reload(); err != nil {
			logger.Error("reload refused, the last good config stays", "err", err)
			http.Error(w, "the last good config stays: "+err.Error(), http.StatusInternalServerError)
			return
		}
		logger.Info("config reloaded")
		fmt.Fprintln(w, "reloaded")
	})
}

func landing(o Options) http.Handler {
	c := toolkit.LandingConfig{
		Name:        html.EscapeString(o.Title),
		Description: html.EscapeString(o.Description),
		HeaderColor: "#7a1f1f",
		Version:     version.Version,
		Profiling:   "false",
	}
	links := append(o.Links, Link{"/metrics", "Metrics", "what this process says of itself"},
		Link{"/-/healthy", "Healthy", "the process is up"}, Link{"/-/ready", "Ready", "it can do its work"})
	for _, l := range links {
		c.Links = append(c.Links, toolkit.LandingLinks{
			Address: html.EscapeString(l.Path), Text: html.EscapeString(l.Text), Description: html.EscapeString(l.Description),
		})
	}
	page, err := toolkit.NewLandingPage(c)
	if err != nil {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		})
	}
	return page
}
