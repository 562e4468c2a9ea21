package api

import (
	"strings"
	"unicode"
)

// MaxReadable is how many characters of a text that is not ours are shown.
const MaxReadable = 120

// Readable is a text out of an answer of Glean as people may read it: without
// secrets (invariant 6), on one line, and short.
func (c *Client) Readable(s string) string { return c.Excerpt(s, MaxReadable) }

// Excerpt is readable with another length.
func (c *Client) Excerpt(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, c.Redactor.Clean(s))
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
