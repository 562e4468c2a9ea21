package guard

import (
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// maxGrowth refuses a run in which too many people would find documents by joining a group
// (invariant 5). It skips groups that no document names.
func (v *Review) maxGrowth(_ *component.Plan, _ component.Holdings, cover *Coverage) *fault.Refusal {
	b := v.Pipeline.Limits.MaxGrowth
	r := &fault.Refusal{Guard: MaxGrowth}
	for _, g := range v.Comparison.Growths() {
		if g.Documents == 0 || !b.Exceeded(g.Newcomers, g.Could) || cover.Left(g.Change) == 0 {
			continue
		}
		if r.Reason == "" {
			since := "in the last seven days"
			if v.Earlier {
				since = "after the last run"
			}
			r.Reason = fmt.Sprintf("%s has %s in addition to the %s who could find its %s %s (%s)%s", g.Ref,
				display.Plural(g.Newcomers, "newcomer"), display.Number(g.Could), display.Plural(g.Documents, "document"),
				since, LimitText(b, g.Newcomers, g.Could), v.Since)
		}
		r.Table = append(r.Table, fmt.Sprintf("%s: %s, %s%s", g.Ref, display.Plural(g.Newcomers, "newcomer"),
			display.Plural(g.Documents, "document"), movedFrom(g)))
		r.Changes = append(r.Changes, g.Change)
	}
	if r.Reason == "" {
		return nil
	}
	r.Remedy = "find out why so many people joined, in the source or in the identity provider behind it"
	return r
}

// mostMoves is the number of former groups of newcomers in the text.
const mostMoves = 3

// movedFrom returns which groups the newcomers left; "" when they left none.
func movedFrom(g baseline.Growth) string {
	if len(g.From) == 0 {
		return ""
	}
	var parts []string
	for _, m := range g.From {
		parts = append(parts, fmt.Sprintf("%s moved from %s", display.Number(m.N), m.Ref))
	}
	return " (" + strings.TrimSpace(display.List(parts, mostMoves, ", ")) + ")"
}
