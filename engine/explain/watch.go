package explain

import (
	"context"
	"errors"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/state"
)

// Watch reads a pipeline's source completely and lets the observer see what a run with the state
// in a store, nil for none, would make of it; items on its hidden list are withheld. It sends,
// stores and locks nothing, makes no request to the sink, and ignores refusals of guards.
func Watch(ctx context.Context, p *component.Pipeline, in state.Store, o component.Observer) (*run.Report, error) {
	offline := *p
	offline.Offline = true
	report, err := run.Run(ctx, &offline,
		run.Options{RunID: run.NewRunID(), Until: run.Reviewed, State: in, Observer: o, Stop: ctx.Done()})
	if errors.As(err, new(*fault.Refusal)) {
		err = nil
	}
	return report, err
}

// identityKinds returns the kinds, in lower case, of users and groups.
func identityKinds(m component.Model) []string {
	var out []string
	for _, ph := range m.Phases() {
		for _, k := range ph.Kinds {
			if ph.Identities {
				out = append(out, strings.ToLower(k.Name))
			}
		}
	}
	return out
}
