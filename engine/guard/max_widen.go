package guard

import (
	"fmt"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// TowardsAll is how many documents may become visible to everyone in one run.
const TowardsAll = 20

// maxWiden refuses a run that lets too many people find too many documents (invariant 5).
func (v *Review) maxWiden(_ *component.Plan, _ component.Holdings, cover *Coverage) *fault.Refusal {
	if v.Comparison == nil {
		return nil
	}
	n, toAll := widened(v.Comparison, cover)
	total := v.Comparison.Documents()
	b := v.Pipeline.Limits.MaxWiden
	if !b.Exceeded(n, total) && toAll <= TowardsAll {
		return nil
	}
	n, toAll = widened(v.Comparison, nil)
	r := &fault.Refusal{Guard: MaxWiden}
	limit := LimitText(b, n, total)
	if !b.Exceeded(n, total) {
		limit = fmt.Sprintf("%s of them by everyone, limit %d", display.Number(toAll), TowardsAll)
	}
	r.Reason = fmt.Sprintf("%s of %s documents would be found by more people (%s)%s", display.Number(n),
		display.Number(total), limit, v.Since)
	for _, w := range v.Comparison.Wider() {
		from, to := w.From.String(), w.To.String()
		if w.Absent {
			from = fault.Gone
		}
		if w.From == w.To {
			to = "more users or groups"
		}
		r.Table = append(r.Table,
			fmt.Sprintf("%s: %s → %s, %s%s", w.Rule, from, to, display.Number(len(w.Changes)), v.comparedWith(w)),
			"    "+w.List())
		r.Changes = append(r.Changes, w.Changes...)
	}
	for _, s := range v.Comparison.Swapped() {
		r.Table = append(r.Table, s.Table()...)
		r.Changes = append(append(r.Changes, s.Gone...), s.Added...)
	}
	if line := v.Comparison.Gained(); line != "" {
		r.Table = append(r.Table, line)
	}
	r.Remedy = "find out what changed: the rules, the variables they read, or the annotations and owners in the " +
		"source"
	if v.Earlier {
		r.Remedy = "first hide the documents that were restricted, withheld or removed on purpose since that " +
			"output was written: pipe hide FILE REF"
	}
	return r
}

// comparedWith returns which run the documents are compared with; "" for the last run.
func (v *Review) comparedWith(w *baseline.Widening) string {
	switch {
	case !w.Night.Before(v.Finished):
		return ""
	case w.Tonight:
		return ", compared with " + display.Time(w.Night)
	}
	return ", compared with " + display.Time(w.Night) + ": a later run allowed it, and it counts for seven days"
}

// widened returns the number of documents that more people find and that are not covered, and
// how many of them everyone finds.
func widened(c *baseline.Comparison, cover *Coverage) (n, toAll int) {
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

// leftOfSwap returns the number of pairs that are not covered. A pair is covered when an
// approval showed both of its documents.
func leftOfSwap(s *baseline.Swap, cover *Coverage) (n, toAll int) {
	_, gone := cover.leftOf(s.Gone)
	_, added := cover.leftOf(s.Added)
	n = min(s.Pairs, gone+added)
	return n, min(s.ToAll, n)
}
