package guard

import (
	"maps"
	"slices"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Recreate refuses to create a place that no longer exists but that an earlier run filled.
func Recreate(base baseline.Baseline, owner baseline.Owner) error {
	const dropped = "; it was not created again, because that would drop its content"
	refused := &fault.Refusal{Guard: Recreated,
		Remedy: "try again; if the datasource was deleted on purpose, use another state folder: --state DIR"}
	switch {
	case base.Condition == baseline.Intact:
		for _, stream := range slices.Sorted(maps.Keys(base.Streams)) {
			if base.Streams[stream] > 0 {
				refused.Reason = "the sink reports that the datasource does not exist, but the run of " +
					base.Finished.Local().Format("2006-01-02 15:04") + " filled it" + dropped
				return refused
			}
		}
		return nil
	case base.Condition == baseline.Missing && !owner.Kept:
		return nil
	case base.Condition == baseline.Missing:
		refused.Reason = "the sink reports that the datasource does not exist, and the baseline of the runs that " +
			"filled it is missing" +
			dropped
	default:
		refused.Reason = "the sink reports that the datasource does not exist; whether a run filled it is " +
			"unknown, because " +
			base.Path + " cannot be used (" + base.Problem + ")" + dropped
	}
	return refused
}
