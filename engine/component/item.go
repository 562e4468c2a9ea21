package component

import (
	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
)

// Field is one named value of an item. Value is nil, bool, string, float64,
// int, []any, map[string]any, or []Field for a field of properties.
type Field struct {
	Name  string
	Value any
}

// Item is what one mapping made of one record, for one stream of the sink.
type Item struct {
	Stream      string
	Ref         string // of the record it comes from
	Kind        string
	Mapping     int     // which mapping of its stream made it, from 0
	Fields      []Field // in the order of the file; absent values left out
	Permissions access.Permissions
	Cut         []string // fields whose value the mapper cut
}

// Encoded is an item as the sink will send it.
type Encoded struct {
	// ID tells items of one stream apart the way the sink does (Glean: lower
	// case). Two items with one ID are one too many.
	ID string
	// Ref is the record that it comes from.
	Ref string
	// Type is the object type, "" in streams that have none.
	Type string
	// Audience is the class after principals were resolved; Undecided only in
	// streams without permissions.
	Audience access.Audience
	// Rule is the permission rule that decided.
	Rule string
	// Principals are the people and groups that it names, made by UserPrincipal and
	// GroupPrincipal: who may find a Listed item, or, in a stream of the session's
	// own, the members of a group. The guards compare them with those of the last good
	// run, and such a stream counts them instead of its items.
	Principals []string
	// AllOf are the sets of groups that a Listed item names, as in Principals: each
	// is one principal of its own. None has fewer than two.
	AllOf [][]string
	// Resolved means that the item names everybody whom the decision on who finds it names.
	Resolved bool
	// Principal is how others name a person or group, only in streams of
	// identities; "" when nobody is named by it, as one who is not active.
	Principal string
	// Cut are the fields whose values were cut to be sent.
	Cut []string
	// Body is one JSON object, exactly as it will be sent.
	Body []byte
	// Access is where the end of Body begins that says who may find the item; 0 where no
	// part does.
	Access int
	// Content is the hash of Body, and Substance that of Body without Access.
	Content, Substance uint64
}

// Hash sets Content and Substance.
func (e *Encoded) Hash() {
	if e.Access > 0 {
		e.Substance, e.Content = codec.HashBoth(e.Body, e.Access)
		return
	}
	e.Content = codec.Hash(e.Body)
	e.Substance = e.Content
}
