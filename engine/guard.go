package engine

import (
	"fmt"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// review is the second act: it looks at the stage, at the last good run and at
// what the sink holds, and refuses what a person must look at first.
type review struct {
	p         *component.Pipeline
	ledger    *ledger
	approvals []approval
	cover     *coverage // of the approvals, once they have allowed the run
	used      []string  // IDs of the approvals that the run needed
	since     string    // a sentence when the pipeline has changed since the last good run
	compared  *baseline.Comparison
	stale     func(stream string, said int) bool
	refused   map[[2]string]int // items that publishing took back, by stream, and by stream and type
	hidden    map[string]*baseline.HiddenCounts
	measured  []*measure
	untrusted *fault.Refusal // of a run that cannot compare who finds what; nil when it can
}

func (v *review) run(plan *component.Plan, held component.Holdings) error {
	for _, guard := range []func() error{v.emptyRead, v.maxRejected} {
		if err := guard(); err != nil {
			return err
		}
	}
	return v.judge(plan, held, []approvable{v.baseline, v.emptyStream, v.maxLoss, v.maxWiden})
}

func (v *review) emptyRead() error {
	if v.ledger.total() > 0 {
		return nil
	}
	return fault.EmptyRead("the source was read to its end and holds no record", "check what the source's token may read")
}

func (v *review) maxRejected() error {
	n, total := v.ledger.ended(component.Rejected), v.ledger.total()
	b := v.p.Limits.MaxRejected
	switch {
	case n == total:
		return &fault.Refusal{Guard: "max_rejected", Reason: fmt.Sprintf("all %s records were rejected", display.Number(n)),
			Remedy: "look at the rejections above, and correct the transforms, the mapping or the rules"}
	case b.Exceeded(n, total):
		return &fault.Refusal{Guard: "max_rejected", Reason: fmt.Sprintf("%s of %s records were rejected (%s)", display.Number(n), display.Number(total), compared(b, n, total)),
			Remedy: "look at the rejections above, correct the mapping or the records, or raise guards.max_rejected"}
	}
	return nil
}

// compared is a number next to its limit: the share of the total, or the count
// where the limit is one.
func compared(b component.Bound, n, total int) string {
	if b.Share*float64(total) > float64(b.Items) {
		return fmt.Sprintf("%s, limit %s", display.Percent(float64(n)/float64(total)), display.Percent(b.Share))
	}
	if total == 0 {
		return "limit " + display.Number(b.Items)
	}
	return fmt.Sprintf("%s, limit %s", display.Percent(float64(n)/float64(total)), display.Number(b.Items))
}
