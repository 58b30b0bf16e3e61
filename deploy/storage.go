package deploy

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/postgres"
	"github.com/bongsu/bongsu/receiver/sqlite"
)

// errStorage does not repeat what was given: a DSN may hold a password.
var errStorage = errors.New("--storage: expected sqlite:PATH, such as sqlite:data/bongsu.db, or postgres://USER@HOST/DATABASE")

// openStore takes the storage for a receiver.
func openStore(ctx context.Context, storage string, logger *slog.Logger, reg prometheus.Registerer) (receiver.Store, error) {
	if isPostgres(storage) {
		return orNil(postgres.Open(ctx, storage, postgres.Options{Logger: logger, Registerer: reg}))
	}
	path, err := sqlitePath(storage)
	if err != nil {
		return nil, err
	}
	return orNil(sqlite.Open(ctx, path, sqlite.Options{Logger: logger, Registerer: reg}))
}

// shared is a storage beside the receivers that may have it open.
type shared interface {
	receiver.Ledger
	receiver.Desk
	Close() error
}

// openShared opens the storage without taking it from anybody.
func openShared(ctx context.Context, storage string, logger *slog.Logger) (shared, error) {
	if isPostgres(storage) {
		return postgres.OpenShared(ctx, storage, postgres.Options{Logger: logger})
	}
	path, err := sqlitePath(storage)
	if err != nil {
		return nil, err
	}
	return sqlite.OpenShared(ctx, path, sqlite.Options{Logger: logger})
}

func isPostgres(storage string) bool {
	return strings.HasPrefix(storage, "postgres://") || strings.HasPrefix(storage, "postgresql://")
}

func sqlitePath(storage string) (string, error) {
	path, ok := strings.CutPrefix(storage, "sqlite:")
	if !ok || path == "" {
		return "", errStorage
	}
	return path, nil
}

// orNil keeps a nil engine from becoming an interface that is not nil.
func orNil[S receiver.Store](s S, err error) (receiver.Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}
