package guard

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// emptyStream refuses to replace a stream of unknown size with nothing. When the size is known,
// that is a loss like any other (invariant 4).
func (v *Review) emptyStream(plan *component.Plan, holdings component.Holdings, cover *Coverage) *fault.Refusal {
	for _, s := range plan.Streams {
		d, declared := v.Pipeline.Stream(s.Name)
		if _, known := holdings.Count(s.Name); !declared || s.Count > 0 || known || v.Remembers(s.Name) ||
			v.Pipeline.Offline && d.Identities {
			continue
		}
		all := emptied(s.Name)
		if d.Identities && cover.Left(all) == 0 {
			continue
		}
		r := &fault.Refusal{Guard: EmptyStream,
			Reason: fmt.Sprintf("this run has no %s: everything in that stream would be deleted, and the sink "+
				"does not report how much that is", s.Name),
			Remedy: "the counts above show the cause. To keep the stream as it is, leave it out with --only"}
		if d.Identities {
			r.Changes = []fault.Change{all}
		} else {
			r.Remedy += "; this cannot be approved"
		}
		return r
	}
	return nil
}

// emptied returns the change that deletes everything in a stream of unknown size.
func emptied(stream string) fault.Change {
	return fault.Change{Stream: stream, Before: fault.Unknown, After: fault.Gone, N: 1}
}

// Remembers reports whether the last good runs recorded a stream.
func (v *Review) Remembers(stream string) bool { return v.Comparison.Remembers(stream) }

// someOf is the number of items up to which an object type may disappear completely, regardless
// of the share.
const someOf = 5

// measure is one quantity of items whose losses the guard counts.
type measure struct {
	stream, typ string
	what        string // "delete %s of %s documents"
	name        string // in the table
	before      int
	changes     []fault.Change
	// earlier is how many of the changes were made by earlier runs of the window, in items.
	earlier int
	// derived means that the changes are those of another measure of the stream, counted
	// differently.
	derived bool
	// some is the number of items up to which losing all of them is not too much.
	some int

	cover *Coverage // for which left was computed
	left  int
}

// gone returns how much is lost and not covered.
func (m *measure) gone(cover *Coverage) int {
	if m.left < 0 || m.cover != cover {
		m.cover = cover
		m.left, _ = cover.leftOf(m.changes)
	}
	return m.left
}

// exceeds reports whether losing gone items is too much.
func (m *measure) exceeds(b component.Bound, gone int) bool {
	return b.Exceeded(gone, m.before) || gone >= m.before && m.before > m.some
}

// limitText returns a number of lost items with its limit.
func (m *measure) limitText(b component.Bound, gone int) string {
	if m.exceeds(b, gone) && !b.Exceeded(gone, m.before) {
		return "all of them"
	}
	return LimitText(b, gone, m.before)
}

