package schedules

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"
)

// gap is how many numbers in a row are looked for that no schedule has.
const gap = 3

// found is a schedule that is there and has the mark of the fleet.
type found struct {
	id    string
	state client.ScheduleState
}

// ofPipeline returns the schedules of a pipeline. Temporal lists a new schedule only after a while, so
// they are also looked for by their numbers.
func (s Service) ofPipeline(ctx context.Context, fleet, pipeline string) ([]found, error) {
	prefix := PrefixOf(fleet, pipeline)
	listed, err := s.Of(ctx, fleet)
	if err != nil {
		return nil, err
	}
	listed = slices.DeleteFunc(listed, func(id string) bool { return !strings.HasPrefix(id, prefix) })
	var out []found
	add := func(id string) (there bool, err error) {
		d, err := s.Client.GetHandle(ctx, id).Describe(ctx)
		switch {
		case isNotFound(err):
			return false, nil
		case err != nil:
			return false, Failed("describe the schedule "+id, err)
		case fleetOf(d.Memo, s.converter()) != fleet:
			return true, nil
		}
		one := found{id: id}
		if d.Schedule.State != nil {
			one.state = *d.Schedule.State
		}
		out = append(out, one)
		return true, nil
	}
	for _, id := range listed {
		if _, err := add(id); err != nil {
			return nil, err
		}
	}
	for i, missed := 1, 0; missed < gap; i++ {
		id := fmt.Sprintf("%s%d", prefix, i)
		there := slices.Contains(listed, id)
		if !there {
			if there, err = add(id); err != nil {
				return nil, err
			}
		}
		if missed++; there {
			missed = 0
		}
	}
	return out, nil
}

// stateOf returns the state of a new schedule of a pipeline: paused when all others are.
func (s Service) stateOf(ctx context.Context, fleet, pipeline string) (client.ScheduleState, error) {
	others, err := s.ofPipeline(ctx, fleet, pipeline)
	if err != nil || len(others) == 0 ||
		slices.ContainsFunc(others, func(one found) bool { return !one.state.Paused }) {
		return client.ScheduleState{}, err
	}
	return client.ScheduleState{Paused: true, Note: s.Keys.Reseal(others[0].state.Note)}, nil
}

// Pause pauses the schedules of a pipeline with a note, or lets them go on, and returns how many there
// are. Those without the mark of the fleet stay as they are.
func (s Service) Pause(ctx context.Context, fleet, pipeline, note string, resume bool) (int, error) {
	all, err := s.ofPipeline(ctx, fleet, pipeline)
	if err != nil {
		return 0, err
	}
	what := "pause"
	if resume {
		what = "resume"
	}
	for i, one := range all {
		handle := s.Client.GetHandle(ctx, one.id)
		if resume {
			err = handle.Unpause(ctx, client.ScheduleUnpauseOptions{Note: note})
		} else {
			err = handle.Pause(ctx, client.SchedulePauseOptions{Note: note})
		}
		if err != nil {
			return i, Failed(what+" the schedule "+one.id, err)
		}
	}
	return len(all), nil
}
