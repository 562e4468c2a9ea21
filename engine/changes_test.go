package engine

import "github.com/pipe-engine/pipe/engine/fault"

// gone are changes that delete documents.
func gone(ids ...string) []fault.Change {
	var out []fault.Change
	for _, id := range ids {
		out = append(out, fault.Change{Stream: "documents", ID: id, Ref: id, Before: "listed:1", After: fault.Gone, N: 1})
	}
	return out
}
