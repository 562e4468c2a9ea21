package engine

import (
	"context"

	"github.com/pipe-engine/pipe/engine/component"
)

// trusted refuses a push where a run would be refused (invariant 5): the last upload
// is of another state folder or program, or the sink holds items and no usable
// baseline says who could find them. What it returns is nil for any other push.
func trusted(ctx context.Context, p *component.Pipeline, o SelectOptions, opening component.Opening) error {
	r := newRun(p, Options{RunID: o.RunID, Until: Reviewed, State: o.State, Log: o.Log})
	defer r.shelf.Close()
	defer r.forgo()
	if err := r.remember(); err != nil {
		return err
	}
	session, err := p.Sink.Open(ctx, opening)
	if err != nil {
		return err
	}
	r.held, err = session.Holds(ctx)
	if held, unsaid := r.unsaid(ctx, err); unsaid {
		r.held, err = held, nil
	}
	if err != nil {
		return causeOf(ctx, err)
	}
	refused := r.known().Foreign()
	if refused == nil {
		refused = r.known().Lost()
	}
	if refused == nil {
		return r.begin()
	}
	refused.Changes = nil // a push cannot be approved
	return refused
}
