package encode

import (
	"unicode/utf8"

	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// MaxDocument is the largest document that is sent, as JSON, unless batch.bytes is larger:
// Glean accepts 5 MiB in one request.
const MaxDocument = 4 << 20

// cutBody shortens the body of a document whose JSON is larger than the limit, and reports
// whether it fits then. It cuts nothing if that would not be enough.
func cutBody(d *api.Document, size, limit int) bool {
	if size <= limit || d.Body == nil {
		return false
	}
	text := d.Body.TextContent
	room := limit - (size - quotedSize(text))
	if room <= len(expression.Ellipsis) {
		return false
	}
	quoted := len(expression.Ellipsis)
	for i, r := range text {
		if quoted += runeSize(r); quoted > room {
			d.Body.TextContent = text[:i] + expression.Ellipsis
			return true
		}
	}
	return false
}

// quotedSize is the length of a text in JSON, without quotation marks.
func quotedSize(text string) (n int) {
	for _, r := range text {
		n += runeSize(r)
	}
	return n
}

// runeSize is the length of a rune in JSON.
func runeSize(r rune) int {
	switch {
	case r == '"', r == '\\', r == '\n', r == '\r', r == '\t', r == '\b', r == '\f':
		return 2
	case r < ' ':
		return 6
	}
	return utf8.RuneLen(r)
}
