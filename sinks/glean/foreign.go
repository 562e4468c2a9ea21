package glean

import (
	"strings"
	"unicode"
)

// maxForeign is how many characters of a text that is not ours are shown.
const maxForeign = 120

// foreign is a text out of an answer of Glean as people may read it: without
// secrets (invariant 6), on one line, and short.
func (k *Sink) foreign(s string) string { return k.excerpt(s, maxForeign) }

// excerpt is foreign with another length.
func (k *Sink) excerpt(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, k.clean.Clean(s))
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
