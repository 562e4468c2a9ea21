package analysis

import (
	"regexp"
	"strings"
)

// scalar is a value in a text.
type scalar struct {
	path     []string
	from, to int // without quotation marks; a block has its lines with their indentation
	style    byte
	start    int // with what is before them: its anchor and tag, the header of the block
}

// The styles of scalars, by how they begin.
const (
	plain   = byte(0)
	double  = byte('"')
	single  = byte('\'')
	literal = byte('|')
	folded  = byte('>')
)

// value reads the value at a byte. The cursor is in it from a byte before it on.
func (s *scanner) value(before, at int) {
	_, end := s.d.LineSpan(s.line)
	t := s.d.Text()
	start := at
	for m := ""; ; at += len(m) {
		if m = property.FindString(t[at:end]); m == "" {
			break
		}
	}
	rest := t[at:end]
	switch {
	case rest == "" || rest[0] == '#':
		s.emit(scalar{path: s.path(), from: at, to: at}, start, before, at)
		s.line++
	case blockHeader.MatchString(rest):
		s.text(start, at)
	case rest[0] == '{' || rest[0] == '[':
		f := flow{scanner: s, at: at, parent: s.parent()}
		f.node(s.path(), before)
		s.line = max(s.line, s.d.LineAt(min(f.at, len(t)))) + 1
	case rest[0] == double || rest[0] == single:
		next, closed := s.quoted(s.path(), start, before, at)
		s.line = s.d.LineAt(next)
		if _, end := s.d.LineSpan(s.line); closed && s.here(next, end) {
			s.found = &cursor{path: s.path(), from: at, to: end}
		}
		s.line++
	default:
		s.plain(start, before, at)
	}
}

// emit passes on a value that begins at a byte. The cursor is in it between two others. An alias is
// no value.
func (s *scanner) emit(v scalar, start, from, to int) {
	v.start = start
	if v.style == plain && strings.HasPrefix(s.d.Text()[v.from:], "*") {
		v.path = nil
	}
	if s.see != nil {
		s.see(v)
	}
	if s.here(from, to) {
		s.found = &cursor{path: v.path, from: v.from, to: v.to, style: v.style}
	}
}

// text reads a block of text whose header is at a byte.
func (s *scanner) text(start, header int) {
	v := scalar{path: s.path(), style: s.d.Text()[header], from: -1}
	end, last := 0, s.line
	for s.line++; s.line < s.d.Lines(); s.line++ {
		line := s.d.Line(s.line)
		from, to := s.d.LineSpan(s.line)
		if strings.TrimSpace(line) == "" {
			if s.offset >= from && s.offset <= to && s.offset-from > s.parent() {
				last, end = s.line, to // the cursor is at its end
			}
			continue
		}
		if indentation(line) <= s.parent() {
			break
		}
		if v.from < 0 {
			v.from = from
		}
		v.to, end, last = to, to, s.line
	}
	_, first := s.d.LineSpan(s.d.LineAt(header))
	if v.from < 0 {
		v.from, v.to = max(first, end), max(first, end)
	}
	s.emit(v, start, first+1, end)
	s.line = last + 1
}

// plain reads a plain value with the lines that go on with it.
func (s *scanner) plain(start, before, at int) {
	v := scalar{path: s.path(), from: at}
	parent := s.parent()
	_, end := s.d.LineSpan(s.line)
	to, commented := s.comment(at, end)
	v.to = to
	last := to // of what the cursor is in
	for s.line++; s.line < s.d.Lines() && !commented; s.line++ {
		line := s.d.Line(s.line)
		from, end := s.d.LineSpan(s.line)
		trimmed := strings.TrimSpace(line)
		if trimmed == "" {
			if s.offset >= from && s.offset <= end && s.offset-from > parent {
				last = end
			}
			continue
		}
		if trimmed[0] == '#' || indentation(line) <= parent || lineKey.MatchString(trimmed) {
			break
		}
		to, commented = s.comment(from, end)
		v.to, last = to, to
	}
	v.to = v.from + len(strings.TrimRight(s.d.Text()[v.from:v.to], " \t"))
	s.emit(v, start, before, last)
	s.line = s.d.LineAt(last) + 1 // blank lines after it are no part of it
}

var aComment = regexp.MustCompile(`(^|\s)#`)

// comment returns where the comment of a line begins, or its end.
func (s *scanner) comment(from, end int) (at int, is bool) {
	if m := aComment.FindStringIndex(s.d.Text()[from:end]); m != nil {
		return from + m[0], true
	}
	return end, false
}

// quoted reads a value in quotation marks. It returns the byte after it.
func (s *scanner) quoted(path []string, start, before, at int) (next int, closed bool) {
	t := s.d.Text()
	v := scalar{path: path, from: at + 1, style: t[at]}
	parent := s.parent()
	i := at + 1
	for i < len(t) {
		switch c := t[i]; {
		case c == '\\' && v.style == double:
			i++
		case c == v.style && v.style == single && strings.HasPrefix(t[i+1:], "'"):
			i++
		case c == v.style:
			v.to = i
			s.emit(v, start, before, i)
			return i + 1, true
		case c == '\n' || c == '\r':
			if n := s.d.LineAt(i) + 1; s.ends(n, parent) {
				v.to = v.from + len(strings.TrimRight(t[v.from:i], " \t\r\n"))
				s.emit(v, start, before, i)
				return i, false
			}
		}
		i++
	}
	i = min(i, len(t))
	v.to = max(v.from, len(strings.TrimRight(t[:i], " \t\r\n")))
	s.emit(v, start, before, i)
	return i, false
}

// ends reports whether a line is outside of what began right of a column.
func (s *scanner) ends(line, parent int) bool {
	l := s.d.Line(line)
	trimmed := strings.TrimSpace(l)
	return trimmed != "" && indentation(l) <= parent && !strings.ContainsRune("]}", rune(trimmed[0]))
}
