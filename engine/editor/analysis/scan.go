package analysis

import (
	"regexp"
	"strings"

	"github.com/pipe-engine/pipe/engine/editor/text"
)

// token is a dash or a key of a block with its column, in bytes from 0.
type token struct {
	col, end int
	name     string
}

var (
	lineKey     = regexp.MustCompile(`^([\w./-]+(?::[\w./-]+)*|"[^"]*"|'[^']*')\s*:(?:\s|$)`)
	blockHeader = regexp.MustCompile(`^[|>][-+0-9]*\s*(\s#.*)?$`)
	property    = regexp.MustCompile(`^[&!][^\s,\[\]{}]*(\s+|$)`)
	bareWord    = regexp.MustCompile(`^[\w./-]*$`)
)

// scanner finds the keys and values of YAML. It reads half-written YAML, too: what is not closed
// ends before the next line that is not indented more than its key. In a flow mapping or sequence,
// a value goes on to the bracket that closes its own, as its author means it.
type scanner struct {
	d     *text.Document
	stack []token // the dashes and keys of blocks that the place is below
	line  int
	see   func(scalar) // for each value; nil for none
	// begins is called for each comment and each line of a block, but not for the lines on which a
	// value goes on; nil for none.
	begins func(line int, own []token, value int)

	offset int     // of the cursor, -1 for none
	found  *cursor // what is at the cursor
}

// tokens returns the dashes and the key of a line, and where its value begins.
func tokens(line string) (out []token, value int) {
	at := indentation(line)
	for strings.HasPrefix(line[at:], "- ") || line[at:] == "-" {
		next := at + 1
		for next < len(line) && line[next] == ' ' {
			next++
		}
		out = append(out, token{at, at + 1, item})
		at = next
	}
	if m := lineKey.FindStringSubmatchIndex(line[at:]); m != nil {
		out = append(out, token{at, at + m[3], strings.Trim(line[at:at+m[3]], `"'`)})
		at += m[1]
		for at < len(line) && line[at] == ' ' {
			at++
		}
	}
	return out, at
}

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// run reads the text up to the cursor, or to its end.
func (s *scanner) run() {
	for s.line < s.d.Lines() && s.found == nil {
		line := s.d.Line(s.line)
		start, end := s.d.LineSpan(s.line)
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "" && s.here(start, end):
			s.found = &cursor{onKey: true, path: s.below(s.offset - start), from: s.offset, to: s.offset}
		case trimmed == "":
			s.line++
		case trimmed[0] == '#':
			if s.here(start, end) {
				s.found = &cursor{from: s.offset, to: s.offset}
			}
			s.begin(nil, 0)
			s.line++
		case strings.HasPrefix(line, "---") || strings.HasPrefix(line, "..."):
			s.stack = nil
			s.line++
		default:
			s.block(line, start, end)
		}
	}
}

func (s *scanner) begin(own []token, value int) {
	if s.begins != nil {
		s.begins(s.line, own, value)
	}
}

// here reports whether the cursor is between two bytes or at one of them.
func (s *scanner) here(from, to int) bool {
	return s.found == nil && s.offset >= from && s.offset <= to
}

// below returns the keys that an empty line with its cursor in a column is below.
func (s *scanner) below(column int) (path []string) {
	for _, t := range s.stack {
		if t.col < column {
			path = append(path, t.name)
		}
	}
	return path
}

// path returns the keys that the place is below.
func (s *scanner) path() []string {
	out := make([]string, 0, len(s.stack))
	for _, t := range s.stack {
		out = append(out, t.name)
	}
	return out
}

// parent returns the column that the lines of the value are right of.
func (s *scanner) parent() int {
	if len(s.stack) == 0 {
		return -1
	}
	return s.stack[len(s.stack)-1].col
}

// block reads a line of a block with the value that begins on it.
func (s *scanner) block(line string, start, end int) {
	own, value := tokens(line)
	s.begin(own, value)
	column := indentation(line)
	if len(own) == 0 {
		s.pop(token{col: column})
	}
	before := start
	for _, t := range own {
		s.pop(t)
		s.stack = append(s.stack, t)
		if t.name != item && s.here(before, start+t.end) {
			s.found = &cursor{onKey: true, path: s.path(), from: start + t.col, to: start + t.end}
			return
		}
		before = start + t.end + 1
	}
	hasKey := len(own) > 0 && own[len(own)-1].name != item
	if word := strings.TrimRight(line[value:], " \t"); !hasKey && bareWord.MatchString(word) && s.here(before, end) {
		c := &cursor{onKey: true, bare: true, path: s.path(), from: start + value, to: start + value + len(word)}
		if word != "" {
			c.path = append(c.path, word)
		}
		s.found = c
		return
	}
	s.value(before, start+value)
}

// pop leaves the blocks that a dash or key ends.
func (s *scanner) pop(t token) {
	for len(s.stack) > 0 {
		top := s.stack[len(s.stack)-1]
		if top.col < t.col || top.col == t.col && t.name == item && top.name != item {
			return
		}
		s.stack = s.stack[:len(s.stack)-1]
	}
}
