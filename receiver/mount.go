package receiver

import (
	"net/http"

	"github.com/gorilla/mux"
)

// Register mounts the webhook, the status page and its API on router:
//
//	POST /webhook, /webhook/{receiver}
//	GET  /, /deliveries/{id}, /quarantine
//	GET  /api/v1/deliveries, /api/v1/deliveries/{id}, /api/v1/quarantine, /api/v1/stats
func (r *Receiver) Register(router *mux.Router) {
	hook := &webhook{config: r.Config, outbox: r.options.Store, metrics: r.metrics, logger: r.logger, refused: &r.refused}
	router.Handle("/webhook", hook)
	router.Handle("/webhook/{receiver:.*}", hook)

	read := router.Methods(http.MethodGet, http.MethodHead).Subrouter()
	read.HandleFunc("/", r.pages.list)
	read.HandleFunc("/deliveries/{id:[0-9]+}", r.pages.show)
	read.HandleFunc("/quarantine", r.pages.quarantine)
	read.HandleFunc("/assets/status.css", r.pages.style)
	read.HandleFunc("/api/v1/deliveries", r.pages.listJSON)
	read.HandleFunc("/api/v1/deliveries/{id:[0-9]+}", r.pages.showJSON)
	read.HandleFunc("/api/v1/quarantine", r.pages.quarantineJSON)
	read.HandleFunc("/api/v1/stats", r.pages.statsJSON)
}
