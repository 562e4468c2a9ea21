package schedules

import (
	"context"
	"fmt"
	"slices"

	"go.temporal.io/sdk/client"
)

// Apply does the steps of a plan, and calls done after each that changed something. It stops at the
// first that fails. A schedule that is paused stays paused, and a new one of a pipeline whose other
// schedules are all paused is paused with their note.
func (s Service) Apply(ctx context.Context, p *Plan, done func(Step)) error {
	states := map[string]client.ScheduleState{} // of new schedules, by pipeline
	for _, step := range p.Steps {
		if _, known := states[step.Pipeline]; known || step.Action != Create {
			continue
		}
		var err error
		if states[step.Pipeline], err = s.stateOf(ctx, p.Fleet, step.Pipeline); err != nil {
			return err
		}
	}
	for _, step := range p.Steps {
		var err error
		switch step.Action {
		case Create:
			err = s.create(ctx, p.Fleet, step.wanted, states[step.Pipeline])
		case Change:
			if slices.Contains(step.What, partKey) {
				err = s.again(ctx, p.Fleet, step.wanted)
			} else {
				err = s.change(ctx, p.Fleet, step.wanted)
			}
		case Remove:
			err = s.remove(ctx, p.Fleet, step.ID)
		default:
			continue
		}
		if err != nil {
			return Failed(step.Action+" the schedule "+step.ID, err)
		}
		done(step)
	}
	return nil
}

func (s Service) create(ctx context.Context, fleet string, w Wanted, state client.ScheduleState) error {
	policy := w.policy()
	_, err := s.Client.Create(ctx, client.ScheduleOptions{ID: w.ID, Spec: w.spec(), Action: w.action(),
		Paused: state.Paused, Note: state.Note, Overlap: policy.Overlap, CatchupWindow: policy.CatchupWindow,
		Memo: map[string]any{memoFleet: fleet}})
	return err
}

func (s Service) change(ctx context.Context, fleet string, w Wanted) error {
	return s.Client.GetHandle(ctx, w.ID).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			if fleetOf(in.Description.Memo, s.converter()) != fleet {
				return nil, foreign(w.ID)
			}
			spec := w.spec()
			return &client.ScheduleUpdate{Schedule: &client.Schedule{Spec: &spec, Action: w.action(),
				Policy: w.policy(),
				State:  in.Description.Schedule.State}}, nil
		},
	})
}

// again removes a schedule and creates it, paused as it was: an update cannot encrypt its memo with
// another key. It does not end between the two when ctx is canceled.
func (s Service) again(ctx context.Context, fleet string, w Wanted) error {
	handle := s.Client.GetHandle(ctx, w.ID)
	d, err := handle.Describe(ctx)
	switch {
	case err != nil:
		return err
	case fleetOf(d.Memo, s.converter()) != fleet:
		return foreign(w.ID)
	}
	state := client.ScheduleState{}
	if d.Schedule.State != nil {
		state.Paused, state.Note = d.Schedule.State.Paused, s.Keys.Reseal(d.Schedule.State.Note)
	}
	ctx = context.WithoutCancel(ctx)
	if err := handle.Delete(ctx); err != nil {
		return err
	}
	if err := s.create(ctx, fleet, w, state); err != nil {
		was := "it was not paused"
		if state.Paused {
			was = "it was paused"
		}
		return fmt.Errorf("it is removed, and the next fleet apply creates it (%s): %w", was, err)
	}
	return nil
}

func (s Service) remove(ctx context.Context, fleet, id string) error {
	own, err := s.owned(ctx, fleet, id)
	if err != nil {
		return err
	}
	if !own {
		return fmt.Errorf("it changed while it was planned: %w", foreign(id))
	}
	return s.Client.GetHandle(ctx, id).Delete(ctx)
}
