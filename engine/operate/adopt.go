package operate

import (
	"context"
	"errors"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/guard"
	"github.com/pipe-engine/pipe/engine/run"
)

// Adoption is what a run would do that takes over a place without a baseline in this state
// folder.
type Adoption struct {
	// Refusal is the refusal of the run; nil when the run would compare as usual.
	Refusal *fault.Refusal
	// Inspection is what the sink reports to hold; nil with Unsaid as the reason.
	Inspection *component.Inspection
	Unsaid     error
	// Restricted is the number of documents that only some people would find.
	Restricted int
	Report     *run.Report
}

// Adopt reads and reviews as a dry run does and publishes nothing. It stores the refusal: an
// approval of its ID allows the run. It returns the error of the run when no approval could
// allow it.
func Adopt(ctx context.Context, p *component.Pipeline, o run.Options) (*Adoption, error) {
	o.Until = run.Reviewed
	report, err := run.Run(ctx, p, o)
	a := &Adoption{Report: report}
	if err == nil {
		return a, nil
	}
	if !errors.As(err, &a.Refusal) || a.Refusal.Guard != guard.Baseline && a.Refusal.Guard != guard.Owner ||
		a.Refusal.ID == "" {
		return nil, err
	}
	for _, ch := range a.Refusal.Changes {
		if ch.Type != guard.UploadChange && access.Class(ch.After) == access.Listed.String() {
			a.Restricted++
		}
	}
	inspector, can := p.Sink.(component.Inspector)
	if !can {
		a.Unsaid = errors.New("the sink does not report what it holds")
		return a, nil
	}
	a.Inspection, a.Unsaid = inspector.Inspect(ctx)
	return a, fault.Cause(ctx, ctx.Err())
}
