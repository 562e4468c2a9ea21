package codec

import (
	"strings"
	"sync"
	"unicode/utf8"
	"unsafe"
)

// span is the position of a member or an element in the data.
type span struct {
	name     string
	element  bool // of a list
	from, to int
}

var spanLists = sync.Pool{New: func() any { return new([]span) }}

// scan finds the members of an object, or the elements of a list, in one pass and passes them
// to visit. The member of an object that is called list is replaced by its elements. scan gives
// up on unusual JSON, as parser does, and then returns ok = false without having called visit.
func scan(data []byte, open byte, list string, visit func(s *span) error) (ok bool, err error) {
	spans := spanLists.Get().(*[]span)
	defer func() {
		clear(*spans)
		*spans = (*spans)[:0]
		spanLists.Put(spans)
	}()
	p := parser{text: unsafe.String(unsafe.SliceData(data), len(data))} // not kept
	if !p.is(open) || !p.spans(open, list, spans) {
		return false, nil
	}
	if p.space(); p.at != len(p.text) {
		return false, nil
	}
	for i := range *spans {
		if err := visit(&(*spans)[i]); err != nil {
			return true, err
		}
	}
	return true, nil
}

// spans collects the members of an object or the elements of a list after its opening bracket.
func (p *parser) spans(open byte, list string, into *[]span) bool {
	end := byte(']')
	if open == '{' {
		end = '}'
	}
	if p.is(end) {
		return true
	}
	for {
		s := span{element: open == '['}
		if !s.element {
			name, ok := p.name()
			if !ok || !p.is(':') {
				return false
			}
			s.name = strings.Clone(name)
		}
		c := p.next()
		if c == '[' && !s.element && list != "" && s.name == list {
			p.at++
			s.from = -1 // marks that the list is present
			*into = append(*into, s)
			if !p.spans('[', "", into) {
				return false
			}
		} else {
			s.from = p.at
			if !p.skip(0) {
				return false
			}
			s.to = p.at
			*into = append(*into, s)
		}
		if p.is(end) {
			return true
		}
		if !p.is(',') {
			return false
		}
	}
}

// name parses the name of a member.
func (p *parser) name() (string, bool) {
	if p.next() != '"' {
		return "", false
	}
	name, ok := p.str()
	return name, ok && utf8.ValidString(name)
}

// skip skips a value.
func (p *parser) skip(depth int) bool {
	switch c := p.next(); {
	case c == '"':
		return p.skipText()
	case c == '{', c == '[':
		return p.skipAll(c, depth)
	case c == 't':
		return p.word("true")
	case c == 'f':
		return p.word("false")
	case c == 'n':
		return p.word("null")
	case c == '-' || c >= '0' && c <= '9':
		return p.digits()
	}
	return false
}

func (p *parser) skipAll(open byte, depth int) bool {
	if depth == maxDepth {
		return false
	}
	p.at++
	end := byte(']')
	if open == '{' {
		end = '}'
	}
	if p.is(end) {
		return true
	}
	for {
		if open == '{' && (p.next() != '"' || !p.skipText() || !p.is(':')) {
			return false
		}
		if !p.skip(depth + 1) {
			return false
		}
		if p.is(end) {
			return true
		}
		if !p.is(',') {
			return false
		}
	}
}

func (p *parser) skipText() bool {
	for i := special(p.text, p.at+1); i < len(p.text); {
		switch c := p.text[i]; {
		case c == '"':
			p.at = i + 1
			return true
		case c != '\\' || i+1 == len(p.text):
			return false
		}
		if i++; escapes[p.text[i]] == 0 {
			n, ok := unescape(nil, p.text[i:])
			if !ok {
				return false
			}
			i += n - 1
		}
		i = special(p.text, i+1)
	}
	return false
}
