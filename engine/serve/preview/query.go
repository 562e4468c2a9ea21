package preview

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest query that is used; the rest is ignored.
const (
	maxQuery = 400 // characters
	maxWords = 20
)

// matchOf returns the query of FTS5 for documents with all words of a text; the last one may be
// the beginning of a word. It returns "" when the text has no word. Every word is quoted: no
// text has a syntax.
func matchOf(text string) string {
	text = cut(strings.ToValidUTF8(text, " "), maxQuery)
	var out []string
	between := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	for _, word := range strings.FieldsFunc(text, between) {
		if len(out) < maxWords && strings.ContainsFunc(word, isToken) {
			out = append(out, `"`+strings.ReplaceAll(word, `"`, `""`)+`"`)
		}
	}
	if len(out) == 0 {
		return ""
	}
	if last, _ := utf8.DecodeLastRuneInString(text); !unicode.IsSpace(last) {
		out[len(out)-1] += "*"
	}
	return strings.Join(out, " ")
}

// isToken reports whether the tokenizer of the index keeps a character.
func isToken(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }
