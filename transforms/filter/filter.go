package filter

import (
	"context"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Spec is the component, for the registry.
func Spec() component.TransformSpec[*config.Expression] {
	return component.TransformSpec[*config.Expression]{
		Key: "keep",
		Summary: "Keeps the records for which the condition is true; the others are counted as filtered under the " +
			"transform's name.",
		Config: func() *config.Expression { return &config.Expression{} },
		New: func(cfg *config.Expression, s component.TransformSettings) component.Transform {
			return &Filter{name: s.Name, keep: s.Compile(*cfg, expression.WantCondition)}
		},
	}
}

// Filter is the transform.
type Filter struct {
	name string
	keep *expression.Program
}

var _ component.Transform = (*Filter)(nil)

// Name is the name under which dropped records are counted.
func (f *Filter) Name() string { return f.name }

// Apply drops the records for which the condition is false.
func (f *Filter) Apply(_ context.Context, w *component.Worker, records []*component.Record) ([]component.Outcome,
	error) {
	out := make([]component.Outcome, len(records))
	for i, r := range records {
		w.Begin(r)
		keep, err := w.Run.True(f.keep)
		switch {
		case err != nil:
			out[i].Err = fault.Reject(fault.StageTransform, f.name, "%v", err)
		case !keep:
			out[i].Dropped = f.name
		}
	}
	return out, nil
}
