package read

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
)

// Controls is the number of known refs that are looked up together with missing ones.
const Controls = 20

// confirm looks up refs of the phase that the last good run delivered and that reading did not
// return. Records that exist are read now; only those that do not exist count as gone
// (invariant 4).
func (a *reading) confirm(ctx context.Context, ph component.Phase, emit component.Emit) error {
	source, can := a.p.Source.(component.Confirmer)
	if a.last == nil || !can {
		return nil
	}
	var kinds []string
	for _, k := range ph.Kinds {
		kinds = append(kinds, k.Name)
	}
	var refs []string
	for e, err := range a.last.Entries() {
		if err != nil {
			return fmt.Errorf("read the state: %w", err)
		}
		if e.Audience != access.Nobody.String() && slices.Contains(kinds, e.Kind) && !a.ledger.Knows(e.Ref) {
			refs = append(refs, e.Ref)
		}
	}
	slices.Sort(refs)
	refs = slices.Compact(refs)
	control := a.ledger.some(func(kind string) bool { return slices.Contains(kinds, kind) })
	if len(control) == 0 {
		control = a.ledger.some(func(string) bool { return true })
	}
	// without any record that was read, absence cannot be proven; the guards refuse such a run
	if len(refs) == 0 || len(control) == 0 {
		return nil
	}
	before := a.ledger.Total()
	if err := source.Confirm(ctx, ph, refs, control, emit); err != nil {
		return fmt.Errorf("request %d refs of the last run: %w", len(refs), err)
	}
	if found := a.ledger.Total() - before; found > 0 {
		a.note("%d of %d refs were missing when %s was read but still exist; they were requested one by one", found,
			len(refs), strings.Join(kinds, ", "))
	}
	return nil
}
