package store_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sources/push/store"
)

// wanted is a store in memory: what is stored, and when each possible record was last in the
// scope of a change.
type wanted struct {
	records map[string]bool
	changed map[string]int
	changes int
}

// wantedSet is an open set in memory.
type wantedSet struct {
	id    string
	scope []string // all possible refs
	refs  []string
	begun int
}

// possible returns all refs of a scope of the grant all.
func possible(in component.Scope) (refs []string) {
	for _, kind := range []string{"page", "doc"} {
		for _, ns := range []string{"a", "b"} {
			if (len(in.Kinds) == 0 || slices.Contains(in.Kinds, kind)) &&
				(len(in.Namespaces) == 0 || slices.Contains(in.Namespaces, ns)) {
				for i := range 4 {
					refs = append(refs, fmt.Sprintf("%s:%s/%d", kind, ns, i))
				}
			}
		}
	}
	return refs
}

func (w *wanted) change(refs ...string) {
	w.changes++
	for _, ref := range refs {
		w.changed[ref] = w.changes
	}
}

// TestRandomPushes compares random pushes with a store in memory.
func TestRandomPushes(t *testing.T) {
	committed, refusedSets := 0, 0
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		s := open(t)
		s.set(all, component.Scope{})
		w := &wanted{records: map[string]bool{}, changed: map[string]int{}}
		var sets []*wantedSet
		every := possible(component.Scope{})
		some := func(list ...string) []string { return list[:random.IntN(2)] }
		for range 60 {
			ref := every[random.IntN(len(every))]
			switch op := random.IntN(10); {
			case op < 2 && len(sets) < 4:
				in := component.Scope{Kinds: some([]string{"page", "doc"}[random.IntN(2)]),
					Namespaces: some([]string{"a", "b"}[random.IntN(2)])}
				sets = append(sets, &wantedSet{id: s.begin(all, in), scope: possible(in), begun: w.changes})
			case op < 6 && len(sets) > 0:
				set := sets[random.IntN(len(sets))]
				_, err := s.Append(t.Context(), all, set.id, strings.NewReader(records(ref)), "")
				if ok := slices.Contains(set.scope, ref) && !slices.Contains(set.refs, ref); ok != (err == nil) {
					t.Fatalf("seed %d: append %s: %v", seed, ref, err)
				} else if ok {
					set.refs = append(set.refs, ref)
				}
			case op < 8 && len(sets) > 0:
				i := random.IntN(len(sets))
				set := sets[i]
				_, err := s.Commit(t.Context(), all, set.id, len(set.refs), "")
				late := slices.ContainsFunc(set.scope, func(ref string) bool { return w.changed[ref] > set.begun })
				if late != (err != nil) || err != nil && !errors.As(err, new(*component.PushError)) {
					t.Fatalf("seed %d: commit, changed since the set began %t: %v", seed, late, err)
				}
				sets = slices.Delete(sets, i, i+1)
				if late {
					refusedSets++
					if err := s.Abort(t.Context(), all, set.id); err != nil {
						t.Fatal(err)
					}
					continue
				}
				committed++
				w.change(set.scope...)
				maps.DeleteFunc(w.records, func(ref string, _ bool) bool { return slices.Contains(set.scope, ref) })
				for _, ref := range set.refs {
					w.records[ref] = true
				}
			default:
				w.single(t, s.Store, ref, random.IntN(2) == 0)
			}
			s.wants(strings.Join(slices.SortedFunc(maps.Keys(w.records), strings.Compare), " "))
		}
		if _, err := s.Expire(t.Context()); err != nil || s.Rows(t, "bodies") != len(w.records)+s.Rows(t, "staged") {
			t.Errorf("seed %d: %d bodies, %d records, %d staged, %v", seed, s.Rows(t, "bodies"), len(w.records),
				s.Rows(t, "staged"), err)
		}
	}
	if committed < 50 || refusedSets < 50 {
		t.Errorf("%d sets were committed and %d refused", committed, refusedSets)
	}
}

// single pushes or deletes a record.
func (w *wanted) single(t *testing.T, s *store.Store, ref string, remove bool) {
	t.Helper()
	var got component.Changed
	var err error
	if remove {
		got, err = s.Delete(t.Context(), all, ref, "")
	} else {
		got, err = s.Upsert(t.Context(), all, "", strings.NewReader(record(ref)), "")
	}
	if err != nil || got.Changed != (w.records[ref] == remove) {
		t.Fatalf("%s, delete %t: %+v, %v", ref, remove, got, err)
	}
	if got.Changed {
		w.change(ref)
	}
	if remove {
		delete(w.records, ref)
	} else {
		w.records[ref] = true
	}
}
