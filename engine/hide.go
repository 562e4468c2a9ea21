package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/state"
)

// hiding is the hidden list of a place at one moment. The zero value hides nothing.
type hiding struct {
	refs map[string]state.Hidden // also those that were let back
	ids  map[uint64]state.Hidden // by the hashes of their IDs, likewise
}

func hidingOf(all []state.Hidden) hiding {
	h := hiding{refs: make(map[string]state.Hidden, len(all)), ids: map[uint64]state.Hidden{}}
	for _, one := range all {
		h.refs[one.Ref] = one
		for _, id := range one.IDHashes() {
			if old, listed := h.ids[id]; !listed || !old.Back.IsZero() { // hidden wins over let back
				h.ids[id] = one
			}
		}
	}
	return h
}

// find returns the entry that an item comes under: that of its ref, or that of its
// ID, which it may have kept under another ref.
func (h hiding) find(ref string, id uint64) (state.Hidden, bool) {
	byRef, listed := h.refs[ref]
	if byID, also := h.ids[id]; also && (!listed || !byRef.Back.IsZero()) {
		return byID, true
	}
	return byRef, listed
}

// has reports whether an item is hidden now.
func (h hiding) has(ref string, id uint64) bool {
	one, listed := h.find(ref, id)
	return listed && one.Back.IsZero()
}

// hiddenRefs are the refs that are hidden now, sorted.
func (h hiding) hiddenRefs() []string {
	var refs []string
	for ref := range h.refs {
		if h.hasRef(ref) {
			refs = append(refs, ref)
		}
	}
	slices.Sort(refs)
	return refs
}

// hasRef reports whether a ref is hidden now.
func (h hiding) hasRef(ref string) bool {
	one, listed := h.refs[ref]
	return listed && one.Back.IsZero()
}

// hasID is has for an ID in clear.
func (h hiding) hasID(ref, id string) bool {
	if len(h.ids) == 0 { // which spares the hash
		return h.hasRef(ref)
	}
	return h.has(ref, codec.Hash([]byte(id)))
}

// back reports whether a person has let an item back since the last good run.
func (h hiding) back(ref, id string) bool {
	one, _ := h.find(ref, codec.Hash([]byte(id)))
	return !one.Back.IsZero()
}

// why is the reason for which a hidden item is withheld.
func (h hiding) why(ref, id string) string {
	one, _ := h.find(ref, codec.Hash([]byte(id)))
	return because(one, ref)
}

func because(one state.Hidden, ref string) string {
	text := "hidden with pipe hide on " + one.At.Local().Format(time.DateOnly)
	if one.Ref != ref {
		text += " as " + one.Ref
	}
	return text
}

// since returns what of the list is hidden now and was not hidden before.
func (h hiding) since(before hiding) hiding {
	maps.DeleteFunc(h.refs, func(ref string, one state.Hidden) bool { return !one.Back.IsZero() || before.hasRef(ref) })
	maps.DeleteFunc(h.ids, func(id uint64, one state.Hidden) bool {
		old, listed := before.ids[id]
		return !one.Back.IsZero() || listed && old.Back.IsZero()
	})
	return h
}

// without returns the list less one ref and its IDs.
func (h hiding) without(ref string) hiding {
	delete(h.refs, ref)
	maps.DeleteFunc(h.ids, func(_ uint64, one state.Hidden) bool { return one.Ref == ref })
	return h
}

// noteHidden names what this run withheld because a person has hidden it: of a
// record with several items the report shows the ending of one.
func (r *run) noteHidden() error {
	var refs []string
	n := 0
	for _, s := range r.p.Streams {
		for u, err := range r.shelf.Withheld(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			if !s.Permissions || !r.hidden.hasID(u.Ref, u.ID) {
				continue
			}
			if n++; n <= display.Shown {
				one, _ := r.hidden.find(u.Ref, codec.Hash([]byte(u.ID)))
				refs = append(refs, fmt.Sprintf("%s (%s)", u.Ref, one.At.Local().Format(time.DateOnly)))
			}
		}
	}
	if n == 0 {
		return nil
	}
	more := ""
	if n > display.Shown {
		more = fmt.Sprintf(" and %d more, which pipe status lists", n-display.Shown)
	}
	r.note("%s hidden with pipe hide: %s%s", display.Plural(n, "document"), strings.Join(refs, ", "), more)
	return nil
}

// hiddenCounts are items that were hidden so recently that a sink may still count
// them.
type hiddenCounts struct {
	n     int
	types map[string]int
}

// settle drops from the list the entries that had been let back when this run read
// it, once a good run has written the documents. What was hidden or let back
// meanwhile stays.
func (h hiding) settle(store *state.Store) error {
	gone := func(one state.Hidden) bool {
		seen := h.refs[one.Ref]
		return !seen.Back.IsZero() && seen.Back.Equal(one.Back)
	}
	none := true
	for _, one := range h.refs {
		none = none && one.Back.IsZero()
	}
	if none {
		return nil
	}
	return store.UpdateHidden(func(all []state.Hidden) ([]state.Hidden, error) {
		var left []state.Hidden
		for _, one := range all {
			if !gone(one) {
				left = append(left, one)
			}
		}
		return left, nil
	})
}
