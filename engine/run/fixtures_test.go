package run

import (
	"slices"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// snapshotOf is a baseline with entries of documents and members.
func snapshotOf(t *testing.T, entries []baseline.Entry) *baseline.Snapshot {
	t.Helper()
	store := newNight(t).Baseline()
	w, err := store.Create(baseline.Header{Streams: map[string]int{"documents": 0, "members": 0}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		w.Add(e)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	base, err := store.Load()
	if err != nil || base.Snapshot == nil {
		t.Fatalf("%v, %+v", err, base)
	}
	t.Cleanup(func() { base.Close() })
	return base.Snapshot
}

// document is an entry of the baseline whose ID is its ref.
func document(ref string, audience access.Audience, names ...string) baseline.Entry {
	return baseline.Entry{Stream: "documents", Ref: ref, Type: "component", Audience: audience.String(), ID: codec.Hash([]byte(ref)), Names: hashes(names...)}
}

// away is a document that a run before the last one already lacked.
func away(e baseline.Entry) baseline.Entry {
	e.Away = time.Now().Add(-24 * time.Hour)
	return e
}

// staged is a document of the new run whose ID is its ref.
func staged(ref, rule string, audience access.Audience, names ...string) component.Encoded {
	return component.Encoded{ID: ref, Ref: ref, Type: "component", Audience: audience, Rule: rule, Principals: names}
}

// hashes are the hashes of names, ascending.
func hashes(names ...string) []uint64 {
	var out []uint64
	for _, name := range names {
		out = append(out, codec.Hash([]byte(name)))
	}
	slices.Sort(out)
	return out
}

// refsOf are the refs of changes, in their order.
func refsOf(changes []fault.Change) []string {
	var out []string
	for _, ch := range changes {
		out = append(out, ch.Ref)
	}
	return out
}

// gone are changes that delete documents.
func gone(ids ...string) []fault.Change {
	var out []fault.Change
	for _, id := range ids {
		out = append(out, fault.Change{Stream: "documents", ID: id, Ref: id, Before: "listed:1", After: fault.Gone, N: 1})
	}
	return out
}
