package read

import (
	"slices"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/refset"
)

// index is the entries that lookup() and display() see: those of every sealed phase. Entries
// are added while a phase is read and become visible when it is sealed, which keeps look-ups
// independent of timing. Look-ups take no lock; a phase is never sealed while workers run.
type index struct {
	refs   refset.Set
	sealed []component.Entry // indexed by the number of the ref
	mu     sync.Mutex
	open   []component.Entry
	// blind are the kinds, in lower case, of a phase that is processed while it is read:
	// look-ups of these kinds within the phase have no answer.
	blind  map[string]bool
	kindOf func(ref string) string
	// fetch finds records that were not read; nil when all records are read.
	fetch func(ref string) (component.Entry, bool)
}

func newIndex(refs component.Refs) *index {
	return &index{kindOf: refs.KindOf}
}

// maxTitle is the maximum length of a kept title, in bytes (invariant 7).
const maxTitle = 1 << 10

func (x *index) add(e component.Entry) {
	e.Title = expression.CutText(e.Title, maxTitle)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.open = append(x.open, e)
}

func (x *index) seal() {
	x.sealed = slices.Grow(x.sealed, len(x.open))
	for _, e := range x.open {
		if n, added := x.refs.Add(e.Ref); added {
			x.sealed = append(x.sealed, e)
		} else {
			x.sealed[n] = e
		}
	}
	x.open = nil
}

// forget drops the entries of the open phase, which is too large for look-ups within itself.
func (x *index) forget(ph component.Phase) {
	x.open = nil
	x.blind = map[string]bool{}
	for _, k := range ph.Kinds {
		x.blind[strings.ToLower(k.Name)] = true
	}
}

// find is the expression.Lookup of a run.
func (x *index) find(ref string) (component.Entry, expression.Presence) {
	var e component.Entry
	n, ok := x.refs.Find(ref)
	if ok {
		e = x.sealed[n]
	} else if x.fetch != nil {
		e, ok = x.fetch(ref)
	}
	if ok {
		return e, expression.Present
	}
	if kind := x.kindOf(ref); x.blind[kind] || kind == "" && len(x.blind) > 0 {
		return component.Entry{}, expression.Pending
	}
	return component.Entry{}, expression.Absent
}
