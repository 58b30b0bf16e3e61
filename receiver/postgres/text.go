package postgres

import (
	"strings"
	"unicode/utf8"
)

// text makes s what PostgreSQL takes as text: UTF-8 without NUL. Others have
// U+FFFD in their place; to refuse them would have Alertmanager send the same
// for ever.
func text(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
