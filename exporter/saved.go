package exporter

import (
	"context"
	"fmt"
	"io"
)

// Ask is a probe to be made.
type Ask struct {
	Module string
	Target Target
	// Saved is read in place of asking, if it is not nil: the body of an HTTP
	// answer; of a SQL module, whose queries must be one, a JSON array of objects.
	// No target is needed then.
	Saved []byte
	// Tell makes the result have a story.
	Tell bool
}

// savedSource answers with what it was given.
type savedSource struct {
	data      []byte
	read      reader
	documents *documents
}

// saved returns the source that reads a saved answer as the module reads live
// ones.
func (e *Exporter) saved(m *Module, data []byte) (*savedSource, error) {
	s := &savedSource{data: data, read: m.read, documents: e.documents}
	if m.sql != nil {
		s.read = readSavedRows
		if len(m.questions) > 1 {
			return nil, requestErrorf("module %q has %d queries, a saved answer can stand for one only", m.name, len(m.questions))
		}
	}
	if s.read == nil {
		s.read = readJSON
	}
	return s, nil
}

// Fetch implements [Source].
func (s *savedSource) Fetch(_ context.Context, q Query) (*Answer, error) {
	d := s.documents.get()
	d.data = append(d.data, s.data...)
	q.Story.add("saved     answer in place of a live one")
	q.Story.body(d.data)
	return &Answer{doc: d, pool: s.documents, read: s.read}, nil
}

// Close implements [Source].
func (s *savedSource) Close() error { return nil }

// readSavedRows reads an array of database rows.
func readSavedRows(d *document) ([]Row, error) {
	root, err := d.parseJSON()
	if err != nil {
		return nil, err
	}
	n := d.nodes[root]
	if n.kind != kindArray {
		return nil, fmt.Errorf("expected an array of rows, found %s", n.kind)
	}
	for at := root + 1; at < n.to; at = d.next(at) {
		d.rows = append(d.rows, Row{at})
	}
	return d.rows, nil
}

// WriteStory writes what happened in the probe, and its samples. The probe must
// have been asked for with Tell.
func (r *Result) WriteStory(w io.Writer) error {
	story := r.story.String()
	if story == "" { // the probe was not begun, or has not ended
		for _, f := range r.failures {
			story += fmt.Sprintf("failure   %v\n", f)
		}
	}
	if _, err := fmt.Fprintf(w, "probe of module %q\n\n%s\nsamples:\n", r.Module, story); err != nil {
		return err
	}
	return r.WriteText(w)
}
