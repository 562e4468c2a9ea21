package run

import (
	"context"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// CheckBaseline checks, outside a run, the conditions of the baseline guard (invariant 5). It
// returns a *fault.Refusal when the last upload is from another state folder or program, or
// when the sink holds items and no usable baseline has their audiences. The caller has locked
// the place in the store, which is nil for none.
func CheckBaseline(ctx context.Context, p *component.Pipeline, store state.Store, runID string,
	opening component.Opening) error {
	r := newRun(p, Options{RunID: runID, Until: Reviewed, State: store})
	defer r.close()
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
		return fault.Cause(ctx, err)
	}
	refused := r.known().Foreign()
	if refused == nil {
		refused = r.known().Lost()
	}
	if refused == nil {
		return r.begin()
	}
	refused.Changes = nil // only a run can be approved
	return refused
}
