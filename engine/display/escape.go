package display

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// MaxValue is the maximum number of characters that Fprintf shows of one argument.
	MaxValue = 1000
	// MaxCell is the maximum number of characters in a cell of a table.
	MaxCell = 300
)

// Line returns s on one line: line breaks, tabs and all invisible characters are escaped. It
// keeps the marks of Paint.
func Line(s string) string { return escape(s, false, 0) }

// Short is Line with at most the given number of characters, ending with an ellipsis if s was
// cut. An escape counts with all its characters and is never cut.
func Short(s string, most int) string { return escape(s, false, most) }

// Lines is Line for text whose line breaks and tabs are its layout.
func Lines(s string) string { return escape(s, true, 0) }

// JSON escapes JSON text, which keeps its value.
func JSON(text []byte) []byte { return []byte(guardCommands(Lines(string(text)))) }

// Indent is Lines with a prefix before each line except the first, which distinguishes them
// from the program's own lines. Each line has at most MaxValue characters.
func Indent(s, prefix string) Block {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Short(strings.TrimRight(line, "\r"), MaxValue)
	}
	return Block(strings.Join(lines, "\n"+prefix))
}

// escape returns s with escapes; most is 0 for no limit.
func escape(s string, layout bool, most int) string {
	text, _ := escapeAfter(0, s, layout, most)
	return text
}

// escapeAfter is escape for text that follows the rune before. It returns the last shown rune,
// or 0 after an escape.
func escapeAfter(before rune, s string, layout bool, most int) (string, rune) {
	if plain(s, layout) && (most <= 0 || len(s) <= most) {
		if s == "" {
			return s, before
		}
		return s, rune(s[len(s)-1])
	}
	var b strings.Builder
	b.Grow(len(s))
	width, cutAt := 0, 0 // cutAt is the position for an ellipsis
	for i := 0; i < len(s); {
		if n := ownSequence(s[i:]); n > 0 {
			b.WriteString(s[i : i+n])
			i += n
			continue
		}
		start := b.Len()
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteRune(utf8.RuneError)
			before = r
		case safe(before, r, s[i+size:]), layout && (r == '\n' || r == '\t'):
			b.WriteString(s[i : i+size])
			before = r
		default:
			writeEscape(&b, r)
			before = 0
		}
		i += size
		if most <= 0 {
			continue
		}
		width += utf8.RuneCountInString(b.String()[start:])
		if width < most {
			cutAt = b.Len()
		}
		if width > most {
			kept := b.String()[:cutAt]
			return kept + "…" + ownReset(kept), '…'
		}
	}
	return b.String(), before
}

// plain reports whether s has nothing to escape, which is the usual case.
func plain(s string, layout bool) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' || c >= 0x7f) && !(layout && (c == '\n' || c == '\t')) {
			return false
		}
	}
	return true
}

func writeEscape(b *strings.Builder, r rune) {
	switch r {
	case '\n':
		b.WriteString(`\n`)
	case '\t':
		b.WriteString(`\t`)
	case '\r':
		b.WriteString(`\r`)
	default:
		if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
			writeHex(b, hi)
			writeHex(b, lo)
			return
		}
		writeHex(b, r)
	}
}

func writeHex(b *strings.Builder, r rune) {
	const digits = "0123456789abcdef"
	b.WriteString(`\u`)
	for shift := 12; shift >= 0; shift -= 4 {
		b.WriteByte(digits[r>>shift&0xf])
	}
}
