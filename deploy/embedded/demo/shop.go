package demo

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver of the stock
)

// shop is what the demo watches: a small shop with an HTTP API and a database of stock. It goes on by itself, and can be made to go wrong.
type shop struct {
	stock *sql.DB

	mu      sync.Mutex
	sold    int64
	revenue int64 // won
	wrong   string
}

// product is a row of the stock.
type product struct {
	SKU, Name string
	Pieces    int
	Price     int64 // won
}

func products() []product {
	return []product{
		{"apple", "사과", 120, 1500},
		{"pear", "배", 80, 3200},
		{"persimmon", "곶감", 60, 12000},
		{"rice-cake", "떡", 200, 2500},
	}
}

// refill is where a product is stocked up again, well above what the rules call low.
const refill = 40

// openShop makes the stock in a new SQLite file.
func openShop(ctx context.Context, file string) (*shop, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(2000)")
	if err != nil {
		return nil, err
	}
	if err := fillStock(ctx, db); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("the shop's stock: %w", err)
	}
	return &shop{stock: db}, nil
}

func fillStock(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, "CREATE TABLE stock (sku TEXT PRIMARY KEY, name TEXT NOT NULL, pieces INTEGER NOT NULL)"); err != nil {
		return err
	}
	for _, p := range products() {
		if _, err := db.ExecContext(ctx, "INSERT INTO stock VALUES (?, ?, ?)", p.SKU, p.Name, p.Pieces); err != nil {
			return err
		}
	}
	return nil
}

// close lets go of the stock.
func (s *shop) close() error { return s.stock.Close() }

// run sells a piece each second until ctx ends. Nothing is paid while something is wrong.
func (s *shop) run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := s.sell(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("the shop's stock: %w", err)
			}
		}
	}
}

func (s *shop) sell(ctx context.Context) error {
	s.mu.Lock()
	if s.wrong != "" {
		s.mu.Unlock()
		return nil
	}
	s.sold++
	all := products()
	p := all[s.sold%int64(len(all))]
	s.revenue += p.Price
	s.mu.Unlock()
	_, err := s.stock.ExecContext(ctx, "UPDATE stock SET pieces = CASE WHEN pieces <= ? THEN ? ELSE pieces - 1 END WHERE sku = ?", refill, p.Pieces, p.SKU)
	return err
}

// set says which incident there is; "" ends it.
func (s *shop) set(wrong string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = wrong
}

// orderCount is one line of /api/orders.
type orderCount struct {
	State string `json:"state"`
	Count int64  `json:"count"`
}

// orders answers GET /api/orders.
func (s *shop) orders(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	stuck := int64(1)
	if s.wrong == incidentOrders {
		stuck = 12
	}
	answer := struct {
		Shop    string       `json:"shop"`
		Revenue int64        `json:"revenue"`
		Orders  []orderCount `json:"orders"`
	}{"봉수 상점", s.revenue, []orderCount{{"new", 3 + s.sold%4}, {"paid", 8 + s.sold%7}, {"shipped", 40 + s.sold}, {"stuck", stuck}}}
	s.mu.Unlock()
	writeJSON(w, answer)
}

// payment answers GET /api/payment.
func (s *shop) payment(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	status := "ok"
	if s.wrong == incidentPayment {
		status = "down"
	}
	s.mu.Unlock()
	writeJSON(w, map[string]string{"provider": "데모페이", "status": status})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the caller has hung up
}
