package display

import (
	"crypto/rand"
	"encoding/binary"
	"strconv"
	"strings"
)

// mark begins the program's own escape sequences inside the process. Untrusted text cannot
// contain it, since it is random in each process. It has the form of a colour sequence, to
// which libraries that measure text assign no width.
var mark = newMark()

func newMark() string {
	var b [8]byte
	rand.Read(b[:])
	return "\x1b[" + strconv.FormatUint(binary.BigEndian.Uint64(b[:])|1<<63, 10) + ";"
}

// Paint returns text as render colours it. It escapes the text first and marks what render
// adds, which must consist only of colour sequences (ESC [ digits m).
func Paint(render func(string) string, text string) string {
	painted := render(Lines(text))
	if !strings.Contains(painted, "\x1b") {
		return painted
	}
	var b strings.Builder
	for i := 0; i < len(painted); {
		if n := ownSequence(painted[i:]); n > 0 {
			b.WriteString(painted[i : i+n])
			i += n
			continue
		}
		if n := colourSequence(painted[i:]); n > 0 {
			b.WriteString(mark + painted[i+2:i+n])
			i += n
			continue
		}
		b.WriteByte(painted[i])
		i++
	}
	return b.String()
}

// colourSequence returns the length of the colour sequence at the start of s.
func colourSequence(s string) int {
	if !strings.HasPrefix(s, "\x1b[") {
		return 0
	}
	for i := 2; i < len(s) && i < 64; i++ {
		switch c := s[i]; {
		case c == 'm':
			return i + 1
		case c != ';' && (c < '0' || c > '9'):
			return 0
		}
	}
	return 0
}

// ownSequence returns the length of the marked sequence at the start of s.
func ownSequence(s string) int {
	if s == "" || s[0] != '\x1b' || !strings.HasPrefix(s, mark) {
		return 0
	}
	return colourSequence(s)
}

// ownReset returns what ends the colours and the whole piece of a cut text, if it has any.
func ownReset(s string) string {
	end := ""
	if strings.Contains(noWhole.Replace(s), mark) {
		end = mark + "0m"
	}
	if strings.LastIndex(s, wholeBegin) > strings.LastIndex(s, wholeEnd) {
		end += wholeEnd
	}
	return end
}
