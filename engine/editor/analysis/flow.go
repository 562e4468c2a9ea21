package analysis

import (
	"regexp"
	"strings"
)

// flow reads a flow mapping or sequence.
type flow struct {
	*scanner
	at     int
	parent int
	depth  int  // the open brackets
	broken bool // it is not closed
}

// space skips white space and comments.
func (f *flow) space() {
	t := f.d.Text()
	for f.at < len(t) && !f.broken {
		switch c := t[f.at]; {
		case c == ' ' || c == '\t' || c == '\r':
		case c == '\n':
			if f.ends(f.d.LineAt(f.at)+1, f.parent) {
				f.broken = true
				return
			}
		case c == '#' && (f.at == 0 || strings.ContainsRune(" \t\n\r", rune(t[f.at-1]))):
			_, end := f.d.LineSpan(f.d.LineAt(f.at))
			if f.here(f.at, end) {
				f.found = &cursor{from: f.offset, to: f.offset}
			}
			f.at = end
			continue
		default:
			return
		}
		f.at++
	}
	f.broken = f.broken || f.at >= len(t)
}

// next returns the byte at the place, 0 at the end.
func (f *flow) next() byte {
	if f.broken || f.found != nil || f.at >= len(f.d.Text()) {
		return 0
	}
	return f.d.Text()[f.at]
}

// leave goes on behind a bracket.
func (f *flow) leave(bracket byte) {
	f.depth--
	if bracket != 0 {
		f.at++
	}
}

// deepest bounds the brackets that are read.
const deepest = 100

func (f *flow) node(path []string, before int) {
	start := f.at
	for m := ""; f.at < len(f.d.Text()); f.at += len(m) {
		_, end := f.d.LineSpan(f.d.LineAt(f.at))
		if m = property.FindString(f.d.Text()[f.at:max(f.at, end)]); m == "" {
			break
		}
	}
	c := f.next()
	if c == '{' || c == '[' {
		f.depth++
		f.broken = f.broken || f.depth > deepest
	}
	switch c {
	case 0:
	case '{':
		f.mapping(path)
	case '[':
		f.sequence(path)
	case double, single:
		f.at, _ = f.quoted(path, start, before, f.at)
	default:
		f.plain(path, start, before)
	}
}

func (f *flow) sequence(path []string) {
	path = append(path[:len(path):len(path)], item)
	for f.at++; ; {
		before := f.at
		f.space()
		switch c := f.next(); c {
		case 0, ']', ',', '}':
			if f.here(before, f.at) {
				f.found = &cursor{path: path, from: f.offset, to: f.offset}
			}
			if c != ',' {
				f.leave(c)
				return
			}
			f.at++
		default:
			was := f.at
			f.node(path, before)
			f.at = max(f.at, was+1)
		}
	}
}

// flowKey is a key, half written or not, with the colon or what else ends it.
var flowKey = regexp.MustCompile(`^([^\s"'{}\[\],:#](?:[^{}\[\],:"']|:[^\s{}\[\],])*?|"[^"\n]*"|'[^'\n]*')?\s*` +
	`(:(?:[\s,{}\[\]"']|$)|[,{}\[\]\r\n]|$)`)

func (f *flow) mapping(path []string) {
	for f.at++; ; {
		before := f.at
		f.space()
		c := f.next()
		if c == 0 || c == '}' || c == ',' || c == ']' {
			if f.here(before, f.at) {
				f.found = &cursor{onKey: true, path: path, from: f.offset, to: f.offset}
			}
			if c != ',' {
				f.leave(c)
				return
			}
			f.at++
			continue
		}
		_, end := f.d.LineSpan(f.d.LineAt(f.at))
		m := flowKey.FindStringSubmatchIndex(f.d.Text()[f.at:end])
		if m == nil || m[2] < 0 { // no key: go on behind it
			f.at++
			continue
		}
		from, to := f.at, f.at+m[3]
		name := strings.Trim(f.d.Text()[from:to], `"'`)
		inner := append(path[:len(path):len(path)], name)
		if f.here(before, to) {
			f.found = &cursor{onKey: true, path: inner, from: from, to: to}
			return
		}
		f.at += m[4]
		if f.next() != ':' {
			continue
		}
		f.at++
		f.member(inner)
	}
}

// member reads the value of a key.
func (f *flow) member(path []string) {
	before := f.at
	f.space()
	switch c := f.next(); c {
	case 0, ',', '}', ']':
		f.emit(scalar{path: path, from: f.at, to: f.at}, f.at, before, f.at)
	default:
		f.node(path, before)
	}
}

// plain reads a plain value. It ends at the comma or bracket that belongs to what it is in: not
// within its own brackets and texts.
func (f *flow) plain(path []string, start, before int) {
	t := f.d.Text()
	v := scalar{path: path, from: f.at}
	var open []byte
	closes := map[byte]byte{')': '(', ']': '[', '}': '{'}
	for ; f.at < len(t); f.at++ {
		c := t[f.at]
		switch {
		case c == '\n' && f.ends(f.d.LineAt(f.at)+1, f.parent):
			f.broken = true
		case c == '"':
			_, end := f.d.LineSpan(f.d.LineAt(f.at))
			if i := strings.IndexByte(t[f.at+1:end], '"'); i >= 0 {
				f.at += i + 1
			} else {
				f.at = end - 1
			}
			continue
		case c == '(' || c == '[' || c == '{':
			open = append(open, c)
			continue
		case closes[c] != 0 && len(open) > 0 && open[len(open)-1] == closes[c]:
			open = open[:len(open)-1]
			continue
		case c == ']' || c == '}' || c == ',' && len(open) == 0:
		case c == '#' && strings.ContainsRune(" \t\n", rune(t[f.at-1])) && len(open) == 0:
		default:
			continue
		}
		break
	}
	end := min(f.at, len(t))
	v.to = v.from + len(strings.TrimRight(t[v.from:end], " \t\r\n"))
	f.emit(v, start, before, end)
}
