package engine

import (
	"fmt"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// towardsAll is how many documents may become everybody's in one run.
const towardsAll = 20

// maxWiden refuses to let too many people find too much (invariant 5).
func (v *review) maxWiden(_ *component.Plan, _ component.Holdings, cover *coverage) *fault.Refusal {
	if v.compared == nil {
		return nil
	}
	n, toAll := widened(v.compared, cover)
	total := v.compared.Documents()
	b := v.p.Limits.MaxWiden
	if !b.Exceeded(n, total) && toAll <= towardsAll {
		return nil
	}
	n, toAll = widened(v.compared, nil)
	r := &fault.Refusal{Guard: "max_widen"}
	limit := compared(b, n, total)
	if !b.Exceeded(n, total) {
		limit = fmt.Sprintf("%s of them by everybody, limit %d", display.Number(toAll), towardsAll)
	}
	r.Reason = fmt.Sprintf("%s of %s documents would be found by more people (%s)%s", display.Number(n), display.Number(total), limit, v.since)
	for _, w := range v.compared.Wider() {
		to := w.To.String()
		if w.From == w.To {
			to = "more of them"
		}
		r.Table = append(r.Table, fmt.Sprintf("%s: %s → %s, %s", w.Rule, w.From, to, display.Number(len(w.Changes))), "    "+w.List())
		r.Changes = append(r.Changes, w.Changes...)
	}
	for _, s := range v.compared.Swapped() {
		r.Table = append(r.Table, s.Table()...)
		r.Changes = append(append(r.Changes, s.Gone...), s.Added...)
	}
	if line := v.compared.Gained(); line != "" {
		r.Table = append(r.Table, line)
	}
	r.Remedy = "find out what has changed: the rules, the variables they read, or the annotations and owners in the source"
	return r
}

// manyRestricted is from how many documents for named people and groups on a
// max_widen of 0 stops most runs.
const manyRestricted = 100

// noteStrict proposes a share where max_widen is 0: each new owner of a restricted
// document is a widening.
func (r *run) noteStrict() {
	if !r.o.Dry || r.p.Limits.MaxWiden != (component.Bound{}) {
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
		r.note("%s of %s documents are for named people and groups, and guards.max_widen is 0: each change of an owner stops a run; max_widen: 1%% allows %d such documents in a run",
			display.Number(restricted), display.Number(total), max(towardsAll, total/100))
	}
}

// widened counts the documents that more people find, and those of them that
// everybody does, beyond what is covered.
func widened(c *baseline.Comparison, cover *coverage) (n, toAll int) {
	for _, w := range c.Wider() {
		_, k := cover.leftOf(w.Changes)
		n += k
		if w.To == access.AllUsers {
			toAll += k
		}
	}
	for _, s := range c.Swapped() {
		k, all := leftOfSwap(s, cover)
		n, toAll = n+k, toAll+all
	}
	return n, toAll
}

// leftOfSwap is how many pairs are not covered. A pair is covered when both of its
// documents were shown.
func leftOfSwap(s *baseline.Swap, cover *coverage) (n, toAll int) {
	_, gone := cover.leftOf(s.Gone)
	_, added := cover.leftOf(s.Added)
	n = min(s.Pairs, gone+added)
	return n, min(s.ToAll, n)
}
