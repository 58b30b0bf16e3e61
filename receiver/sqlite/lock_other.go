//go:build !unix

package sqlite

// lock is empty where there is no flock: there the operator must see to it
// that only one receiver uses a store.
type lock struct{}

func acquire(string) (*lock, error) { return &lock{}, nil }

func (*lock) release() error { return nil }
