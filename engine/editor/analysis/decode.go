package analysis

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// decoded is the text of a value as YAML reads it, with the byte of the file for each of its
// bytes and for its end.
type decoded struct {
	text string
	at   []int
}

// decode returns the text of a value: without escapes, and with its lines folded. What is wrong
// stays as it is.
func decode(source string, from, to int, style byte) decoded {
	w := &decoding{source: source, i: from, to: to}
	switch style {
	case literal, folded:
		w.block(style)
	default:
		w.flow(style)
	}
	return decoded{w.out.String(), append(w.at, to)}
}

type decoding struct {
	source string
	i, to  int
	out    strings.Builder
	at     []int
}

// put writes a text for the next n bytes.
func (w *decoding) put(s string, n int) {
	for range len(s) {
		w.at = append(w.at, w.i)
	}
	w.out.WriteString(s)
	w.i += n
}

func (w *decoding) flow(style byte) {
	for w.i < w.to {
		rest := w.source[w.i:w.to]
		switch c := rest[0]; {
		case c == '\n' || c == '\r' || (c == ' ' || c == '\t') && breaks(rest):
			w.fold(rest)
		case style == single && strings.HasPrefix(rest, "''"):
			w.put("'", 2)
		case style == double && c == '\\' && len(rest) > 1:
			w.escape(rest)
		default:
			w.raw()
		}
	}
}

// raw copies a byte.
func (w *decoding) raw() {
	w.at = append(w.at, w.i)
	w.out.WriteByte(w.source[w.i])
	w.i++
}

// breaks reports whether a line ends after white space.
func breaks(s string) bool {
	s = strings.TrimLeft(s, " \t")
	return s != "" && (s[0] == '\n' || s[0] == '\r')
}

// fold writes a space for the end of a line, or the blank lines after it.
func (w *decoding) fold(rest string) {
	n := len(rest) - len(strings.TrimLeft(rest, " \t\r\n"))
	white := strings.ReplaceAll(strings.ReplaceAll(rest[:n], "\r\n", "\n"), "\r", "\n")
	if blank := strings.Count(white, "\n") - 1; blank > 0 {
		w.put(strings.Repeat("\n", blank), n)
	} else {
		w.put(" ", n)
	}
}

func (w *decoding) escape(rest string) {
	const letters, meant = `0abtnvfre "/\`, "\x00\a\b\t\n\v\f\r\x1b \"/\\"
	if i := strings.IndexByte(letters, rest[1]); i >= 0 {
		w.put(meant[i:i+1], 2)
		return
	}
	if digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[rest[1]]; digits > 0 && len(rest) >= 2+digits {
		if n, err := strconv.ParseUint(rest[2:2+digits], 16, 32); err == nil && utf8.ValidRune(rune(n)) {
			w.put(string(rune(n)), 2+digits)
			return
		}
	}
	if breaks(rest[1:]) {
		w.i += 1 + len(rest[1:]) - len(strings.TrimLeft(rest[1:], " \t\r\n"))
		return
	}
	w.raw()
}

// block writes lines without their indentation.
func (w *decoding) block(style byte) {
	indent := -1
	for w.i < w.to {
		rest := w.source[w.i:w.to]
		line := rest
		if end := strings.IndexAny(rest, "\r\n"); end >= 0 {
			line = rest[:end]
		}
		if indent < 0 && strings.TrimSpace(line) != "" {
			indent = indentation(line)
		}
		w.i += min(max(indent, 0), indentation(line))
		for range len(line) - min(max(indent, 0), indentation(line)) {
			w.raw()
		}
		if w.i >= w.to {
			return
		}
		n := 1
		if strings.HasPrefix(w.source[w.i:w.to], "\r\n") {
			n = 2
		}
		if style == folded {
			w.put(" ", n)
		} else {
			w.put("\n", n)
		}
	}
}

// before returns the part of the text before a byte of the file.
func (d decoded) before(offset int) string {
	n := 0
	for n < len(d.text) && d.at[n] < offset {
		n++
	}
	return d.text[:n]
}

// encode returns a text as it is written in a value.
func encode(s string, style byte) string {
	switch style {
	case single:
		return strings.ReplaceAll(s, "'", "''")
	case double:
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)
	}
	return s
}
