package redact

import (
	"bytes"
	"html"
	"iter"
	"sort"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// view is a text as some decoding shows it, in pieces that come from one part of
// the view before it each; the first view is the text itself.
type view struct {
	text   []byte
	pieces []piece
	of     *view // nil for the text itself
}

// piece is a part of a view up to the next piece: the bytes of the view before
// it from `from` on, or the value of an escape from `from` to `to`, which is
// empty for a line break.
type piece struct {
	at, from, to   int32
	escape, joined bool
}

// piece is the index of the piece that byte i is in.
func (v *view) piece(i int) int {
	return sort.Search(len(v.pieces), func(k int) bool { return int(v.pieces[k].at) > i }) - 1
}

// span is the part of the text itself that bytes i to j come from.
func (v *view) span(i, j int) span {
	if v.of == nil {
		return span{i, j}
	}
	first, last := v.pieces[v.piece(i)], v.pieces[v.piece(j-1)]
	from, to := int(first.from), int(last.to)
	if !first.escape {
		from += i - int(first.at)
	}
	if !last.escape {
		to = int(last.from) + j - int(last.at)
	}
	return v.of.span(from, to)
}

// broken reports whether bytes i to j come from several lines.
func (v *view) broken(i, j int) bool {
	for ; v.of != nil; v = v.of {
		for k := v.piece(i) + 1; k < len(v.pieces) && int(v.pieces[k].at) < j; k++ {
			if v.pieces[k].joined {
				return true
			}
		}
		first, last := v.pieces[v.piece(i)], v.pieces[v.piece(j-1)]
		i, j = int(first.from), int(last.to)
	}
	return false
}

// news yields where something of least to most bytes may begin that the view
// before this one does not show, because it goes over the border of two pieces.
func (v *view) news(least, most int) iter.Seq[int] {
	return func(yield func(int) bool) {
		end := len(v.text) - least + 1
		if v.of == nil {
			for i := 0; i < end && yield(i); i++ {
			}
			return
		}
		i := 0
		for _, p := range v.pieces {
			for i = max(i, int(p.at)-most+1); i < min(int(p.at), end); i++ {
				if !yield(i) {
					return
				}
			}
		}
	}
}

// around is a part of the text itself, made longer where it begins or ends
// inside of an escape that this view, the first decoding, undoes.
func (v *view) around(p span) span {
	if v.of == nil {
		return p
	}
	inside := func(at int) (piece, bool) {
		k := sort.Search(len(v.pieces), func(k int) bool { return int(v.pieces[k].from) >= at }) - 1
		if k < 0 || !v.pieces[k].escape || int(v.pieces[k].to) <= at {
			return piece{}, false
		}
		return v.pieces[k], true
	}
	if e, ok := inside(p.from); ok {
		p.from = int(e.from)
	}
	if e, ok := inside(p.to); ok {
		p.to = int(e.to)
	}
	return p
}

// special are the bytes that decode looks at.
var special = [256]bool{'%': true, '&': true, '\\': true, '\n': true, '\r': true}

// decode undoes one level of escapes: %41, &amp;, &#65;, \n, \u0041, \x41. It
// leaves out line breaks and the blanks at the start of the next line, which joins
// text that was wrapped. It reports whether anything changed, and
// whether another level may change more.
func decode(v *view) (d *view, changed, more bool) {
	s := v.text
	d = &view{of: v}
	begin := 0 // of what is taken over as it is
	take := func(end int) {
		if end > begin {
			d.pieces = append(d.pieces, piece{at: int32(len(d.text)), from: int32(begin), to: int32(end)})
			d.text = append(d.text, s[begin:end]...)
		}
	}
	for i := 0; i < len(s); {
		if !special[s[i]] {
			i++
			continue
		}
		var buf [utf8.UTFMax]byte
		value, n := unescape(buf[:0], s[i:])
		if n == 0 {
			i++
			continue
		}
		if d.text == nil {
			d.text = make([]byte, 0, len(s))
		}
		take(i)
		more = more || s[i] != '\n' && s[i] != '\r'
		p := piece{at: int32(len(d.text)), from: int32(i), escape: true}
		if i += n; value[0] == '\n' || value[0] == '\r' {
			i, p.joined = blanks(s, i), true
		} else {
			d.text = append(d.text, value...)
		}
		p.to = int32(i)
		d.pieces = append(d.pieces, p)
		begin, changed = i, true
	}
	if !changed {
		return v, false, false
	}
	take(len(s))
	return d, true, more
}

// blanks is where the blanks end that begin at i, written as they are or as \t.
func blanks(s []byte, i int) int {
	for i < len(s) {
		switch {
		case s[i] == ' ' || s[i] == '\t':
			i++
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == 't':
			i += 2
		default:
			return i
		}
	}
	return i
}

// longestEntity bounds an HTML entity.
const longestEntity = 40

// unescape appends the value of the escape that s begins with to b. Its length
// is 0 when there is none.
func unescape(b []byte, s []byte) (value []byte, n int) {
	switch {
	case s[0] == '\n' || s[0] == '\r':
		return append(b, s[0]), 1
	case s[0] == '%':
		if c, ok := hexByte(s[1:]); ok {
			return append(b, c), 3
		}
	case s[0] == '&':
		end := bytes.IndexByte(s[:min(len(s), longestEntity)], ';')
		if end < 2 || bytes.IndexByte(s[:end], ' ') >= 0 {
			return b, 0
		}
		if text := html.UnescapeString(string(s[:end+1])); len(text) <= utf8.UTFMax && text != "" && text[0] != '&' ||
			text == "&" {
			return append(b, text...), end + 1
		}
	case len(s) < 2:
	case s[1] == 'u' || s[1] == 'U':
		return unicodeEscape(b, s)
	case s[1] == 'x':
		if c, ok := hexByte(s[2:]); ok {
			return append(b, c), 4
		}
	default:
		if i := bytes.IndexByte([]byte(`nrtbfav"'/\`), s[1]); i >= 0 {
			return append(b, "\n\r\t\b\f\a\v\"'/\\"[i]), 2
		}
	}
	return b, 0
}

// unicodeEscape reads \u0041, a pair of those above U+FFFF, or \U00000041.
func unicodeEscape(b, s []byte) ([]byte, int) {
	digits := 4
	if s[1] == 'U' {
		digits = 8
	}
	number := func(s []byte) (rune, bool) {
		if len(s) < 2+digits {
			return 0, false
		}
		n, err := strconv.ParseUint(string(s[2:2+digits]), 16, 32)
		return rune(n), err == nil
	}
	r, ok := number(s)
	if !ok {
		return b, 0
	}
	n := 2 + digits
	if utf16.IsSurrogate(r) && bytes.HasPrefix(s[n:], []byte(`\u`)) {
		if low, ok := number(s[n:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return utf8.AppendRune(b, pair), 2 * n
			}
		}
	}
	return utf8.AppendRune(b, r), n
}

func hexByte(s []byte) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	hi, lo := digit(s[0]), digit(s[1])
	return hi<<4 | lo, hi < 16 && lo < 16
}

// digit is the value of a hexadecimal digit, 255 for another byte.
func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
