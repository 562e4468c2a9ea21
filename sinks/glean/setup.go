package glean

import (
	"context"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/datasource"
)

// ProvisionInRun has the next session set the datasource up when everything was
// read and the guards have passed (invariant 1).
func (k *Sink) ProvisionInRun(o component.ProvisionOptions) { k.inRun = &o }

// setup is how a session sets the datasource up before it uploads.
type setup struct {
	datasource *datasource.Manager
	options    component.ProvisionOptions
	plan       *component.ProvisionPlan // set by prepare
}

// prepare plans the datasource. A missing datasource holds nothing; otherwise New is false,
// and its contents are not known here.
func (s *setup) prepare(ctx context.Context) (component.Holdings, error) {
	var err error
	if s.plan, err = s.datasource.PlanProvision(ctx, s.options); err != nil {
		return component.Holdings{}, err
	}
	if s.plan.Opens {
		return component.Holdings{}, &fault.Refusal{Guard: "datasource",
			Reason: "isTestDatasource would be removed from the datasource " + s.plan.Name +
				": everyone would then see what only its testers see now",
			Remedy: "`pipe datasource apply FILE` shows it and asks; then run again"}
	}
	h := component.Holdings{New: s.plan.New}
	if s.plan.New {
		h.Streams = map[string]int{}
		for _, stream := range api.StreamNames {
			h.Streams[stream] = 0
		}
	}
	return h, nil
}

// apply sets the datasource up as planned.
func (s *setup) apply(ctx context.Context, plan *component.Plan) error {
	if !s.plan.Empty() || len(s.plan.Always) > 0 {
		if err := s.plan.Apply(ctx); err != nil {
			return err
		}
	}
	switch {
	case s.plan.New:
		plan.Note("the datasource %s was created", s.plan.Name)
	case !s.plan.Empty():
		plan.Note("%[2]d fields of the datasource %[1]s were updated to match the file", s.plan.Name,
			len(s.plan.Changes))
	}
	return nil
}
