package component

import (
	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
)

// Field is a named value of an item. Value is nil, bool, string, float64, int, []any,
// map[string]any, or []Field for a field of properties.
type Field struct {
	Name  string
	Value any
}

// Item is the result of one mapping for one record, for one stream of the sink.
type Item struct {
	Stream      string
	Ref         string // of the record
	Kind        string
	Mapping     int     // index of the mapping in its stream
	Fields      []Field // in the order of the file, without absent values
	Permissions access.Permissions
	Cut         []string // fields whose value the mapper cut
}

// Encoded is an item in the form that is sent.
type Encoded struct {
	// ID identifies the item within its stream as the sink compares IDs (Glean: in lower case).
	// Two items of a stream must not have the same ID.
	ID string
	// Ref is the ref of the item's record.
	Ref string
	// Type is the object type, "" in streams that have none.
	Type string
	// Audience is the class after principals were resolved. It is Undecided only in streams
	// without permissions.
	Audience access.Audience
	// Rule is the name of the permission rule that decided.
	Rule string
	// Principals are the users and groups that the item names, made by UserPrincipal and
	// GroupPrincipal: those who may find a Listed item, or the members of a group in a stream
	// of the session's own. The guards compare them with those of the last good run. A stream
	// of the session's own is measured by its principals instead of its items.
	Principals []string
	// AllOf are the sets of groups of a Listed item, named as in Principals. Each set has at
	// least two groups and counts as one principal.
	AllOf [][]string
	// Resolved means that the item names every principal of its permission decision.
	Resolved bool
	// Principal is the name by which other items refer to this user or group. It is set only in
	// streams of identities, and "" when no item may refer to it, such as an inactive user.
	Principal string
	// Cut are the fields whose values were cut.
	Cut []string
	// Kept means that the sink keeps the content that it has, which this run did not read; see
	// Keeper. A kept item may only be narrowed and widened, never written.
	Kept bool
	// Body is one JSON object, exactly as it is sent.
	Body []byte
	// Access is the offset in Body where the permissions begin, which are its last part; 0 when
	// Body has no permissions.
	Access int
	// Content is the hash of Body, Substance the hash of Body without its permissions.
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
