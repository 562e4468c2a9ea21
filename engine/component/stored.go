package component

import (
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
)

// Stored is an item as it is read back from what a session encoded.
type Stored struct {
	// ID is that of Encoded.
	ID string
	// Type is the object type, "" in streams that have none.
	Type string
	// Title is what a person calls it, "" when it has none.
	Title string
	// Audience, Principals and AllOf are those of Encoded.
	Audience   access.Audience
	Principals []string
	AllOf      [][]string
	// Fields are the rest by the names that mappings use: strings, numbers,
	// lists, and a map for properties.
	Fields map[string]any
}

// Names are all that the item names, each set of groups as one.
func (s Stored) Names() []string {
	out := slices.Clone(s.Principals)
	for _, set := range s.AllOf {
		out = append(out, "all of "+strings.Join(set, " and "))
	}
	return out
}

// NewTo are the Names that let somebody in whom another version of the item does
// not, as the guard on exposure judges it (invariant 5).
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

// Decoder is the optional capability of a sink to read the Body of an item back,
// so that two of them can be compared. It is called from one goroutine at a time.
type Decoder interface {
	Decode(stream string, body []byte) (Stored, error)
}
