package fleet

import (
	"context"
	"fmt"
	"strings"

	"go.temporal.io/sdk/client"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/schedules"
)

// Pause pauses the schedules of a pipeline, or lets them go on, and returns how many there are. The
// reason and the person are encrypted in the note of the schedule. A run that goes on is not ended.
func (o *Operation) Pause(ctx context.Context, pipeline string, resume bool, who, reason string) (int, error) {
	if _, err := o.Fleet.Find(pipeline); err != nil {
		return 0, err
	}
	all, err := o.svc.Of(ctx, o.Fleet.Name)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, id := range all {
		if !strings.HasPrefix(id, schedules.PrefixOf(o.Fleet.Name, pipeline)) {
			continue
		}
		n++
		note, handle := o.w.Keys.Seal(who+": "+reason), o.c.ScheduleClient().GetHandle(ctx, id)
		if resume {
			err = handle.Unpause(ctx, client.ScheduleUnpauseOptions{Note: note})
		} else {
			err = handle.Pause(ctx, client.SchedulePauseOptions{Note: note})
		}
		if err != nil {
			return n, schedules.Failed("pause the schedule "+id, err)
		}
	}
	if n == 0 {
		return 0, &fault.Invalid{Reason: fmt.Sprintf("the pipeline %s has no schedule in Temporal", pipeline),
			Remedy: "make it with pipe-worker fleet apply"}
	}
	return n, nil
}
