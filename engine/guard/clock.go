package guard

import (
	"fmt"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// clockChange is the type of the change for a run that is earlier than the last good run.
const clockChange = "clock"

// clock refuses a run whose clock is before the end of the last good run, because deletions and
// widening are counted over days (invariants 4 and 5).
func (v *Review) clock(_ *component.Plan, _ component.Holdings, cover *Coverage) *fault.Refusal {
	if !v.Now.Before(v.Finished.Add(-ClockError)) {
		return nil
	}
	last := v.Finished.UTC().Format("2006-01-02T15:04:05Z")
	change := fault.Change{Type: clockChange, ID: fault.HexID(codec.Hash([]byte(last))), Ref: last, Before: fault.Unknown,
		After: fault.Added, N: 1}
	if cover.Left(change) == 0 {
		return nil
	}
	return &fault.Refusal{
		Guard: Clock, Changes: []fault.Change{change},
		Reason: fmt.Sprintf("this machine's clock is at %s, but the last good run ended on %s", display.Time(v.Now),
			display.Time(v.Finished)),
		Remedy: "set this machine's clock. If it is right and the clock of the last run was wrong, approve the run",
	}
}
