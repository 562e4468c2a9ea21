package pipeline

import (
	"context"
	"fmt"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
)

// conditional applies a transform only to records for which `when` holds.
type conditional struct {
	component.Transform
	when *expression.Program
}

// Unwrap returns the wrapped transform.
func (c *conditional) Unwrap() component.Transform { return c.Transform }

func (c *conditional) Apply(ctx context.Context, w *component.Worker, records []*component.Record) ([]component.Outcome,
	error) {
	out := make([]component.Outcome, len(records))
	var some []*component.Record
	var where []int
	for i, r := range records {
		w.Begin(r)
		holds, err := w.Run.True(c.when)
		switch {
		case err != nil:
			out[i].Err = fault.Reject(fault.StageTransform, c.Name()+".when", "%v", err)
		case holds:
			some, where = append(some, r), append(where, i)
		default:
			out[i].Skipped = true
		}
	}
	if len(some) == 0 {
		return out, nil
	}
	inner, err := c.Transform.Apply(ctx, w, some)
	if err != nil {
		return nil, err
	}
	if len(inner) != len(some) {
		return nil, fmt.Errorf("it returned %d outcomes for %d records", len(inner), len(some))
	}
	for i, o := range inner {
		out[where[i]] = o
	}
	return out, nil
}
