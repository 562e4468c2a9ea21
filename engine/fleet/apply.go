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

	prune, used bool // used: with search attributes
	all         []schedules.Pipeline
}

// Plan compares the schedules in Temporal with those of the pipeline files, and changes nothing. With
// prune it also removes. It returns a *job.LoadError when a pipeline file is wrong.
func (o *Operation) Plan(ctx context.Context, prune bool) (*Planned, error) {
	out := &Planned{prune: prune}
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
		out.all = append(out.all, schedules.Pipeline{Pipeline: p, Schedule: d.File.Schedule, SHA256: sha})
		if len(d.File.Schedule) == 0 {
			out.Unscheduled = append(out.Unscheduled, p.Name)
		}
	}
	var err error
	if out.Unlisted, err = o.Fleet.Unlisted(); err != nil {
		return nil, err
	}
	out.Attributes = o.attributes(ctx, true)
	out.used = out.Attributes.Present() || len(out.Attributes.Missing) > 0
	out.Plan, err = o.svc.Plan(ctx, o.Fleet.Name, schedules.WantedOf(o.Fleet, out.all, out.used), prune)
	return out, err
}

// Apply registers the search attributes that the namespace lacks, and does what a plan says. It calls
// done after each step that changed something. When the attributes cannot be registered, the plan
// becomes one without them.
func (o *Operation) Apply(ctx context.Context, p *Planned, done func(schedules.Step)) error {
	p.Attributes = o.attributes(ctx, false)
	if use := p.Attributes.Present(); use != p.used {
		var err error
		p.used = use
		if p.Plan, err = o.svc.Plan(ctx, o.Fleet.Name, schedules.WantedOf(o.Fleet, p.all, use), p.prune); err != nil {
			return err
		}
	}
	return o.svc.Apply(ctx, p.Plan, done)
}

// attributes registers the search attributes that the namespace lacks, unless dry is set.
func (o *Operation) attributes(ctx context.Context, dry bool) schedules.Attributes {
	return schedules.Register(ctx, schedules.OperatorOf(o.c.OperatorService()), o.w.Temporal.Namespace, dry)
}
