package exporter

import (
	"bytes"
	"fmt"
)

// readLines reads newline-delimited JSON: each line is a row. Empty lines are
// passed over; one that is no JSON refuses the answer.
func (d *document) readLines(limit int) ([]Row, error) {
	end := len(d.data) // repaired texts are appended behind it
	for from, line := d.skipBOM(), 1; from < end; line++ {
		to := end
		if i := bytes.IndexByte(d.data[from:end], '\n'); i >= 0 {
			to = from + i
		}
		if len(bytes.TrimSpace(d.data[from:to])) > 0 {
			at, err := d.parseValue(from, to)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", line, err)
			}
			if err := d.addRow(at, limit); err != nil {
				return nil, err
			}
		}
		from = to + 1
	}
	return d.rows, nil
}
