package pipeline

import (
	"context"
	"slices"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
)

// Probe adds to Problems what only starting the transforms shows. It does
// nothing when there are errors already.
func (d *Definition) Probe(ctx context.Context) {
	if d.Problems.HasErrors() {
		return
	}
	for _, t := range d.transforms {
		if p, ok := engine.Ability[engine.Prober](t); ok {
			d.Problems = append(d.Problems, p.Probe(ctx)...)
		}
	}
	d.Problems = d.Problems.Sorted()
}

// readsBuilder notes what the expressions read that it compiles.
type readsBuilder struct {
	*builder
	paths []string
}

func (b *readsBuilder) Compile(e config.Expression, want expression.Want) *expression.Program {
	p := b.builder.Compile(e, want)
	if p != nil {
		for _, path := range p.Reads() {
			if !slices.Contains(b.paths, path) {
				b.paths = append(b.paths, path)
			}
		}
	}
	return p
}
