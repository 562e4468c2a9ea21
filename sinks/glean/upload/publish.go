package upload

import (
	"cmp"
	"context"
	"fmt"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// publishing is the state that the uploads of one Publish share.
type publishing struct {
	publisher *Publisher
	plan      *component.Plan
	refusals  *refusals
	again     bool  // what is sent is sent again by an upload, so what Glean refuses is not rejected yet
	hideErr   error // why hidden documents may be found, after the upload has closed
}

// Publish sends either the changes or everything: users, groups, the members of the changed
// groups, documents, and the members of the other groups. An item is sent before the items
// that name it.
func (s *Publisher) Publish(ctx context.Context, plan *component.Plan) error {
	if err := s.client.Ready(); err != nil {
		return err
	}
	p := &publishing{publisher: s, plan: plan, refusals: newRefusals(plan.Refused, s.naming())}
	for _, note := range s.notes {
		plan.Note("%s", note)
	}
	defer func() {
		for _, sentence := range s.client.Conn.Deprecations() {
			plan.Note("%s", sentence)
		}
	}()
	if plan.Only {
		return p.publishChanges(ctx)
	}
	if plan.First {
		c := p.before()
		err := c.steps(ctx, component.Narrow, component.Grow)
		if ctx.Err() != nil {
			return err
		}
		// It is not known whether an upload would get to hide documents that were hidden
		// meanwhile.
		if hideErr := c.hideAgain(ctx, component.Narrow); hideErr != nil {
			plan.Note("%s", hideErr)
		}
		if err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error {
			return p.stream(ctx, api.StreamUsers, api.PathBulkIndexUsers, "disableStaleDataDeletionCheck")
		},
		func(ctx context.Context) error {
			return p.stream(ctx, api.StreamGroups, api.PathBulkIndexGroups, "disableStaleDataDeletionCheck")
		},
		func(ctx context.Context) error { return p.memberships(ctx, p.differs) },
		func(ctx context.Context) error {
			return p.stream(ctx, api.StreamDocuments, api.PathBulkIndexDocuments, "disableStaleDocumentDeletionCheck")
		},
		func(ctx context.Context) error {
			return p.memberships(ctx, func(group string) bool { return !p.differs(group) })
		},
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return p.hideErr
}

// publishChanges sends what changed.
func (p *publishing) publishChanges(ctx context.Context) error {
	c := p.changes()
	err := cmp.Or(c.steps(ctx, component.Narrow, component.Steps), c.notTightened())
	if ctx.Err() != nil {
		return err
	}
	hideErr := c.hideAgain(ctx, component.Narrow, component.Write, component.Widen)
	if err != nil && hideErr != nil {
		p.plan.Note("%s", hideErr)
	}
	return cmp.Or(err, hideErr)
}

// rejects returns what reports the refused items of a stream to the run.
func (p *publishing) rejects(stream string) func(component.Encoded, string) error {
	return func(e component.Encoded, reason string) error {
		if p.again {
			return nil
		}
		return p.plan.Reject(stream, e, reason)
	}
}

// differs reports whether anything differs of the members of a group, or whether that is
// not known.
func (p *publishing) differs(group string) bool {
	return p.plan.Changes == nil || p.plan.Changes.Differs(api.StreamMemberships, group)
}

// stopped reports whether the run was asked to stop.
func (p *publishing) stopped() error {
	select {
	case <-p.plan.Stop:
		return fault.ErrStopped
	default:
		return nil
	}
}

// mayGoOn reports whether the run was not asked to stop and still has its place to itself.
func (p *publishing) mayGoOn() error {
	if err := p.stopped(); err != nil {
		return err
	}
	return p.plan.StillHeld()
}

// stream uploads one stream of the plan, if it is in it.
func (p *publishing) stream(ctx context.Context, name, path, flag string) error {
	items := p.plan.Stream(name)
	if items == nil {
		return nil
	}
	if err := p.mayGoOn(); err != nil {
		return err
	}
	u := p.upload(name, path, items.Count)
	if lifts(items) {
		u.lift = `,"` + flag + `":true`
	}
	if name == api.StreamDocuments {
		u.hidden, u.withheld = p.plan.Hidden, map[string]bool{}
	}
	err := u.run(ctx, items.Items)
	if ctx.Err() == nil {
		hideErr := u.hideAgain(ctx, items.Items)
		if err == nil {
			p.hideErr = hideErr
		} else if hideErr != nil {
			p.plan.Note("%s", hideErr)
		}
	}
	if err != nil {
		return fmt.Errorf("upload %s: %w", name, err)
	}
	p.plan.Uploaded(name, u.id)
	return nil
}

// lifts reports whether to lift Glean's guard on deletion: when it would pause a deletion
// that the engine's guards have compared with known numbers or a person has approved, and
// when it paused a deletion before. Otherwise it stays as a second check.
func lifts(items *component.StreamPlan) bool {
	return items.Cleared && (items.Paused || float64(items.Gone) > staleShare*float64(items.Before))
}

// staleShare is the share of deleted items above which Glean pauses deletion.
const staleShare = 0.20
