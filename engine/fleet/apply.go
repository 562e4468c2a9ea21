package fleet

import (
	"context"

	"github.com/pipe-engine/pipe/engine/fleet/schedules"
	"github.com/pipe-engine/pipe/engine/job"
)

// Planned is a plan, with what the namespace lacks.
type Planned struct {
	*schedules.Plan
	Attributes schedules.Attributes `json:"search_attributes"`
	// Unlisted are YAML files of the folder that are no pipeline of the fleet.
	Unlisted []string `json:"unlisted,omitempty"`
	// Unscheduled are pipelines whose files have no schedule.
	Unscheduled []string `json:"unscheduled,omitempty"`
}

// Plan compares the schedules in Temporal with those of the pipeline files. Unless dry is set it
// registers the search attributes that the namespace lacks, and does nothing else. It returns a
// *job.LoadError when a pipeline file is wrong.
func (o *Operation) Plan(ctx context.Context, prune, dry bool) (*Planned, error) {
	var all []schedules.Pipeline
	out := &Planned{}
	for _, p := range o.Fleet.Pipelines {
		text, sha, err := p.Text()
		if err != nil {
			return nil, err
		}
		open := o.job
		open.Path, open.Text = p.Path, text
		open.Lenient, open.SkipSecrets, open.Unpinned = true, true, true // the workers have them
		d := open.Parse(ctx)
		if d.Problems.HasErrors() {
			return nil, &job.LoadError{Definition: d}
		}
		all = append(all, schedules.Pipeline{Pipeline: p, Schedule: d.File.Schedule, SHA256: sha})
		if len(d.File.Schedule) == 0 {
			out.Unscheduled = append(out.Unscheduled, p.Name)
		}
	}
	var err error
	if out.Unlisted, err = o.Fleet.Unlisted(); err != nil {
		return nil, err
	}
	out.Attributes = schedules.Register(ctx, schedules.OperatorOf(o.c.OperatorService()), o.w.Temporal.Namespace, dry)
	use := out.Attributes.Present() || dry && len(out.Attributes.Missing) > 0
	out.Plan, err = o.svc.Plan(ctx, o.Fleet.Name, schedules.WantedOf(o.Fleet, all, use), prune)
	return out, err
}

// Apply does what a plan says, and calls done after each step that changed something.
func (o *Operation) Apply(ctx context.Context, p *Planned, done func(schedules.Step)) error {
	return o.svc.Apply(ctx, p.Plan, done)
}
