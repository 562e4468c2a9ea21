package run

import (
	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/guard"
)

// manyRestricted is the number of restricted documents from which a max_widen of 0 stops most
// runs.
const manyRestricted = 100

// noteStrict suggests a share when max_widen is 0, because each new owner of a restricted
// document is a widening.
func (r *run) noteStrict() {
	if !r.dry() || r.o.Earlier != nil || r.p.Limits.MaxWiden != (component.Bound{}) {
		return
	}
	restricted, total := 0, 0
	for _, s := range r.plan.Streams {
		restricted += s.Audience[access.Listed]
		for _, n := range s.Audience {
			total += n
		}
	}
	if restricted >= manyRestricted {
		r.note("%s of %s documents are restricted, and guards.max_widen is 0: any change of an owner stops a "+
			"run; max_widen: 1%% allows %d such documents in a run",
			display.Number(restricted), display.Number(total), max(guard.TowardsAll, total/100))
	}
}
