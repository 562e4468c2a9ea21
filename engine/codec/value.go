package codec

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

// scratch is the buffers for encoding a value.
type scratch struct {
	b     []byte
	names []string
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// The largest scratch that is kept: bytes of the buffer, and number of names.
const (
	maxScratch = 1 << 20
	maxNames   = 1 << 12
)

// marshalObject encodes an object that Decode returned, with the same output as the library. ok
// is false when the object holds values of other types or names that are not UTF-8.
func marshalObject(object map[string]any) (out []byte, ok bool) {
	s := scratches.Get().(*scratch)
	s.b = s.b[:0]
	if ok = s.object(object, 0); ok {
		out = bytes.Clone(s.b)
	}
	if cap(s.b) <= maxScratch && cap(s.names) <= maxNames {
		clear(s.names[:cap(s.names)])
		s.names = s.names[:0]
		scratches.Put(s)
	}
	return out, ok
}

func (s *scratch) value(v any, depth int) bool {
	switch v := v.(type) {
	case nil:
		s.b = append(s.b, "null"...)
	case bool:
		s.b = strconv.AppendBool(s.b, v)
	case string:
		s.b = Quote(s.b, v)
	case float64:
		return s.number(v)
	case map[string]any:
		return s.object(v, depth+1)
	case []any:
		return s.list(v, depth+1)
	default:
		return false
	}
	return true
}

// number encodes whole numbers itself and leaves others to the library.
func (s *scratch) number(v float64) bool {
	const exact = 1 << 53
	if i := int64(v); v > -exact && v < exact && float64(i) == v && (i != 0 || !math.Signbit(v)) {
		s.b = strconv.AppendInt(s.b, i, 10)
		return true
	}
	text, err := json.Marshal(v)
	s.b = append(s.b, text...)
	return err == nil
}

func (s *scratch) object(object map[string]any, depth int) bool {
	if depth > maxDepth {
		return false
	}
	begin := len(s.names)
	for name := range object {
		if !utf8.ValidString(name) {
			return false
		}
		s.names = append(s.names, name)
	}
	end := len(s.names)
	slices.Sort(s.names[begin:end])
	s.b = append(s.b, '{')
	for i := begin; i < end; i++ {
		if i > begin {
			s.b = append(s.b, ',')
		}
		name := s.names[i]
		s.b = append(Quote(s.b, name), ':')
		if !s.value(object[name], depth) {
			return false
		}
	}
	s.b = append(s.b, '}')
	s.names = s.names[:begin]
	return true
}

func (s *scratch) list(list []any, depth int) bool {
	if depth > maxDepth {
		return false
	}
	s.b = append(s.b, '[')
	for i, v := range list {
		if i > 0 {
			s.b = append(s.b, ',')
		}
		if !s.value(v, depth) {
			return false
		}
	}
	s.b = append(s.b, ']')
	return true
}
