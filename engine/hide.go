package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/state"
)

// hiding is what people have taken away by hand, by ref.
type hiding map[string]state.Hidden

func hidingOf(all []state.Hidden) hiding {
	h := make(hiding, len(all))
	for _, one := range all {
		h[one.Ref] = one
	}
	return h
}

// has tells whether a ref is hidden now.
func (h hiding) has(ref string) bool {
	one, listed := h[ref]
	return listed && one.Back.IsZero()
}

// back tells whether a person has let a ref back since the last good run.
func (h hiding) back(ref string) bool { return !h[ref].Back.IsZero() }

// why is the reason for which a hidden ref is withheld.
func (h hiding) why(ref string) string {
	return "hidden with pipe hide on " + h[ref].At.Local().Format(time.DateOnly)
}

// noteHidden names what this run withheld since a person has hidden it: of a record
// with several items the sum shows how the gravest ended.
func (r *run) noteHidden() error {
	const most = 10
	var refs []string
	n := 0
	for _, s := range r.p.Streams {
		for ref, err := range r.shelf.withheldRefs(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			if !s.Permissions || !r.hidden.has(ref) {
				continue
			}
			if n++; n <= most {
				refs = append(refs, fmt.Sprintf("%s (%s)", ref, r.hidden[ref].At.Local().Format(time.DateOnly)))
			}
		}
	}
	if n == 0 {
		return nil
	}
	word, more := "documents", ""
	if n == 1 {
		word = "document"
	}
	if n > most {
		more = fmt.Sprintf(" and %d more, which pipe status lists", n-most)
	}
	r.note("%d %s hidden with pipe hide: %s%s", n, word, strings.Join(refs, ", "), more)
	return nil
}

// recent tells whether what a sink says it holds may still count a hidden ref.
func (h hiding) recent(ref string) bool { return h.has(ref) && time.Since(h[ref].At) < youngCounts }

// hiddenCounts are items that were hidden so lately that a sink may still count
// them.
type hiddenCounts struct {
	n     int
	types map[string]int
}

// settle drops what was let back, once a good run has written the documents.
func (h hiding) settle(store *state.Store) error {
	left := make([]state.Hidden, 0, len(h))
	for _, one := range h {
		if one.Back.IsZero() {
			left = append(left, one)
		}
	}
	if len(left) == len(h) {
		return nil
	}
	slices.SortFunc(left, func(a, b state.Hidden) int { return a.At.Compare(b.At) })
	return store.SetHidden(left)
}
