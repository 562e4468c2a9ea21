package display

import (
	"io"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Whole returns text that a Wrapper leaves in one piece, such as a command to copy or
// JSON. It may have several lines.
func Whole(text string) string { return wholeBegin + text + wholeEnd }

var (
	wholeBegin = mark + "1001m"
	wholeEnd   = mark + "1002m"
	noWhole    = strings.NewReplacer(wholeBegin, "", wholeEnd, "")
)

// Wrapper breaks lines that are written to it at a width, between words. A word that is wider
// than a line gets its own line. Continuation lines are indented like the text of their line:
// below a list marker, a tree's branch or the last column of a table. Wrapper keeps an
// incomplete line until it ends or Flush is called. It is safe for concurrent use.
type Wrapper struct {
	mu    sync.Mutex
	w     io.Writer
	width func() int
	keep  *regexp.Regexp
	line  strings.Builder
}

// NewWrapper returns a Wrapper in front of w. It calls width, in columns, before each line; 0
// means no limit. Text that matches keep is not broken, as if it were Whole; nil matches
// nothing.
func NewWrapper(w io.Writer, width func() int, keep *regexp.Regexp) *Wrapper {
	return &Wrapper{w: w, width: width, keep: keep}
}

// Width returns the current width of a line in columns; 0 means no limit.
func (w *Wrapper) Width() int { return w.width() }

// Write writes the lines that are complete with p.
func (w *Wrapper) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	end := strings.LastIndexByte(string(p), '\n') + 1
	if end == 0 {
		return w.line.Write(p)
	}
	w.line.Write(p[:end])
	if err := w.put(); err != nil {
		return 0, err
	}
	w.line.Write(p[end:])
	return len(p), nil
}

// Flush writes the incomplete line.
func (w *Wrapper) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.put()
}

func (w *Wrapper) put() error {
	text := w.line.String()
	begun := strings.LastIndex(text, wholeBegin)
	if begun > strings.LastIndex(text, wholeEnd) { // the rest of it has not been written yet
		return nil
	}
	w.line.Reset()
	if text == "" {
		return nil
	}
	_, err := io.WriteString(w.w, w.wrapText(text, w.width()))
	return err
}

// wrapText wraps each line of a text.
func (w *Wrapper) wrapText(text string, width int) string {
	var b strings.Builder
	for text != "" {
		line := firstLine(text)
		text = text[len(line):]
		body, ended := strings.CutSuffix(line, "\n")
		if w.keep != nil && ansi.StringWidth(body) > width && !strings.Contains(body, wholeBegin) {
			body = w.keep.ReplaceAllStringFunc(body, Whole)
		}
		for i, part := range Wrap(body, width) {
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(part)
		}
		if ended {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// firstLine returns the first line of a text with its line break. Line breaks in a whole piece
// do not count.
func firstLine(text string) string {
	for at := 0; at < len(text); {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			return text
		}
		end += at + 1
		begin := strings.Index(text[at:end], wholeBegin)
		if begin < 0 {
			return text[:end]
		}
		n := strings.Index(text[at+begin:], wholeEnd)
		if n < 0 {
			return text
		}
		at += begin + n + len(wholeEnd)
	}
	return text
}

// Wrap breaks one line; see Wrapper. A width of 0 means no limit.
func Wrap(line string, width int) []string {
	if width <= 0 || ansi.StringWidth(line) <= width || strings.Contains(line, "\n") {
		return []string{noWhole.Replace(line)}
	}
	base, column := indentOf(line, width)
	hang := base + strings.Repeat(" ", max(0, column-ansi.StringWidth(base)))
	words := wordsOf(line)
	var out []string
	now, wide, empty := "", 0, true // empty: the line has no word yet
	colours := ""                   // the active colours
	for _, w := range words {
		if len(out) > 0 { // the columns of the first line do not go on
			w.gap = min(w.gap, 2)
		}
		n := ansi.StringWidth(w.text)
		if !empty && wide+w.gap+n > width {
			if colours != "" {
				now += mark + "0m"
			}
			out = append(out, now)
			now, wide, empty = hang, ansi.StringWidth(hang), true
			if wide+n > width {
				now, wide = base, ansi.StringWidth(base)
			}
			now += colours
		}
		if !empty || len(out) == 0 {
			now, wide = now+strings.Repeat(" ", w.gap), wide+w.gap
		}
		text := noWhole.Replace(w.text)
		now, wide, colours = now+text, wide+n, coloursAfter(colours, text)
		if !branchOnly(w.text) {
			empty = false
		}
	}
	return append(out, now)
}

// coloursAfter returns the active colours after a text.
func coloursAfter(on, text string) string {
	for {
		i := strings.Index(text, mark)
		if i < 0 {
			return on
		}
		text = text[i:]
		n := ownSequence(text)
		if n == 0 {
			return on
		}
		if on += text[:n]; text[:n] == mark+"0m" || text[:n] == mark+"m" {
			on = ""
		}
		text = text[n:]
	}
}

// word is a piece of a line that is not broken, and the number of blanks before it.
type word struct {
	gap  int
	text string
}

// wordsOf splits a line at blanks. A whole piece and text between two backticks are one word.
func wordsOf(line string) (out []word) {
	gap, start := 0, 0
	end := func(i int) {
		if i > start {
			out = append(out, word{gap, line[start:i]})
			gap = 0
		}
	}
	for i := 0; i < len(line); {
		switch {
		case line[i] == ' ':
			end(i)
			gap++
			i++
			start = i
		case strings.HasPrefix(line[i:], wholeBegin):
			i += max(strings.Index(line[i:], wholeEnd), len(wholeBegin))
		case line[i] == '`':
			i += 1 + max(0, strings.IndexByte(line[i+1:], '`')+1)
		default:
			_, size := utf8.DecodeRuneInString(line[i:])
			i += size
		}
	}
	end(len(line))
	return out
}

// branches replaces the branches of a tree by what continues them on the next line.
var branches = strings.NewReplacer("├", "│", "╰", " ", "└", " ", "─", " ")

func branchOnly(text string) bool {
	return strings.Trim(unmarked(text), "│├╰└─") == ""
}

// indentOf returns the prefix of continuation lines, and the column of their text if there is
// room for it.
func indentOf(line string, width int) (base string, column int) {
	text := unmarked(line)
	rest := strings.TrimLeft(text, " │├╰└─")
	base = branches.Replace(text[:len(text)-len(rest)])
	first, _, _ := strings.Cut(rest, " ")
	switch {
	case base == "" && strings.HasSuffix(first, ":"):
		base = "  "
	case first == "hint:" || utf8.RuneCountInString(first) == 1 && !isWord(first):
		base += strings.Repeat(" ", ansi.StringWidth(first)+1)
	}
	column = ansi.StringWidth(base)
	for i := len(text) - len(rest); ; {
		gap := strings.Index(text[i:], "  ")
		if gap < 0 {
			return base, column
		}
		i += gap
		i += len(text[i:]) - len(strings.TrimLeft(text[i:], " "))
		if at := ansi.StringWidth(text[:i]); at <= width/2 {
			column = max(column, at)
		}
	}
}

// isWord reports whether a character is a letter or a digit.
func isWord(sign string) bool {
	return strings.ContainsAny(sign, letters)
}
