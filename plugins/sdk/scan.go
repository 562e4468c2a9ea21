package sdk

import (
	"encoding/json"
	"unicode/utf8"
)

// member is one member of a JSON object, as raw bytes.
type member struct {
	name string
	raw  []byte
}

// maxDepth is how deep values may be nested.
const maxDepth = 1000

// membersIn lists the members of a JSON object and checks all of data. ok is false for
// anything but one valid JSON object, and for an object that it leaves to encoding/json. It
// never accepts what encoding/json refuses.
func membersIn(data []byte) (list []member, ok bool) {
	s := scanner{data: data}
	if !s.next('{') {
		return nil, false
	}
	if !s.next('}') {
		list = make([]member, 0, 8)
		for {
			name, ok := s.name()
			if !ok || !s.next(':') {
				return nil, false
			}
			s.space()
			from := s.at
			if !s.value(0) {
				return nil, false
			}
			list = append(list, member{name, data[from:s.at]})
			if s.next('}') {
				break
			}
			if !s.next(',') {
				return nil, false
			}
		}
	}
	s.space()
	return list, s.at == len(data)
}

// scanner passes over JSON.
type scanner struct {
	data []byte
	at   int
}

func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\n', '\r', '\t':
			s.at++
		default:
			return
		}
	}
}

// next skips c if it comes next, after white space.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.at == len(s.data) || s.data[s.at] != c {
		return false
	}
	s.at++
	return true
}

func (s *scanner) name() (string, bool) {
	s.space()
	from := s.at
	if !s.text() {
		return "", false
	}
	return unquote(s.data[from:s.at])
}

// value skips a value that begins here or after white space.
func (s *scanner) value(depth int) bool {
	s.space()
	if s.at == len(s.data) {
		return false
	}
	switch s.data[s.at] {
	case '"':
		return s.text()
	case '{':
		return s.all('}', depth)
	case '[':
		return s.all(']', depth)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

// all passes over the object or the list that begins here.
func (s *scanner) all(end byte, depth int) bool {
	if depth == maxDepth {
		return false
	}
	s.at++
	if s.next(end) {
		return true
	}
	for {
		if end == '}' {
			if s.space(); !s.text() || !s.next(':') {
				return false
			}
		}
		if !s.value(depth + 1) {
			return false
		}
		if s.next(end) {
			return true
		}
		if !s.next(',') {
			return false
		}
	}
}

func (s *scanner) word(word string) bool {
	if len(s.data)-s.at < len(word) || string(s.data[s.at:s.at+len(word)]) != word {
		return false
	}
	s.at += len(word)
	return true
}

func (s *scanner) number() bool {
	if s.at < len(s.data) && s.data[s.at] == '-' {
		s.at++
	}
	zero := s.at < len(s.data) && s.data[s.at] == '0'
	if n := s.digits(); n == 0 || zero && n > 1 {
		return false
	}
	if s.at < len(s.data) && s.data[s.at] == '.' {
		s.at++
		if s.digits() == 0 {
			return false
		}
	}
	if s.at < len(s.data) && (s.data[s.at] == 'e' || s.data[s.at] == 'E') {
		s.at++
		if s.at < len(s.data) && (s.data[s.at] == '+' || s.data[s.at] == '-') {
			s.at++
		}
		return s.digits() > 0
	}
	return true
}

func (s *scanner) digits() (n int) {
	for s.at < len(s.data) && '0' <= s.data[s.at] && s.data[s.at] <= '9' {
		s.at++
		n++
	}
	return n
}

// text passes over the string that begins here.
func (s *scanner) text() bool {
	if s.at == len(s.data) || s.data[s.at] != '"' {
		return false
	}
	for i := s.at + 1; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.at = i + 1
			return true
		case c < ' ':
			return false
		case c == '\\':
			if i++; i == len(s.data) {
				return false
			}
			if s.data[i] == 'u' {
				if !hex4(s.data[i+1:]) {
					return false
				}
				i += 4
			} else if escaped[s.data[i]] == 0 {
				return false
			}
		}
	}
	return false
}

func hex4(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	for _, c := range b[:4] {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
	}
	return true
}

// escaped are the characters after a backslash in an escape, and their meanings.
var escaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unquote is the text of a valid JSON string.
func unquote(raw []byte) (string, bool) {
	inner := raw[1 : len(raw)-1]
	plain, simple := true, true
	for i := 0; i < len(inner); i++ {
		if inner[i] == '\\' {
			plain = false
			if i++; inner[i] == 'u' {
				simple = false
				break
			}
		}
	}
	if !simple || !utf8.Valid(inner) {
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	}
	if plain {
		return string(inner), true
	}
	out := make([]byte, 0, len(inner))
	for i := 0; i < len(inner); i++ {
		c := inner[i]
		if c == '\\' {
			i++
			c = escaped[inner[i]]
		}
		out = append(out, c)
	}
	return string(out), true
}
