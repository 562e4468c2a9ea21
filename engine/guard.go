package engine

import (
	"fmt"
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
	return EmptyRead("the source was read to its end and holds no record", "check what the source's token may read")
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

func percent(share float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", share*100), "0"), ".") + "%"
}
