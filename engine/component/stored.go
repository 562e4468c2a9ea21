package component

import (
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
)

// Stored is an item decoded from what a session encoded.
type Stored struct {
	// ID is Encoded.ID.
	ID string
	// Type is the object type, "" in streams that have none.
	Type string
	// Title is the title for people; "" when the item has none.
	Title string
	// Audience, Principals and AllOf are those of Encoded.
	Audience   access.Audience
	Principals []string
	AllOf      [][]string
	// Fields are all other fields by their names in mappings: strings, numbers, lists, and a
	// map for properties.
	Fields map[string]any
}

// Names returns all principals of the item; each set of groups is one name.
func (s Stored) Names() []string {
	out := slices.Clone(s.Principals)
	for _, set := range s.AllOf {
		out = append(out, "all of "+strings.Join(set, " and "))
	}
	return out
}

// NewTo returns the Names that give access to a person who has none through the other version
// of the item, by the rules of the guard on exposure (invariant 5).
func (s Stored) NewTo(other Stored) []string {
	before := access.UnpackNames(access.PackNames(other.Principals, access.HashSets(other.AllOf)))
	sets := access.HashSets(s.AllOf)
	var out []string
	for i, name := range s.Names() {
		var one access.Grant
		if set := i - len(s.Principals); set >= 0 {
			one = access.Grant{Names: []uint64{access.SetName(sets[set])}, Sets: sets[set : set+1]}
		} else {
			one = access.Grant{Names: []uint64{codec.Hash([]byte(name))}}
		}
		if one.NewTo(before) > 0 {
			out = append(out, name)
		}
	}
	return out
}

// Decoder is the optional capability of a sink to decode the Body of an item, for comparisons.
// It is called from one goroutine at a time.
type Decoder interface {
	Decode(stream string, body []byte) (Stored, error)
}
