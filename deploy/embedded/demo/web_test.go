package demo

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"github.com/bongsu/bongsu/deploy/embedded/stack"
	"github.com/bongsu/bongsu/receiver/inbox"
)

// site is the demo's pages without a line behind them.
func site(t *testing.T) (*director, http.Handler) {
	t.Helper()
	s, err := openShop(t.Context(), filepath.Join(t.TempDir(), "shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	in, err := inbox.New(inbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	d := newDirector(s, &line{inbox: in}, &journal{out: t.Output()}, usualLimits())
	router := mux.NewRouter()
	if err := mount(router, d, in, []stack.Place{{Name: "<상점>", URL: "http://127.0.0.1:1/"}}); err != nil {
		t.Fatal(err)
	}
	return d, router
}

func TestPages(t *testing.T) {
	t.Parallel()
	d, h := site(t)
	for path, want := range map[string]string{
		"/":                  "&lt;상점&gt;",
		"/page/demo.css":     "--fire",
		"/page/demo.js":      `"use strict"`,
		"/inbox/":            "Nothing yet",
		"/api/payment":       `"provider": "데모페이"`,
		"/api/orders":        `"shop": "봉수 상점"`,
		"/hops.json":         `"state": "none"`,
		"/page/demo.unknown": "404",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if got := w.Body.String(); !strings.Contains(got, want) {
			t.Errorf("%s: got %d %s, want %s", path, w.Code, got, want)
		}
	}
	d.shop.set(incidentPayment)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/payment", nil))
	if got := w.Body.String(); !strings.Contains(got, `"status": "down"`) {
		t.Errorf("payment during its incident: got %s, want down", got)
	}
}

// TestCommand presses the buttons, from the page and from elsewhere.
func TestCommand(t *testing.T) {
	t.Parallel()
	_, h := site(t)
	for _, step := range []struct {
		name, form, site string
		code             int
		text             string
	}{
		{"end nothing", "action=end", "same-origin", http.StatusConflict, errNone.Error()},
		{"another page", "kind=orders", "cross-site", http.StatusForbidden, "cross-origin"},
		{"unknown kind", "kind=fire", "same-origin", http.StatusConflict, `unknown incident "fire", expected one of orders, payment`},
		{"unknown action", "action=stop", "same-origin", http.StatusConflict, `unknown action "stop"`},
		{"start", "kind=payment", "same-origin", http.StatusSeeOther, ""},
		{"start again", "", "same-origin", http.StatusConflict, errUnderWay.Error()},
		{"end", "action=end", "same-origin", http.StatusSeeOther, ""},
		{"end again", "action=end", "same-origin", http.StatusSeeOther, ""},
	} {
		form, err := url.ParseQuery(step.form)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/shop/incident", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", step.site)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != step.code || !strings.Contains(w.Body.String(), step.text) {
			t.Errorf("%s: got %d %s, want %d %s", step.name, w.Code, w.Body.String(), step.code, step.text)
		}
	}
}

// TestStockStaysHigh sells for half an hour of shop time: what is sold is stocked up before the rules call it low.
func TestStockStaysHigh(t *testing.T) {
	t.Parallel()
	d, _ := site(t)
	for range 1800 {
		if err := d.shop.sell(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var low int
	err := d.shop.stock.QueryRowContext(t.Context(), "SELECT min(pieces) FROM stock WHERE name IN ('사과', '배', '곶감', '떡')").Scan(&low)
	if err != nil || low < refill-1 {
		t.Errorf("got a stock of %d, %v, want %d or more", low, err, refill-1)
	}
}
