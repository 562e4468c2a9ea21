package filter

import (
	"context"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Spec is the component, for the registry.
func Spec() engine.TransformSpec {
	return engine.TransformSpec{
		Key:     "keep",
		Summary: "Keeps the records for which the condition is true; the others are counted as filtered under the transform's name.",
		Config:  func() any { return &config.Expression{} },
		New: func(cfg any, s engine.TransformSettings) engine.Transform {
			return &Filter{name: s.Name, keep: s.Compile(*cfg.(*config.Expression), expression.WantCondition)}
		},
	}
}

// Filter is the transform.
type Filter struct {
	name string
	keep *expression.Program
}

var _ engine.Transform = (*Filter)(nil)

// Name is the name under which dropped records are counted.
func (f *Filter) Name() string { return f.name }

// Apply drops what the condition is false for.
func (f *Filter) Apply(_ context.Context, w *engine.Worker, records []*engine.Record) ([]engine.Outcome, error) {
	out := make([]engine.Outcome, len(records))
	for i, r := range records {
		w.Begin(r)
		keep, err := w.Run.True(f.keep)
		switch {
		case err != nil:
			out[i].Err = fault.Reject("transform", f.name, "%v", err)
		case !keep:
			out[i].Dropped = f.name
		}
	}
	return out, nil
}
