package config

import "github.com/pipe-engine/pipe/engine/codec"

// Map is a mapping whose order in the file matters.
type Map[T any] []MapEntry[T]

// MapEntry is one line of a Map.
type MapEntry[T any] struct {
	Key    string
	KeyPos Pos
	Value  T
}

var _ Decodable = (*Map[string])(nil)

// Get is the value under a key.
func (m Map[T]) Get(key string) (value T, ok bool) {
	for _, e := range m {
		if e.Key == key {
			return e.Value, true
		}
	}
	return value, false
}

// MarshalJSON is a JSON object.
func (m Map[T]) MarshalJSON() ([]byte, error) {
	object := make(map[string]T, len(m))
	for _, e := range m {
		object[e.Key] = e.Value
	}
	return codec.Marshal(object)
}

// DecodeNode decodes each value; a null leaves its key out.
func (m *Map[T]) DecodeNode(n *Node, d *Decoder) {
	if n.kind != Mapping {
		d.wrongKind(n, "a mapping")
		return
	}
	*m = make(Map[T], 0, len(n.entries))
	for _, e := range n.entries {
		if e.Value.null && !e.Value.broken {
			continue
		}
		entry := MapEntry[T]{Key: e.Key, KeyPos: e.KeyPos}
		d.Decode(e.Value, &entry.Value)
		*m = append(*m, entry)
	}
}

func (m Map[T]) element() any { return new(T) }
