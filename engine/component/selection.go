package component

import "github.com/pipe-engine/pipe/engine/access"

// Selection is what a pipeline would send now for a few records.
type Selection struct {
	Records []Selected // in the order of the requested refs
	// Identities are the items of all streams of identities, including streams of the session's
	// own.
	Identities map[string][]SelectedItem
	// Before is the number of items with permissions in the last good run.
	Before int
}

// Selected is one record of a selection with its ending and items.
type Selected struct {
	Ref    string
	Found  bool // the source has the record and its kind is read
	Ending Ending
	Reason string
	Items  []SelectedItem
	// Kept are the items of attached records that the sink holds, with the permissions that the
	// record has now. Their content is not known; see Encoded.Kept.
	Kept []SelectedItem
}

// SelectedItem is an item as it would be sent.
type SelectedItem struct {
	Stream string
	Encoded
	// Grant is the audience of the item or the members of a group, as hashes of principals.
	Grant access.Grant
	// Same reports whether the last good run delivered exactly this item.
	Same bool
	// Known reports whether the last good run had an item with this ID of this ref. Other is a
	// different ref that had the ID. Neither is set for identities.
	Known bool
	Other string
	// Wider reports whether more people would find the item than after the last good run. It is
	// not set for identities.
	Wider bool
}

// Undelivered returns why nothing would be sent for the record; "" when something would be
// sent.
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
