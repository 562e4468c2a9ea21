package explain

import (
	"context"
	"errors"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/run"
)

// Watch reads a pipeline's source completely and lets the observer see what a
// run makes of it that has this state folder, "" for none: what is hidden in it is
// withheld. Nothing is sent, remembered or locked, the sink is asked for nothing,
// and no guard of volume looks at it.
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

// identityKinds are the kinds, in lower case, of which people and groups are
// made.
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
