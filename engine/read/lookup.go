package read

import (
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/expression"
)

// index is what lookup() and display() see: the entries of every sealed phase.
// A phase is added to while it is read and becomes visible when it is sealed,
// so that what a mapping sees never depends on timing. Reading is lock-free;
// reading never seals while workers run.
type index struct {
	sealed map[string]component.Entry
	mu     sync.Mutex
	open   []component.Entry
	// blind are the kinds, in lower case, of a phase that is worked on while it
	// is read: what they look like from within is not known.
	blind  map[string]bool
	kindOf func(ref string) string
	// fetch finds what was not read; nil when everything is.
	fetch func(ref string) (component.Entry, bool)
}

func newIndex(refs component.Refs) *index {
	return &index{sealed: map[string]component.Entry{}, kindOf: refs.KindOf}
}

// maxTitle is how much of a title is kept, in bytes (invariant 7).
const maxTitle = 1 << 10

func (x *index) add(e component.Entry) {
	e.Title = expression.CutText(e.Title, maxTitle)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.open = append(x.open, e)
}

func (x *index) seal() {
	for _, e := range x.open {
		x.sealed[e.Ref] = e
	}
	x.open = nil
}

// forget drops the open phase: it is too large to be seen by itself.
func (x *index) forget(ph component.Phase) {
	x.open = nil
	x.blind = map[string]bool{}
	for _, k := range ph.Kinds {
		x.blind[strings.ToLower(k.Name)] = true
	}
}

// find is the expression.Lookup of a run.
func (x *index) find(ref string) (component.Entry, expression.Presence) {
	e, ok := x.sealed[ref]
	if !ok && x.fetch != nil {
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
