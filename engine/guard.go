package engine

import (
	"fmt"
	"maps"
	"strings"
)

// Refusal is a guard's verdict: a person must look before anything is sent.
type Refusal struct {
	Guard  string // the key in the file, or a name for what cannot be set
	Reason string
	Table  []string // what it is about, a line each
	Remedy string
	// Also is what another guard refuses at the same time; nil when none does.
	Also *Refusal
}

// Error is the reason; the table and the remedy are printed below it.
func (r *Refusal) Error() string { return r.Guard + ": " + r.Reason }

// Approvals are what a person allows for one run beyond the guards.
// They name what they allow, so that one for this is never spent on that.
type Approvals struct {
	Loss  map[string]int `json:"loss"`  // items that may go, by stream
	Widen map[string]int `json:"widen"` // documents that more people may find, by the class that finds them then
}

// approval is a number in the words of the flag that allows it.
func approval(flag string, names map[string]int) string {
	var parts []string
	for _, name := range sortedKeys(names) {
		parts = append(parts, fmt.Sprintf("%s=%d", name, names[name]))
	}
	return flag + " " + strings.Join(parts, ",")
}

// review is the second act: it looks at the stage, at the last good run and at
// what the sink holds, and refuses what a person must look at first.
type review struct {
	p         *Pipeline
	ledger    *ledger
	approvals Approvals
	since     string // when the last good run was, and whether the file is another since
	compared  *comparison
	stale     func(stream string, said int) bool
	refused   map[[2]string]int // items that publishing took back, by stream, and by stream and type
	hidden    map[string]*hiddenCounts
}

func (v *review) run(plan *Plan, held Holdings) error {
	for _, guard := range []func(*Plan, Holdings) error{v.emptyRead, v.maxRejected, v.emptyStream} {
		if err := guard(plan, held); err != nil {
			return err
		}
	}
	loss, widen := v.maxLoss(plan, held), v.maxWiden()
	switch {
	case loss != nil:
		loss.Also = widen
		return loss
	case widen != nil:
		return widen
	}
	return nil
}

func (v *review) emptyRead(*Plan, Holdings) error {
	if v.ledger.total() > 0 {
		return nil
	}
	return &Refusal{Guard: "empty read", Reason: "the source was read to its end and holds no record at all",
		Remedy: "check what the source's token may read; a catalog that answers with nothing is never taken for an empty company"}
}

func (v *review) maxRejected(*Plan, Holdings) error {
	n, total := v.ledger.ended(Rejected), v.ledger.total()
	b := v.p.Limits.MaxRejected
	if n == total {
		return &Refusal{Guard: "guards.max_rejected", Reason: fmt.Sprintf("all %d records were rejected", n), Remedy: "look at the rejections above, and mend the transforms, the mapping or the rules"}
	}
	if !b.Exceeded(n, total) {
		return nil
	}
	return &Refusal{Guard: "guards.max_rejected", Reason: fmt.Sprintf("%d of %d records were rejected, more than %s and more than %d", n, total, percent(b.Share), b.AtMost),
		Remedy: "look at the rejections above, mend the mapping or the records, or raise guards.max_rejected"}
}

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

func percent(share float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", share*100), "0"), ".") + "%"
}
