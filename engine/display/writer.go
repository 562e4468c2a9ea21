package display

import (
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Writer escapes what is written to it before it reaches a terminal, a file or a CI log. A
// sequence of bytes that is split over several calls is treated as a whole. Writer keeps the
// first error of the underlying writer. It is safe for concurrent use.
type Writer struct {
	mu    sync.Mutex
	w     io.Writer
	guard guard
	rest  string // an incomplete rune, mark or command at the end of a call
	last  rune   // the last shown rune
	err   error
}

// NewWriter returns a Writer in front of w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w, guard: guard{start: true}} }

// Write returns the length of p, unless the underlying writer fails now or has failed.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := w.rest + string(p)
	keep := unfinished(text)
	w.rest = text[len(text)-keep:]
	if err := w.put(text[:len(text)-keep]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what Write has kept for the next call.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := w.rest
	w.rest = ""
	return w.put(text)
}

// Err returns the first error of the underlying writer.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *Writer) put(text string) error {
	if w.err != nil || text == "" {
		return w.err
	}
	text, w.last = escapeAfter(w.last, text, true, 0)
	_, w.err = io.WriteString(w.w, strings.ReplaceAll(w.guard.commands(text), mark, "\x1b["))
	return w.err
}

// longestName is the maximum length of the name in a command such as ##vso[.
const longestName = 32

// unfinished returns the number of bytes at the end of text whose meaning depends on what
// follows: a rune, a mark, a joiner or the beginning of a command.
func unfinished(text string) int {
	tail := text[max(0, len(text)-128):]
	keep := 0
	for n := 1; n < utf8.UTFMax && n <= len(tail); n++ {
		if c := tail[len(tail)-n]; utf8.RuneStart(c) {
			if !utf8.FullRuneInString(tail[len(tail)-n:]) {
				keep = n
			}
			break
		}
	}
	tail = tail[:len(tail)-keep]
	if i := strings.LastIndexByte(tail, '\x1b'); i >= 0 && len(tail)-i < len(mark)+64 &&
		!strings.ContainsAny(tail[i:], "m\n") {
		keep += len(tail) - i
		tail = tail[:i]
	}
	if rest, ok := strings.CutSuffix(tail, string(joiner)); ok {
		keep += len(tail) - len(rest)
		tail = rest
	}
	i := strings.LastIndexByte(tail, '#')
	if i > 0 && tail[i-1] == '#' {
		i--
	}
	if i >= 0 && len(tail)-i <= longestName+2 && strings.Trim(tail[i:], "#"+letters) == "" {
		keep += len(tail) - i
		tail = tail[:i]
	}
	if strings.HasSuffix(tail, ":") && !strings.HasSuffix(tail, "::") {
		keep++
	}
	return keep
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// guard prevents text from being read as a workflow command: GitHub reads "::" at the start of
// a line, after optional blanks, and "##[" anywhere; Azure DevOps and TeamCity read "##vso["
// and "##teamcity[" anywhere.
type guard struct {
	start bool // only blanks have been written on this line
}

func guardCommands(text string) string {
	g := guard{start: true}
	return g.commands(text)
}

// commands escapes the first character of each command in a text.
func (g *guard) commands(text string) string {
	if !strings.Contains(text, "::") && !strings.Contains(text, "##") {
		g.start = startsLine(text, g.start)
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		if n := ownSequence(text[i:]); n > 0 {
			b.WriteString(text[i : i+n])
			i += n
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '\n':
			g.start = true
		case g.start && unicode.IsSpace(r):
		case g.start && strings.HasPrefix(text[i:], "::"), r == '#' && hashCommand(text[i:]):
			writeHex(&b, r)
			g.start = false
			i += size
			continue
		default:
			g.start = false
		}
		b.WriteString(text[i : i+size])
		i += size
	}
	return b.String()
}

// startsLine reports whether the current line contains only blanks after text.
func startsLine(text string, start bool) bool {
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		start, text = true, text[i+1:]
	}
	return start && strings.TrimSpace(unmarked(text)) == ""
}

func unmarked(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		if n := ownSequence(text[i:]); n > 0 {
			i += n
			continue
		}
		b.WriteByte(text[i])
		i++
	}
	return b.String()
}

// hashCommand reports whether s begins with "##[" or "##name[".
func hashCommand(s string) bool {
	rest, ok := strings.CutPrefix(s, "##")
	if !ok {
		return false
	}
	rest = rest[:min(len(rest), longestName+1)]
	return strings.HasPrefix(strings.TrimLeft(rest, letters), "[")
}