// measures returns the measures of the plan, computed once. When the sink counts more items
// than the last good run left, the lost ones beyond the known items are a change without an ID.
func (v *Review) measures(plan *component.Plan, holdings component.Holdings) []*measure {
	if v.measured != nil {
		return v.measured
	}
	for _, s := range plan.Streams {
		m := &measure{stream: s.Name, name: s.Name, what: "delete %s of %s " + s.Name, left: -1}
		var more []*measure
		types := map[string]*measure{}
		of := func(typ string) *measure {
			if types[typ] == nil {
				types[typ] = &measure{stream: s.Name, typ: typ, name: s.Name + " " + typ,
					what: "delete %s of %s " + s.Name + " of type " + typ, derived: true, some: someOf, left: -1}
			}
			return types[typ]
		}
		if v.Remembers(s.Name) {
			earlier := v.Comparison.Earlier(s.Name)
			m.before = v.Comparison.Of(s.Name).Before + len(earlier.Lost)
			m.changes, m.earlier = slices.Concat(v.Comparison.Lost(s.Name), earlier.Lost), len(earlier.Lost)
			if members, groups, counted := v.Comparison.Members(s.Name); counted {
				m.before, m.earlier, m.what = members+earlier.Members, earlier.Members, "remove %s of %s "+s.Name
				filled := &measure{
					stream: s.Name, name: s.Name + " (whole groups)", what: "empty %s of %s groups with " + s.Name,
					before: groups + earlier.Emptied, derived: true, left: -1,
				}
				for _, ch := range m.changes {
					if empties(ch) {
						ch.N = 1
						filled.changes = append(filled.changes, ch)
					}
				}
				more = append(more, filled)
			}
			for typ, ch := range v.Comparison.Of(s.Name).Types {
				of(typ).before = ch.Before
			}
			for typ, n := range earlier.Types {
				of(typ).before += n
				of(typ).earlier = n
			}
			for _, ch := range m.changes {
				of(ch.Type).changes = append(of(ch.Type).changes, ch)
			}
		}
		hidden, hiddenTypes := v.Comparison.HiddenLately(s.Name)
		if has, known := holdings.Count(s.Name); known && !v.Stale(s.Name, has) {
			m.count(has-hidden, s.Weight)
			for typ, has := range holdings.Types[s.Name] {
				of(typ).count(has-hiddenTypes[typ], s.Types[typ])
			}
		}
		v.measured = append(append(v.measured, m), more...)
		for _, typ := range slices.Sorted(maps.Keys(types)) {
			if typ != "" {
				v.measured = append(v.measured, types[typ])
			}
		}
	}
	return v.measured
}

// count compares the measure with the number of items that the sink reports.
func (m *measure) count(has, planned int) {
	m.before = max(m.before, has)
	byID, _ := (*Coverage)(nil).leftOf(m.changes)
	if more := has - planned - (byID - m.earlier); more > 0 { // the sink no longer has items that were deleted earlier
		m.changes = append(slices.Clip(m.changes), fault.Change{Stream: m.stream, Type: m.typ, After: fault.Gone, N: more})
	}
}

// empties reports whether a change removes the last members of a group.
func empties(ch fault.Change) bool {
	return strings.Contains(ch.Before, ":") && !strings.Contains(ch.After, ":")
}

// MaxLoss refuses a run that would delete too much (invariant 4).
func (v *Review) MaxLoss(plan *component.Plan, holdings component.Holdings, cover *Coverage) *fault.Refusal {
	b := v.Pipeline.Limits.MaxLoss
	r := &fault.Refusal{Guard: MaxLoss}
	over, exceeded := map[string]bool{}, map[*measure]bool{}
	all := v.measures(plan, holdings)
	for _, m := range all {
		taken := v.Refused[[2]string{m.stream}]
		if m.typ != "" {
			taken = v.Refused[[2]string{m.stream, m.typ}]
		} else if m.derived {
			taken = 0
		}
		taken = min(taken, m.before) // items that were not there cannot be lost
		if !m.exceeds(b, m.gone(cover)+taken) {
			continue
		}
		if r.Reason == "" {
			gone := m.gone(nil) + taken
			r.Reason = "this run would " + fmt.Sprintf(m.what, display.Number(gone), display.Number(m.before)) + " (" +
				m.limitText(b, gone) + ")" + v.Since
		}
		over[m.stream] = true
		exceeded[m] = true
	}
	if len(over) == 0 {
		return nil
	}
	for _, m := range all {
		if over[m.stream] && (exceeded[m] || !m.derived) {
			r.Table = append(r.Table,
				fmt.Sprintf("%-26s %7s before %7s would be deleted (%s)",
					m.name, display.Number(m.before), display.Number(m.gone(nil)),
					m.limitText(b, m.gone(nil))))
		}
	}
	for _, s := range plan.Streams {
		if over[s.Name] {
			r.Table = append(r.Table, v.reasons(s.Name)...)
		}
	}
	if line := v.newAudiences(); line != "" {
		r.Table = append(r.Table, line)
	}
	for _, m := range all {
		if over[m.stream] {
			for _, ch := range m.changes {
				if !m.derived || ch.ID == "" {
					r.Changes = append(r.Changes, ch)
				}
			}
		}
	}
	r.Remedy = "find out why they are missing from the source"
	if n := v.Records.Withheld; n > 0 && v.Comparison == nil {
		r.Remedy += fmt.Sprintf(" (%s are in the source and withheld by a rule: they stay visible until this is approved)",
			display.Number(n))
	}
	if off := v.switchedOff(); off != "" {
		r.Remedy += " (" + off + " switched off)"
	}
	if off := v.onlySwitchedOff(over); len(off) > 0 {
		r.Remedy = "switch " + strings.Join(off, ", ") + " on again, or approve the deletion"
	}
	return r
}

