package engine

import (
	"fmt"
	"strings"
)

// towardsAll is how many documents may become everybody's in one run.
const towardsAll = 20

// maxWiden refuses to let too many people find too much (invariant 5).
func (v *review) maxWiden() *Refusal {
	if v.compared == nil {
		return nil
	}
	n, toAll := v.compared.widened()
	total := 0
	for _, k := range v.compared.audience {
		total += k
	}
	b := v.p.Limits.MaxWiden
	towards, allowed := map[string]int{}, true
	for _, w := range v.compared.wider {
		towards[w.to.String()] += w.n
	}
	for class, k := range towards {
		allowed = allowed && k <= v.approvals.Widen[class]
	}
	if !b.Exceeded(n, total) && toAll <= towardsAll || allowed {
		return nil
	}
	r := &Refusal{Guard: "guards.max_widen"}
	r.Reason = fmt.Sprintf("%d of %d documents would be found by more people than before%s", n, total, v.since)
	for _, w := range v.compared.wider {
		to := w.to.String()
		if w.from == w.to {
			to = "more of them"
		}
		r.Table = append(r.Table, fmt.Sprintf("%s: %s → %s, %d", w.rule, w.from, to, w.n), "    "+w.list())
	}
	if line := v.compared.gained(); line != "" {
		r.Table = append(r.Table, line)
	}
	r.Remedy = "find out what has changed: the rules, the variables they read, or the annotations and owners in the source; if these people are to find them, allow it once with " + approval("--approve-widen", towards)
	return r
}

// gained names the groups with more members than before, "" when there is none.
func (c *comparison) gained() string {
	if len(c.gains) == 0 {
		return ""
	}
	parts := make([]string, 0, shownRefs)
	for _, g := range c.gains[:min(shownRefs, len(c.gains))] {
		parts = append(parts, fmt.Sprintf("%s +%d", g.ref, g.n))
	}
	line := "groups with more members than before: " + strings.Join(parts, ", ")
	if more := len(c.gains) - shownRefs; more > 0 {
		line += fmt.Sprintf(" and %d more", more)
	}
	return line
}
