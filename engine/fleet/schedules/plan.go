package schedules

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/payload"
)

var errNoInput = errors.New("the schedule has no input")

// The actions of a plan.
const (
	Create = "create"
	Change = "change"
	Remove = "remove"
	Keep   = "keep" // it is no longer wanted, and stays without prune
	Same   = "same"
)

// Step is what a plan does with one schedule.
type Step struct {
	Action   string   `json:"action"`
	ID       string   `json:"id"`
	Pipeline string   `json:"pipeline"`
	What     []string `json:"what,omitempty"` // which parts change
	Cron     string   `json:"cron,omitempty"`

	wanted Wanted
}

// Plan is what makes the schedules in Temporal those of a fleet.
type Plan struct {
	Fleet string `json:"fleet"`
	Steps []Step `json:"steps"` // in the order of the IDs
}

// Changes returns the number of steps that change something.
func (p *Plan) Changes() int {
	n := 0
	for _, s := range p.Steps {
		if s.Action != Same && s.Action != Keep {
			n++
		}
	}
	return n
}

// Service is the schedules of a namespace.
type Service struct {
	Client client.ScheduleClient
	Keys   *payload.Keys
}

func (s Service) converter() converter.DataConverter { return payload.DataConverter(s.Keys) }

// Plan compares the schedules in Temporal with those that the fleet wants. With prune it removes the
// others of the fleet. It returns a *fault.Invalid when a wanted ID is that of a schedule that is not
// the fleet's.
func (s Service) Plan(ctx context.Context, fleet string, wanted []Wanted, prune bool) (*Plan, error) {
	out := &Plan{Fleet: fleet, Steps: []Step{}}
	for _, w := range wanted {
		step, err := s.step(ctx, fleet, w)
		if err != nil {
			return nil, err
		}
		out.Steps = append(out.Steps, step)
	}
	others, err := s.Of(ctx, fleet)
	if err != nil {
		return nil, err
	}
	for _, id := range others {
		if slices.ContainsFunc(wanted, func(w Wanted) bool { return w.ID == id }) {
			continue
		}
		// The list may be older than the schedules, and removal needs proof.
		if own, err := s.owned(ctx, fleet, id); err != nil {
			return nil, err
		} else if !own {
			continue
		}
		step := Step{Action: Keep, ID: id, Pipeline: pipelineOf(fleet, id)}
		if prune {
			step.Action = Remove
		}
		out.Steps = append(out.Steps, step)
	}
	slices.SortFunc(out.Steps, func(a, b Step) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// step returns what is to be done for one schedule.
func (s Service) step(ctx context.Context, fleet string, w Wanted) (Step, error) {
	out := Step{Action: Create, ID: w.ID, Pipeline: w.Pipeline, Cron: w.Entry.Cron, wanted: w}
	d, err := s.Client.GetHandle(ctx, w.ID).Describe(ctx)
	switch {
	case isNotFound(err):
		return out, nil
	case err != nil:
		return out, Failed("describe the schedule "+w.ID, err)
	case fleetOf(d.Memo, s.converter()) != fleet:
		return out, foreign(w.ID)
	}
	out.What = w.differences(d, s.Keys)
	if out.Action = Change; len(out.What) == 0 {
		out.Action = Same
	}
	return out, nil
}

// owned reports whether a schedule is there and has the mark of the fleet.
func (s Service) owned(ctx context.Context, fleet, id string) (bool, error) {
	d, err := s.Client.GetHandle(ctx, id).Describe(ctx)
	switch {
	case isNotFound(err):
		return false, nil
	case err != nil:
		return false, Failed("describe the schedule "+id, err)
	}
	return fleetOf(d.Memo, s.converter()) == fleet, nil
}

// Of returns the IDs of the schedules of a fleet that Temporal lists, sorted.
func (s Service) Of(ctx context.Context, fleet string) ([]string, error) {
	var out []string
	for one, err := range s.listed(ctx, fleet) {
		if err != nil {
			return nil, err
		}
		if fleetOf(one.Memo, s.converter()) == fleet {
			out = append(out, one.ID)
		}
	}
	slices.Sort(out)
	return out, nil
}

// listed returns the schedules that Temporal lists with the name of a fleet.
func (s Service) listed(ctx context.Context, fleet string) iter.Seq2[*client.ScheduleListEntry, error] {
	return func(yield func(*client.ScheduleListEntry, error) bool) {
		all, err := s.Client.List(ctx, client.ScheduleListOptions{})
		for err == nil && all.HasNext() {
			var one *client.ScheduleListEntry
			if one, err = all.Next(); err == nil && strings.HasPrefix(one.ID, Prefix(fleet)) && !yield(one, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, Failed("list the schedules", err))
		}
	}
}

// Readable returns a *fault.Invalid when Temporal lists a schedule with the name of the fleet whose key
// this program does not have: what the schedule starts could not be read.
func (s Service) Readable(ctx context.Context, fleet string) error {
	for one, err := range s.listed(ctx, fleet) {
		if err != nil {
			return err
		}
		mark := one.Memo.GetFields()[memoFleet]
		if mark == nil {
			continue
		}
		if err := s.converter().FromPayload(mark, new(string)); errors.Is(err, payload.ErrNoKey) {
			return &fault.Invalid{Reason: fmt.Sprintf("the schedule %s was made with another payload_key: %v", one.ID, err),
				Remedy: "use the key of the fleet; after a change of the key, write the earlier one under old_payload_keys"}
		}
	}
	return nil
}

func foreign(id string) error {
	return &fault.Invalid{Reason: fmt.Sprintf("the schedule %s is not of this fleet: it has no mark, or that of "+
		"another key",
		id), Remedy: "remove it by hand, give the fleet another name, or use the key that made it"}
}

func isNotFound(err error) bool { return errors.As(err, new(*serviceerror.NotFound)) }

// Failed returns an error of a call to Temporal with its class.
func Failed(what string, err error) error {
	class, remedy := fault.Transient, "check that Temporal answers"
	if denied := new(serviceerror.PermissionDenied); errors.As(err, &denied) {
		class, remedy = fault.Fatal, "check the rights of the API key or certificate in the namespace"
	}
	return fault.Errorf(class, remedy, "%s: %w", what, err)
}
