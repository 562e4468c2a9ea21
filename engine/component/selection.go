package component

import "github.com/pipe-engine/pipe/engine/access"

// Selection is what a pipeline would send now of a few records.
type Selection struct {
	Records []Selected // in the order of the refs
	// Identities are the items of all streams that say who is who, also those of
	// the session's own.
	Identities map[string][]SelectedItem
	// Before counts the items with permissions of the last good run.
	Before int
}

// Selected is one record and what becomes of it.
type Selected struct {
	Ref    string
	Found  bool // the source has it, and reads its kind
	Ending Ending
	Reason string
	Items  []SelectedItem
}

// SelectedItem is an item as it would be sent.
type SelectedItem struct {
	Stream string
	Encoded
	// Grant is who would find it, or the members of a group, as hashes of principals.
	Grant access.Grant
	// Same tells that the last good run delivered exactly this.
	Same bool
	// Known tells that the last good run had an item of this id of this ref, Other
	// is another ref that it had it of. They are not set for identities.
	Known bool
	Other string
	// Wider reports that more people would find it than after the last good run.
	// It is not set for identities.
	Wider bool
}

// Undelivered is why nothing of a record would be sent, "" when something is.
func (r Selected) Undelivered() string {
	switch {
	case !r.Found:
		return "the source does not have it or the pipeline does not read its kind"
	case len(r.Items) > 0:
		return ""
	case r.Reason == "" && r.Ending == Delivered:
		return "no document is made from it"
	case r.Reason == "":
		return r.Ending.String() + ": no document is made from it"
	}
	return r.Ending.String() + ": " + r.Reason
}
