package exporter

import (
	"io"
	"strconv"
	"strings"
)

// format is how an exposition is written.
type format int

const (
	// formatText is Prometheus's text format 0.0.4.
	formatText format = iota
	// formatOpenMetrics is OpenMetrics 1.0.0.
	formatOpenMetrics
)

func (f format) contentType() string {
	if f == formatOpenMetrics {
		return "application/openmetrics-text; version=1.0.0; charset=utf-8"
	}
	return "text/plain; version=0.0.4; charset=utf-8"
}

// chunk is how much text is gathered before it is written.
const chunk = 32 << 10

// writeTo writes the exposition. Families without samples are left out.
func (x *exposition) writeTo(w io.Writer, f format) error {
	buf := make([]byte, 0, chunk+4096)
	for _, fam := range x.families {
		if len(fam.lines) == 0 {
			continue
		}
		buf = fam.appendHead(buf, f)
		for _, l := range fam.lines {
			buf = fam.appendLine(buf, l, f)
			if len(buf) < chunk {
				continue
			}
			if _, err := w.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	if f == formatOpenMetrics {
		buf = append(buf, "# EOF\n"...)
	}
	_, err := w.Write(buf)
	return err
}

// appendLine writes a sample, or all those of a block.
func (fam *family) appendLine(buf []byte, l line, f format) []byte {
	c := fam.parts[l.part].column
	if c.blocks != nil {
		return append(buf, c.blocks[l.row].text...)
	}
	buf = append(buf, fam.metric.Name...)
	buf = append(buf, fam.text(l)...)
	buf = append(buf, ' ')
	buf = appendFloat(buf, fam.value(l))
	if int(l.row) < len(c.times) && c.times[l.row] != noTime {
		buf = appendTime(append(buf, ' '), c.times[l.row], f)
	}
	return append(buf, '\n')
}

// appendTime writes a timestamp: milliseconds, in OpenMetrics seconds.
func appendTime(buf []byte, ms int64, f format) []byte {
	if f == formatText {
		return strconv.AppendInt(buf, ms, 10)
	}
	return strconv.AppendFloat(buf, float64(ms)/1000, 'f', 3, 64)
}

// appendHead writes the lines before a family's samples.
func (fam *family) appendHead(buf []byte, f format) []byte {
	name, typ := fam.metric.Name, fam.metric.Type
	if typ == TypeInfo {
		typ = TypeGauge
	}
	if f == formatOpenMetrics {
		name, typ = fam.metric.openMetrics()
	}
	if fam.metric.Help != "" {
		buf = append(append(append(buf, "# HELP "...), name...), ' ')
		buf = append(appendHelp(buf, fam.metric.Help, f == formatOpenMetrics), '\n')
	}
	buf = append(append(append(buf, "# TYPE "...), name...), ' ')
	buf = append(append(buf, typ...), '\n')
	if f == formatOpenMetrics && fam.metric.Unit != "" {
		buf = append(append(append(buf, "# UNIT "...), name...), ' ')
		buf = append(append(buf, fam.metric.Unit...), '\n')
	}
	return buf
}

// openMetrics returns the family's name and type in OpenMetrics. There a
// counter's series must end in _total; one that does not is of unknown type, so
// that its name stays what it is in the other format.
func (m *Metric) openMetrics() (name, typ string) {
	switch {
	case m.Type == TypeUntyped, m.Type == TypeCounter && !strings.HasSuffix(m.Name, "_total"):
		return m.Name, "unknown"
	case m.Type == TypeCounter, m.Type == TypeInfo:
		return m.openMetricsFamily(), m.Type
	}
	return m.Name, m.Type
}
