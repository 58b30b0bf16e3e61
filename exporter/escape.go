package exporter

import "bytes"

// appendEscaped writes a label value as both text formats want it.
func appendEscaped(dst, text []byte) []byte {
	if bytes.IndexByte(text, '"') < 0 && bytes.IndexByte(text, '\\') < 0 && bytes.IndexByte(text, '\n') < 0 {
		return append(dst, text...)
	}
	for _, c := range text {
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// appendHelp writes a help text. Prometheus's own format leaves quotes as they
// are, OpenMetrics escapes them.
func appendHelp(dst []byte, text string, openMetrics bool) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\\', c == '"' && openMetrics:
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
