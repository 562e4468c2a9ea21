package engine

import (
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
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
	n, toAll := v.compared.widened(cover)
	total := 0
	for _, k := range v.compared.audience {
		total += k
	}
	b := v.p.Limits.MaxWiden
	if !b.Exceeded(n, total) && toAll <= towardsAll {
		return nil
	}
	n, toAll = v.compared.widened(nil)
	r := &fault.Refusal{Guard: "max_widen"}
	limit := compared(b, n, total)
	if !b.Exceeded(n, total) {
		limit = fmt.Sprintf("%s of them by everybody, limit %d", display.Number(toAll), towardsAll)
	}
	r.Reason = fmt.Sprintf("%s of %s documents would be found by more people (%s)%s", display.Number(n), display.Number(total), limit, v.since)
	for _, w := range v.compared.wider {
		to := w.to.String()
		if w.from == w.to {
			to = "more of them"
		}
		r.Table = append(r.Table, fmt.Sprintf("%s: %s → %s, %s", w.rule, w.from, to, display.Number(len(w.changes))), "    "+w.list())
		r.Changes = append(r.Changes, w.changes...)
	}
	for _, s := range v.compared.swapped {
		r.Table = append(r.Table, s.table()...)
		r.Changes = append(append(r.Changes, s.gone...), s.added...)
	}
	if line := v.compared.gained(); line != "" {
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

// widening is documents that one rule lets more people find.
type widening struct {
	rule     string
	from, to access.Audience
	changes  []fault.Change
}

// list is the first refs, and how many there are besides.
func (w *widening) list() string {
	x := display.Examples{}
	for _, ch := range w.changes {
		x.Add(ch.Ref)
	}
	return x.String()
}

// widened counts the documents that more people find, and those of them that
// everybody does, beyond what is covered.
func (c *comparison) widened(cover *coverage) (n, toAll int) {
	for _, w := range c.wider {
		_, k := cover.leftOf(w.changes)
		n += k
		if w.to == access.AllUsers {
			toAll += k
		}
	}
	for _, s := range c.swapped {
		k, all := s.left(cover)
		n, toAll = n+k, toAll+all
	}
	return n, toAll
}

// widenings are all documents that more people find.
func (c *comparison) widenings() []Widened {
	var out []Widened
	for _, w := range c.wider {
		for _, ch := range w.changes {
			out = append(out, Widened{Ref: ch.Ref, Rule: w.rule, Before: w.from, After: w.to})
		}
	}
	return out
}

// gained names the groups with more members than before, "" when there is none.
func (c *comparison) gained() string {
	if len(c.gains) == 0 {
		return ""
	}
	parts := make([]string, 0, display.Shown)
	for _, g := range c.gains[:min(display.Shown, len(c.gains))] {
		parts = append(parts, fmt.Sprintf("%s +%d", g.ref, g.n))
	}
	line := "groups with more members than before: " + strings.Join(parts, ", ")
	if more := len(c.gains) - display.Shown; more > 0 {
		line += fmt.Sprintf(" and %d more", more)
	}
	return line
}
