package prom

import (
	"errors"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/prometheus/common/version"
	"github.com/prometheus/prometheus/util/notifications"
	upstream "github.com/prometheus/prometheus/web"

	"github.com/bongsu/bongsu/internal/web"
)

// Limits of the HTTP API, as in Prometheus's main.
const (
	maxSubscribers         = 16
	remoteReadSampleLimit  = 5e7
	remoteReadConcurrency  = 10
	remoteReadBytesInFrame = 1 << 20
	apiReadTimeout         = queryTimeout + queryTimeout/2
	upstreamModule         = "github.com/prometheus/prometheus"
)

var errNotRunning = errors.New("the embedded Prometheus is not running")

func (s *Server) buildWeb() {
	n := notifications.NewNotifications(maxSubscribers, s.registry)
	s.web = upstream.New(s.log("web"), &upstream.Options{
		Context:                    s.answering,
		TSDBDir:                    s.opts.DataDir,
		LocalStorage:               s.db,
		Storage:                    s.db,
		ExemplarStorage:            s.db,
		QueryEngine:                s.engine,
		LookbackDelta:              lookbackDelta,
		ScrapeManager:              s.scrape,
		RuleManager:                s.rules,
		Notifier:                   s.notifier,
		Version:                    upstreamVersion(),
		NotificationsGetter:        n.Get,
		NotificationsSub:           n.Sub,
		Flags:                      map[string]string{},
		ListenAddresses:            []string{s.externalURL.Host},
		ReadTimeout:                apiReadTimeout,
		ExternalURL:                s.externalURL,
		RoutePrefix:                "/",
		RemoteReadSampleLimit:      remoteReadSampleLimit,
		RemoteReadConcurrencyLimit: remoteReadConcurrency,
		RemoteReadBytesInFrame:     remoteReadBytesInFrame,
		AppName:                    "Prometheus",
		Gatherer:                   s.registry,
		Registerer:                 s.registry,
		Parser:                     s.parser,
	})
}

// mux is what the outside sees: our own pages, and of upstream's handler the API alone. Upstream's /metrics and /debug show the whole
// process and are left out; so is its user interface, which is not built in.
func (s *Server) mux() http.Handler {
	m := web.NewRouter(web.Options{
		Title:       "Prometheus, embedded in Bongsu",
		Description: "Scrapes, keeps samples, judges rules. It serves the HTTP API of a Prometheus server: point Grafana and promtool at it. The web pages of Prometheus are not built in.",
		Links: []web.Link{
			{Path: "/api/v1/query?query=up", Text: "/api/v1/query?query=up", Description: "a first query: which targets are up"},
			{Path: "/api/v1/alerts", Text: "/api/v1/alerts", Description: "alerts that are pending or firing"},
			{Path: "/api/v1/rules", Text: "/api/v1/rules", Description: "rules and how they fare"},
			{Path: "/api/v1/targets", Text: "/api/v1/targets", Description: "what is scraped"},
		},
		Registry: s.registry,
		Ready:    s.ready,
		Reload:   s.Reload,
		Logger:   s.log("http"),
	})
	api := s.memory.Proxy()
	for _, path := range []string{"/api/", "/federate", "/version"} {
		m.PathPrefix(path).Handler(api)
	}
	m.HandleFunc("/graph", answerLink).Methods(http.MethodGet)
	m.HandleFunc("/query", answerLink).Methods(http.MethodGet)
	return m.SkipClean(true)
}

func (s *Server) ready() error {
	if s.state.Load() != running {
		return errNotRunning
	}
	return nil
}

// answerLink makes the "source" link of an alert useful without upstream's pages: it leads to the query's present answer as JSON.
func answerLink(w http.ResponseWriter, r *http.Request) {
	query := url.Values{"query": {r.FormValue("g0.expr")}}
	http.Redirect(w, r, "api/v1/query?"+query.Encode(), http.StatusFound)
}

// upstreamVersion says which Prometheus is built in. Clients such as Grafana choose their features by it. Module v0.315.0 is release 3.15.0.
func upstreamVersion() *upstream.PrometheusVersion {
	v := &upstream.PrometheusVersion{Version: "3.0.0", GoVersion: version.GoVersion, Revision: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, dep := range info.Deps {
		if minor, ok := strings.CutPrefix(dep.Version, "v0.3"); ok && dep.Path == upstreamModule {
			v.Version, v.Revision = "3."+minor, dep.Version
		}
	}
	return v
}