// onlySwitchedOff returns the kinds that are switched off, when nothing else is deleted from the
// streams.
func (v *Review) onlySwitchedOff(streams map[string]bool) (kinds []string) {
	for stream := range streams {
		off, only := []string(nil), false
		if v.Remembers(stream) {
			off, only = v.Comparison.SwitchedOff(stream)
		}
		if !only {
			return nil
		}
		kinds = append(kinds, off...)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// newAudiences returns the audiences of the new documents; "" when there are none.
func (v *Review) newAudiences() string {
	var parts []string
	for _, class := range slices.Backward(access.Audiences[:]) {
		if n := v.Comparison.Added(class); n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", class, display.Number(n)))
		}
	}
	if parts == nil {
		return ""
	}
	return "who finds the new documents: " + strings.Join(parts, ", ")
}

// reasons returns why items of a stream are deleted, with the first ten refs for each reason.
func (v *Review) reasons(stream string) []string {
	if !v.Remembers(stream) {
		return []string{fmt.Sprintf("  %s: no earlier run in this state folder, so the items are unknown", stream)}
	}
	var out []string
	for _, x := range v.Comparison.Why(stream) {
		out = append(out, fmt.Sprintf("  %s, %s: %s", stream, x.Why, display.Number(x.N)), "    "+x.String())
	}
	return out
}

// Clear sets in the plan what the guards know about the deletions of each stream.
func (v *Review) Clear(plan *component.Plan, holdings component.Holdings) {
	for _, m := range v.measures(plan, holdings) {
		if m.derived {
			continue
		}
		s := plan.Stream(m.stream)
		_, known := holdings.Count(s.Name)
		s.Before, s.Gone = m.before-m.earlier, m.gone(nil)-m.earlier
		s.Cleared = known || v.Remembers(s.Name) || v.Cover.Left(emptied(s.Name)) == 0
	}
}

// switchedOff returns the kinds that are not written.
func (v *Review) switchedOff() string {
	var off []string
	for _, ph := range v.Pipeline.Model.Phases() {
		for _, k := range ph.Kinds {
			if k.Off {
				off = append(off, k.Name)
			}
		}
	}
	return strings.Join(off, ", ")
}

// MayRemove reports whether the given numbers of items of a stream, by object type, may be
// deleted without an approval, together with the deletions of earlier runs of the window
// (invariant 4).
func (v *Review) MayRemove(stream string, byType map[string]int) bool {
	if !v.Remembers(stream) {
		return false
	}
	b := v.Pipeline.Limits.MaxLoss
	changes, earlier := v.Comparison.Of(stream), v.Comparison.Earlier(stream)
	all := len(earlier.Lost)
	for typ, n := range byType {
		all += n
		m := measure{before: earlier.Types[typ], some: someOf}
		if t := changes.Types[typ]; t != nil {
			m.before += t.Before
		}
		if typ != "" && m.exceeds(b, n+earlier.Types[typ]) {
			return false
		}
	}
	m := measure{before: changes.Before + len(earlier.Lost)}
	return !m.exceeds(b, all)
}

// Tightens reports whether a refused run may still send access that was narrowed by decision.
// It may when the refusal concerns the size of the changes, and not when the earlier content is
// unknown.
func Tightens(refused *fault.Refusal) bool {
	for ; refused != nil; refused = refused.Also {
		switch refused.Guard {
		case MaxRejected, MaxLoss, MaxWiden, MaxGrowth, EmptyStream:
		default:
			return false
		}
	}
	return true
}
