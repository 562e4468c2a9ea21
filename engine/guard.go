package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Refusal is a guard's verdict: a person must look before anything is sent.
type Refusal struct {
	Guard  string // the key in the file, or a name for what cannot be set
	Reason string
	Table  []string // what it is about, a line each
	Remedy string
}

// Error is the reason; the table and the remedy are printed below it.
func (r *Refusal) Error() string { return r.Guard + ": " + r.Reason }

// Approvals are what a person allows for one run beyond the guards.
type Approvals struct {
	Loss int // items that may go, as the refused run printed it
}

// review is the second act: it looks at the stage and at what the sink holds,
// and refuses what a person must look at first.
type review struct {
	p         *Pipeline
	ledger    *ledger
	approvals Approvals
}

func (v *review) run(plan *Plan, held Holdings) error {
	for _, guard := range []func(*Plan, Holdings) error{v.emptyRead, v.maxRejected, v.emptyStream, v.maxLoss} {
		if err := guard(plan, held); err != nil {
			return err
		}
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

// emptyStream refuses to replace a stream with nothing, where something was
// there or nobody knows (invariant 4).
func (v *review) emptyStream(plan *Plan, held Holdings) error {
	for _, s := range plan.Streams {
		d, declared := v.p.stream(s.Name)
		has, known := held.count(s.Name)
		if !declared || s.Count > 0 || known && (has == 0 || v.approvals.Loss >= has) || v.p.Offline && d.Identities {
			continue
		}
		if !known && d.Identities && v.approvals.Loss > 0 {
			continue
		}
		r := &Refusal{Guard: "empty stream", Reason: fmt.Sprintf("nothing is left for %s, so that everything there would go", s.Name),
			Remedy: "look at the endings above for why; leave the stream out with --only when it should stay as it is"}
		switch {
		case known:
			r.Remedy += fmt.Sprintf(", or allow it once with --approve-loss %d", has)
		case d.Identities:
			r.Remedy += "; the sink does not say what it holds, and --approve-loss 1 allows this once"
		default:
			r.Remedy += "; the sink does not say what it holds, so that this cannot be allowed"
		}
		return r
	}
	return nil
}

// someOf is how many items of an object type have to be there for the type's
// vanishing whole to be refused, whatever the share.
const someOf = 5

// maxLoss compares counts with what the sink says it holds (invariant 4).
func (v *review) maxLoss(plan *Plan, held Holdings) error {
	var table []string
	worst := 0
	look := func(what string, has, will int) {
		gone := has - will
		lost := v.p.Limits.MaxLoss.Exceeded(gone, has) || will == 0 && has > someOf
		if lost && gone > v.approvals.Loss {
			table = append(table, fmt.Sprintf("%-24s %7d held  %7d planned  %7d fewer", what, has, will, gone))
			worst = max(worst, gone)
		}
	}
	for _, s := range plan.Streams {
		if has, known := held.count(s.Name); known {
			look(s.Name, has, s.Weight)
		}
		for _, typ := range slices.Sorted(maps.Keys(held.Types[s.Name])) {
			look(s.Name+" "+typ, held.Types[s.Name][typ], s.Types[typ])
		}
	}
	if len(table) == 0 {
		return nil
	}
	b := v.p.Limits.MaxLoss
	r := &Refusal{Guard: "guards.max_loss", Reason: fmt.Sprintf("more than %s and more than %d of what the sink holds would go, or a whole object type", percent(b.Share), b.AtMost), Table: table}
	r.Remedy = "find out why they are missing from the source"
	if n := v.ledger.ended(Withheld); n > 0 {
		r.Remedy += fmt.Sprintf(" (%d are there and withheld by a rule: they stay visible until this is allowed)", n)
	}
	if off := v.switchedOff(); off != "" {
		r.Remedy += " (" + off + " switched off)"
	}
	r.Remedy += fmt.Sprintf("; if they are to go, allow it once with --approve-loss %d", worst)
	return r
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
