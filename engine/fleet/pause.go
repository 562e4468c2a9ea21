package fleet

import (
	"context"
	"fmt"

	"github.com/pipe-engine/pipe/engine/fault"
)

// Pause pauses the schedules of a pipeline, or lets them go on, and returns how many there are. The
// reason and the person are encrypted in the note of the schedule. A run that goes on is not ended.
func (o *Operation) Pause(ctx context.Context, pipeline string, resume bool, who, reason string) (int, error) {
	if _, err := o.Fleet.Find(pipeline); err != nil {
		return 0, err
	}
	n, err := o.svc.Pause(ctx, o.Fleet.Name, pipeline, o.w.Keys.Seal(who+": "+reason), resume)
	if err != nil {
		return n, err
	}
	if n == 0 {
		return 0, &fault.Invalid{Reason: fmt.Sprintf("the pipeline %s has no schedule in Temporal", pipeline),
			Remedy: "make it with pipe-worker fleet apply"}
	}
	return n, nil
}
