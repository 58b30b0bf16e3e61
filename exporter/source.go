package exporter

import (
	"context"
	"net/url"
	"sync"
)

// Target is what a probe asks, where the module leaves that open.
type Target struct {
	// URL is the value of the parameter "target", or "" for a module that
	// names its own target.
	URL string
	// Params are the request's parameters, for a body that is a template.
	Params url.Values
}

// Query is one question to a source.
type Query struct {
	Target Target
	// Text is the SQL statement; empty for sources that know one question only.
	Text string
	// Story takes notes, if it is not nil.
	Story *Story
}

// Source asks one kind of far side.
//
// Fetch may be called concurrently. It returns when ctx ends at the latest, and
// its error is a *[Failure] that says at which stage and why. The caller
// releases the answer. A source keeps connections between calls; Close ends
// them, after the last Fetch has returned.
type Source interface {
	Fetch(ctx context.Context, q Query) (*Answer, error)
	Close() error
}

// Row is one record of an answer: a JSON value, or the columns of a database
// row as an object. It is valid until its answer is released.
type Row struct{ at uint32 }

// Answer is what a source received. Reading it as rows is part of decoding, not
// of fetching.
type Answer struct {
	doc  *document
	pool *documents
	// read turns what was received into rows.
	read func(*document) ([]Row, error)
}

// rows returns the records of the answer.
func (a *Answer) rows() ([]Row, error) { return a.read(a.doc) }

// release gives the answer's memory back. Nothing of it may be used afterwards.
func (a *Answer) release() {
	a.pool.put(a.doc)
	a.doc = nil
}

// readJSON reads an answer that is one JSON value: one row.
func readJSON(d *document) ([]Row, error) {
	root, err := d.parseJSON()
	if err != nil {
		return nil, err
	}
	d.rows = append(d.rows, Row{root})
	return d.rows, nil
}

// documents keeps the memory of answers for later ones.
type documents struct{ pool sync.Pool }

// maxKept is the size above which a document is left to the garbage collector:
// one huge answer must not stay for ever.
const maxKept = 16 << 20

func (p *documents) get() *document {
	d, ok := p.pool.Get().(*document)
	if !ok {
		d = &document{}
	}
	d.reset()
	return d
}

func (p *documents) put(d *document) {
	if d.size() <= maxKept {
		p.pool.Put(d)
	}
}
