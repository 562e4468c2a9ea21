package glean

import (
	"context"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// ProvisionInRun has the next session set the datasource up when everything was
// read and the guards have passed (invariant 1).
func (k *Sink) ProvisionInRun(o component.ProvisionOptions) { k.inRun = &o }

// provisioning is a session that sets the datasource up before it uploads.
type provisioning struct {
	*session
	options component.ProvisionOptions
	plan    *component.ProvisionPlan // set by Holds
}

// Holds plans the datasource. One that is not there holds nothing; else what
// the datasource holds counts, although its config is about to change.
func (s *provisioning) Holds(ctx context.Context) (component.Holdings, error) {
	var err error
	if s.plan, err = s.sink.PlanProvision(ctx, s.options); err != nil {
		return component.Holdings{}, err
	}
	if s.plan.Opens {
		return component.Holdings{}, &fault.Refusal{Guard: "datasource", Reason: "isTestDatasource would go from the datasource " + s.plan.Name + ", and with it everybody would see what its testers alone see now",
			Remedy: "`pipe datasource apply FILE` shows it and asks; then run again"}
	}
	if !s.plan.New {
		return s.session.Holds(ctx)
	}
	h := component.Holdings{New: true, Streams: map[string]int{}}
	for _, stream := range []string{streamUsers, streamGroups, streamMemberships, streamDocuments} {
		h.Streams[stream] = 0
	}
	return h, nil
}

// Preflight makes the checks of Holds and keeps nothing of them.
func (s *provisioning) Preflight(ctx context.Context) error {
	_, err := s.Holds(ctx)
	s.plan, s.discards, s.notes = nil, map[string]bool{}, nil
	return err
}

// Publish sets the datasource up, and then publishes.
func (s *provisioning) Publish(ctx context.Context, plan *component.Plan) error {
	if !s.plan.Empty() || len(s.plan.Always) > 0 {
		if err := s.plan.Apply(ctx); err != nil {
			return err
		}
	}
	switch {
	case s.plan.New:
		plan.Note("the datasource %s was made", s.plan.Name)
	case !s.plan.Empty():
		plan.Note("the datasource %s was brought to what the file says, in %d of its fields", s.plan.Name, len(s.plan.Changes))
	}
	return s.session.Publish(ctx, plan)
}
