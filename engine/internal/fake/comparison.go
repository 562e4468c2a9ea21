package fake

import (
	"slices"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/stage"
)

// Comparison compares a run with a baseline, without a source or a sink. Documents have
// permissions; members are measured by their principals.
type Comparison struct {
	Before    []baseline.Entry
	Staged    map[string][]component.Encoded // by stream
	Withheld  []string                       // refs of documents
	Delivered []string                       // refs of records
	Open      bool                           // documents have no permissions
}

// Compare writes the baseline and the stage and compares them.
func (c Comparison) Compare(t *testing.T) *baseline.Comparison {
	t.Helper()
	s := stage.New()
	t.Cleanup(s.Close)
	for stream, items := range c.Staged {
		for _, e := range items {
			if taken, err := s.Put(stream, e, 1, func(string) bool { return false }); err != nil || taken != "" {
				t.Fatal(taken, err)
			}
		}
	}
	for _, ref := range c.Withheld {
		if err := s.Withhold("documents", ref, ref, false); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	plan := &component.Plan{Streams: []component.StreamPlan{{Name: "documents"}, {Name: "members", Own: true}}}
	compared, err := baseline.Compare(plan, Snapshot(t, c.Before), baseline.Run{
		Stage: s,
		Fate: func(ref string) (component.Ending, string) {
			if slices.Contains(c.Delivered, ref) {
				return component.Delivered, ""
			}
			return component.Pending, ""
		},
		Off:         func(string) bool { return false },
		Permissions: func(stream string) bool { return stream == "documents" && !c.Open },
		Now:         time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return compared
}

// Snapshot returns a baseline with entries of documents and members.
func Snapshot(t *testing.T, entries []baseline.Entry) *baseline.Snapshot {
	t.Helper()
	store := Folder{t, t.TempDir()}.Baseline()
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

// Document returns an entry of a baseline whose ID is its ref.
func Document(ref string, audience access.Audience, names ...string) baseline.Entry {
	return baseline.Entry{
		Stream: "documents", Ref: ref, Type: "component", Audience: audience.String(),
		ID: codec.Hash([]byte(ref)), Names: Hashes(names...),
	}
}

// Away returns an entry that a run before the last one already lacked.
func Away(e baseline.Entry) baseline.Entry {
	e.Away = time.Now().Add(-24 * time.Hour)
	return e
}

// Staged returns a document of the new run whose ID is its ref.
func Staged(ref, rule string, audience access.Audience, names ...string) component.Encoded {
	return component.Encoded{ID: ref, Ref: ref, Type: "component", Audience: audience, Rule: rule, Principals: names}
}

// Hashes returns the sorted hashes of names.
func Hashes(names ...string) []uint64 {
	var out []uint64
	for _, name := range names {
		out = append(out, codec.Hash([]byte(name)))
	}
	slices.Sort(out)
	return out
}

// Refs returns the refs of changes, in order.
func Refs(changes []fault.Change) []string {
	var out []string
	for _, ch := range changes {
		out = append(out, ch.Ref)
	}
	return out
}

// Gone returns changes that delete documents.
func Gone(ids ...string) []fault.Change {
	var out []fault.Change
	for _, id := range ids {
		out = append(out, fault.Change{Stream: "documents", ID: id, Ref: id, Before: "listed:1", After: fault.Gone, N: 1})
	}
	return out
}
