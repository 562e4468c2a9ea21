package guard

import (
	"fmt"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Records are the numbers of records that a run read, rejected and withheld.
type Records struct{ Total, Rejected, Withheld int }

// Review is the second act: it compares the stage with the last good run and with the contents
// of the sink, and refuses a run that a person must review first.
type Review struct {
	Pipeline   *component.Pipeline
	Records    Records
	Approvals  []Approval
	Cover      *Coverage // of the approvals; set when they allowed the run
	Used       []string  // IDs of the approvals that the run used
	Since      string    // a sentence; set when the pipeline has changed since the last good run
	Finished   time.Time // when the last good run ended; zero without one
	Now        time.Time
	Comparison *baseline.Comparison
	Stale      func(stream string, said int) bool
	Refused    map[[2]string]int // items that the sink refused while publishing, by stream, and by stream and type
	// Earlier means that the run publishes an earlier output, which is compared only with the
	// last good run; see baseline.Run.
	Earlier   bool
	measured  []*measure
	Untrusted *fault.Refusal // of a run that cannot compare who finds what; nil when it can
}

// Run runs every guard and returns the first refusal, linked with those of the other guards
// that an approval can allow.
func (v *Review) Run(plan *component.Plan, holdings component.Holdings) error {
	for _, check := range []func() error{v.emptyRead, v.maxRejected} {
		if err := check(); err != nil {
			return err
		}
	}
	return v.judge(plan, holdings,
		[]approvable{v.BaselineGuard, v.clock, v.emptyStream, v.MaxLoss, v.maxWiden, v.maxGrowth})
}

func (v *Review) emptyRead() error {
	if v.Records.Total > 0 {
		return nil
	}
	return fault.EmptyRead("the source was read completely and has no records",
		"check what the source's token may read")
}

// LimitText returns a share of the total and its limit, which is a share or a count, whichever
// is larger.
func LimitText(b component.Bound, n, total int) string {
	if b.Share*float64(total) > float64(b.Items) {
		return fmt.Sprintf("%s, limit %s", display.Percent(float64(n)/float64(total)), display.Percent(b.Share))
	}
	if total == 0 {
		return "limit " + display.Number(b.Items)
	}
	return fmt.Sprintf("%s, limit %s", display.Percent(float64(n)/float64(total)), display.Number(b.Items))
}
