package demo

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/bongsu/bongsu/deploy/embedded/stack"
	"github.com/bongsu/bongsu/receiver/inbox"
)

// page is what a browser sees around the inbox.
//
//go:embed page
var page embed.FS

// policy lets the page do what it does and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// mount puts the demo's own pages on the router:
//
//	GET  /                the incident's hops and buttons above the inbox
//	POST /shop/incident   kind=orders or payment starts an incident, action=end ends it
//	GET  /hops.json       the last incident's story
//	GET  /api/orders, /api/payment   the shop that is watched
//	     /inbox/          the far side: mail, SMS and Slack as they arrived
func mount(router *mux.Router, d *director, in *inbox.Inbox, links []stack.Place) error {
	assets, err := fs.Sub(page, "page")
	if err != nil {
		return err
	}
	index, err := renderIndex(assets, links)
	if err != nil {
		return err
	}
	get := router.Methods(http.MethodGet, http.MethodHead).Subrouter()
	get.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(index)
	})
	get.Handle("/page/{file:demo\\.(?:css|js)}", http.StripPrefix("/page/", http.FileServerFS(assets)))
	get.HandleFunc("/hops.json", d.story)
	get.HandleFunc("/api/orders", d.shop.orders)
	get.HandleFunc("/api/payment", d.shop.payment)
	// A page of somebody else must not start incidents through the visitor's browser.
	router.Handle("/shop/incident", http.NewCrossOriginProtection().Handler(http.HandlerFunc(d.command))).Methods(http.MethodPost)
	router.PathPrefix("/inbox/").Handler(http.StripPrefix("/inbox", in.Handler()))
	return nil
}

func renderIndex(assets fs.FS, links []stack.Place) ([]byte, error) {
	t, err := template.ParseFS(assets, "index.html")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, struct {
		Links     []stack.Place
		Incidents []incident
	}{links, incidents()})
	return b.Bytes(), err
}

// command starts or ends an incident, and leads a browser back to the page.
func (d *director) command(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	var err error
	switch action := r.PostFormValue("action"); action {
	case "", "start":
		kind := r.PostFormValue("kind")
		if kind == "" {
			kind = incidentOrders
		}
		err = d.start(kind, forgotten)
	case "end":
		err = d.finish()
	default:
		err = fmt.Errorf("unknown action %q, expected start or end", action)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// story answers GET /hops.json.
func (d *director) story(w http.ResponseWriter, _ *http.Request) {
	d.mu.Lock()
	busy := d.busy
	d.mu.Unlock()
	writeJSON(w, struct {
		story
		Busy bool `json:"busy"`
	}{d.journal.story(), busy})
}
