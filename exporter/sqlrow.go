package exporter

import (
	"bytes"
	"database/sql"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// recorder writes database rows into a document, each as an object of its
// columns. The columns' names stand in the document once.
type recorder struct {
	d     *document
	names []node
	dest  []any
}

func newRecorder(d *document, columns []string) *recorder {
	r := &recorder{d: d}
	for _, name := range columns {
		from := uint32(len(d.data))
		d.data = append(d.data, name...)
		r.names = append(r.names, node{kind: kindString, from: from, to: uint32(len(d.data))})
	}
	r.dest = make([]any, len(columns))
	for i := range r.dest {
		r.dest[i] = &scanner{r, i}
	}
	return r
}

// record appends the current row.
func (r *recorder) record(rows *sql.Rows) error {
	d := r.d
	at := uint32(len(d.nodes))
	d.nodes = append(d.nodes, node{kind: kindObject, from: uint32(len(r.names))})
	if err := rows.Scan(r.dest...); err != nil {
		return err
	}
	d.nodes[at].to = uint32(len(d.nodes))
	d.rows = append(d.rows, Row{at})
	return nil
}

// scanner takes one column's value from database/sql as the driver gives it.
// rows.Scan calls the scanners in the order of columns.
type scanner struct {
	r      *recorder
	column int
}

// Scan implements sql.Scanner. What drivers give becomes JSON's kinds: whole
// numbers of any size stay exact; text, and decimals that a driver gives as
// text, become strings; times become RFC 3339 in UTC; NULL becomes null.
func (s *scanner) Scan(v any) error {
	d := s.r.d
	d.nodes = append(d.nodes, s.r.names[s.column])
	from := uint32(len(d.data))
	k := kindNumber
	switch v := v.(type) {
	case int64:
		d.data = strconv.AppendInt(d.data, v, 10)
	case float64:
		d.data = appendFloat(d.data, v)
	case string:
		k, d.data = kindString, appendText(d.data, []byte(v))
	case []byte:
		k, d.data = kindString, appendText(d.data, v)
	case nil:
		k = kindNull
	case bool:
		k = kindFalse
		if v {
			k = kindTrue
		}
	case time.Time:
		k, d.data = kindString, v.UTC().AppendFormat(d.data, time.RFC3339Nano)
	default:
		return s.scanOther(v)
	}
	d.nodes = append(d.nodes, node{kind: k, from: from, to: uint32(len(d.data))})
	return nil
}

// scanOther takes the numbers that some drivers give beyond what database/sql
// promises.
func (s *scanner) scanOther(v any) error {
	switch v.(type) {
	case int, int8, int16, int32, uint, uint8, uint16, uint32, uint64:
		s.r.d.addText(kindNumber, fmt.Sprint(v))
	case float32:
		s.r.d.addText(kindNumber, fmt.Sprint(v))
	default:
		return fmt.Errorf("column %q: no rule for a value of type %T", s.name(), v)
	}
	return nil
}

func (s *scanner) name() []byte {
	n := s.r.names[s.column]
	return s.r.d.data[n.from:n.to]
}

// appendText appends text from a database, which need not be UTF-8.
func appendText(dst, text []byte) []byte {
	if !utf8.Valid(text) {
		text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	return append(dst, text...)
}
