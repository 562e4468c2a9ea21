package glean

import (
	"strings"
	"unicode"
)

// maxReadable is how many characters of a text that is not ours are shown.
const maxReadable = 120

// readable is a text out of an answer of Glean as people may read it: without
// secrets (invariant 6), on one line, and short.
func (c *client) readable(s string) string { return c.excerpt(s, maxReadable) }

// excerpt is readable with another length.
func (c *client) excerpt(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, c.clean.Clean(s))
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
