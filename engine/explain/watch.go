package explain

import (
	"context"
	"errors"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/run"
)

// Watch reads a pipeline's source completely and lets the observer see what a run with a state
// folder, "" for none, would make of it; items on its hidden list are withheld. It sends,
// stores and locks nothing, makes no request to the sink, and ignores refusals of guards.
func Watch(ctx context.Context, p *component.Pipeline, state string, o component.Observer) (*run.Report, error) {
	offline := *p
	offline.Offline = true
	report, err := run.Run(ctx, &offline,
		run.Options{RunID: run.NewRunID(), Until: run.Reviewed, State: state, Observer: o, Stop: ctx.Done()})
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
