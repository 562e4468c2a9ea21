package baseline

import (
	"maps"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
)

// Hiding is the hidden list of a place at one time, indexed for look-ups. The zero value hides
// nothing.
type Hiding struct {
	Refs map[string]Hidden // including those that were let back
	IDs  map[uint64]Hidden // by the hashes of their IDs, including those that were let back
	// hosts finds the host of an attached record, which is hidden with its host.
	hosts component.Hosts
}

// HidingOf returns the index of a hidden list. hosts finds the hosts of attached records, which
// are hidden with their hosts.
func HidingOf(all []Hidden, hosts component.Hosts) Hiding {
	h := Hiding{Refs: make(map[string]Hidden, len(all)), IDs: map[uint64]Hidden{}, hosts: hosts}
	for _, one := range all {
		h.Refs[one.Ref] = one
		for _, id := range one.IDHashes() {
			if old, listed := h.IDs[id]; !listed || !old.Back.IsZero() { // hidden wins over let back
				h.IDs[id] = one
			}
		}
	}
	return h
}

// FindRef returns the entry for a ref: its own, or that of its host.
func (h Hiding) FindRef(ref string) (Hidden, bool) {
	own, listed := h.Refs[ref]
	if len(h.Refs) == 0 || h.hosts == nil || listed && own.Back.IsZero() {
		return own, listed
	}
	if host, attached := h.hosts(ref); attached {
		if of, also := h.Refs[host]; also && (!listed || of.Back.IsZero()) {
			return of, true
		}
	}
	return own, listed
}

// Find returns the entry for an item: the entry of its ref or of its host, or the entry of its
// ID, which it may have kept under another ref.
func (h Hiding) Find(ref string, id uint64) (Hidden, bool) {
	byRef, listed := h.FindRef(ref)
	if byID, also := h.IDs[id]; also && (!listed || !byRef.Back.IsZero()) {
		return byID, true
	}
	return byRef, listed
}

// Has reports whether an item is hidden now.
func (h Hiding) Has(ref string, id uint64) bool {
	one, listed := h.Find(ref, id)
	return listed && one.Back.IsZero()
}

// HiddenRefs returns the refs that are hidden now, sorted.
func (h Hiding) HiddenRefs() []string {
	var refs []string
	for ref := range h.Refs {
		if h.HasRef(ref) {
			refs = append(refs, ref)
		}
	}
	slices.Sort(refs)
	return refs
}

// HasRef reports whether a ref is hidden now.
func (h Hiding) HasRef(ref string) bool {
	one, listed := h.FindRef(ref)
	return listed && one.Back.IsZero()
}

// WhyRef returns the reason for which a hidden ref is withheld.
func (h Hiding) WhyRef(ref string) string {
	one, _ := h.FindRef(ref)
	return Because(one, ref)
}

// HasID is Has for an ID in clear.
func (h Hiding) HasID(ref, id string) bool {
	if len(h.IDs) == 0 { // avoids computing the hash
		return h.HasRef(ref)
	}
	return h.Has(ref, codec.Hash([]byte(id)))
}

// Back reports whether an item was let back since the last good run.
func (h Hiding) Back(ref, id string) bool {
	one, _ := h.Find(ref, codec.Hash([]byte(id)))
	return !one.Back.IsZero()
}

// Why returns the reason for which a hidden item is withheld.
func (h Hiding) Why(ref, id string) string {
	one, _ := h.Find(ref, codec.Hash([]byte(id)))
	return Because(one, ref)
}

// Because returns why an item of a ref is withheld, given the entry that hides it.
func Because(one Hidden, ref string) string {
	text := "hidden with pipe hide on " + one.At.Local().Format(time.DateOnly)
	if one.Ref != ref {
		text += " as " + one.Ref
	}
	return text
}

// Since returns the entries that are hidden now and were not hidden before.
func (h Hiding) Since(before Hiding) Hiding {
	maps.DeleteFunc(h.Refs, func(ref string, one Hidden) bool { return !one.Back.IsZero() || before.HasRef(ref) })
	maps.DeleteFunc(h.IDs, func(id uint64, one Hidden) bool {
		old, listed := before.IDs[id]
		return !one.Back.IsZero() || listed && old.Back.IsZero()
	})
	return h
}

// Without returns the list without one ref and its IDs.
func (h Hiding) Without(ref string) Hiding {
	delete(h.Refs, ref)
	maps.DeleteFunc(h.IDs, func(_ uint64, one Hidden) bool { return one.Ref == ref })
	return h
}

// hiddenCounts counts items that were hidden so recently that a sink may still count them.
type hiddenCounts struct {
	n     int
	types map[string]int
}

// Settle removes from the list the entries that had been let back when this run read it. It is
// called after a good run has written the documents. Entries that were hidden or let back in
// the meantime stay.
func (h Hiding) Settle(store *Store) error {
	gone := func(one Hidden) bool {
		seen := h.Refs[one.Ref]
		return !seen.Back.IsZero() && seen.Back.Equal(one.Back)
	}
	none := true
	for _, one := range h.Refs {
		none = none && one.Back.IsZero()
	}
	if none {
		return nil
	}
	return store.UpdateHidden(func(all []Hidden) ([]Hidden, error) {
		var left []Hidden
		for _, one := range all {
			if !gone(one) {
				left = append(left, one)
			}
		}
		return left, nil
	})
}
