package engine

import (
	"fmt"
	"maps"
	"strings"
)

// emptyStream refuses to replace a stream with nothing where nobody knows what
// is there; where it is known, that is a loss like any other (invariant 4).
func (v *review) emptyStream(plan *Plan, held Holdings) error {
	for _, s := range plan.Streams {
		d, declared := v.p.stream(s.Name)
		if _, known := held.count(s.Name); !declared || s.Count > 0 || known || v.remembers(s.Name) || v.p.Offline && d.Identities {
			continue
		}
		if d.Identities && v.approvals.Loss[s.Name] > 0 {
			continue
		}
		r := &Refusal{Guard: "empty stream", Reason: fmt.Sprintf("nothing is left for %s, so that everything there would go", s.Name),
			Remedy: "look at the endings above for why; leave the stream out with --only when it should stay as it is; the sink does not say what it holds, "}
		if d.Identities {
			r.Remedy += "and " + approval("--approve-loss", map[string]int{s.Name: 1}) + " allows this once"
		} else {
			r.Remedy += "so that this cannot be allowed"
		}
		return r
	}
	return nil
}

// remembers tells whether the last good runs left anything about a stream.
func (v *review) remembers(stream string) bool {
	return v.compared != nil && v.compared.streams[stream] != nil
}

// someOf is how many items of an object type have to be there for the type's
// vanishing whole to be refused, whatever the share.
const someOf = 5

// measure is what may be lost of one thing that the loss guard counts.
type measure struct {
	stream, what string
	before, gone int
	// some is how many there have to be for all of them to be too many.
	some int
}

// measures are, for each stream, type, and what a stream counts beside its
// items, the larger of what the last good run and what the sink say.
func (v *review) measures(plan *Plan, held Holdings) []measure {
	var out []measure
	for _, s := range plan.Streams {
		m := measure{stream: s.Name, what: s.Name}
		types := map[string]*TypeChange{}
		var filled *measure
		if v.remembers(s.Name) {
			ch := v.compared.streams[s.Name]
			m.before, m.gone = ch.Before, ch.Gone
			maps.Copy(types, ch.Types)
			if r := v.compared.rows[s.Name]; r != nil {
				m.before, m.gone = r.before, r.gone
				filled = &measure{stream: s.Name, what: "filled " + s.Name, before: r.filled, gone: r.emptied}
			}
		}
		has, known := held.count(s.Name)
		known = known && !v.stale(s.Name, has)
		hidden := v.hidden[s.Name]
		if hidden == nil {
			hidden = &hiddenCounts{}
		}
		has -= hidden.n
		if known {
			m.before, m.gone = max(m.before, has), max(m.gone, has-s.Weight)
		}
		m.gone += v.refused[[2]string{s.Name}]
		out = append(out, m)
		if filled != nil {
			out = append(out, *filled)
		}
		for typ, has := range held.Types[s.Name] {
			if !known {
				break
			}
			has -= hidden.types[typ]
			old := types[typ]
			if old == nil {
				old = &TypeChange{}
			}
			types[typ] = &TypeChange{Before: max(old.Before, has), Gone: max(old.Gone, has-s.Types[typ])}
		}
		for _, typ := range sortedKeys(types) {
			if typ != "" {
				out = append(out, measure{stream: s.Name, what: s.Name + " " + typ, before: types[typ].Before, gone: types[typ].Gone + v.refused[[2]string{s.Name, typ}], some: someOf})
			}
		}
	}
	return out
}

// maxLoss refuses to let too much go (invariant 4).
func (v *review) maxLoss(plan *Plan, held Holdings) *Refusal {
	var table []string
	worst := map[string]int{}
	for _, m := range v.measures(plan, held) {
		lost := v.p.Limits.MaxLoss.Exceeded(m.gone, m.before) || m.gone >= m.before && m.before > m.some
		if !lost || m.gone <= v.approvals.Loss[m.stream] {
			continue
		}
		table = append(table, fmt.Sprintf("%-24s %7d before %7d would go", m.what, m.before, m.gone))
		worst[m.stream] = max(worst[m.stream], m.gone)
	}
	if len(table) == 0 {
		return nil
	}
	for _, s := range plan.Streams {
		if worst[s.Name] > 0 {
			table = append(table, v.reasons(s.Name)...)
		}
	}
	b := v.p.Limits.MaxLoss
	r := &Refusal{Guard: "guards.max_loss", Table: table}
	r.Reason = fmt.Sprintf("more than %s and more than %d of what is there would go, or all of it%s", percent(b.Share), b.AtMost, v.since)
	r.Remedy = "find out why they are missing from the source"
	if n := v.ledger.ended(Withheld); n > 0 && v.compared == nil {
		r.Remedy += fmt.Sprintf(" (%d are there and withheld by a rule: they stay visible until this is allowed)", n)
	}
	if off := v.switchedOff(); off != "" {
		r.Remedy += " (" + off + " switched off)"
	}
	r.Remedy += "; if they are to go, allow it once with " + approval("--approve-loss", worst)
	return r
}

// reasons are why items of a stream go, the first ten refs with each.
func (v *review) reasons(stream string) []string {
	if !v.remembers(stream) {
		return []string{fmt.Sprintf("  %s: no earlier run is remembered here, so that it is not known which", stream)}
	}
	var out []string
	for _, x := range v.compared.gone[stream] {
		out = append(out, fmt.Sprintf("  %s, %s: %d", stream, x.why, x.n), "    "+x.list())
	}
	return out
}

// list is the refs, and how many there are beside them.
func (x *examples) list() string {
	text := strings.Join(x.refs, ", ")
	if more := x.n - len(x.refs); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// clear tells the sink, for each stream, what the guards know of what goes.
func (v *review) clear(plan *Plan, held Holdings) {
	for _, m := range v.measures(plan, held) {
		s := plan.Stream(m.stream)
		if m.what != s.Name {
			continue
		}
		_, known := held.count(s.Name)
		s.Before, s.Gone = m.before, m.gone
		s.Cleared = known || v.remembers(s.Name) || v.approvals.Loss[s.Name] > 0
	}
}

// switchedOff names the kinds that are not written.
func (v *review) switchedOff() string {
	var off []string
	for _, ph := range v.p.Model.Phases() {
		for _, k := range ph.Kinds {
			if k.Off {
				off = append(off, k.Name)
			}
		}
	}
	return strings.Join(off, ", ")
}
