package pipeline

import (
	"context"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
)

// Probe adds problems to Problems that appear only when transforms are started. It does nothing
// when there are errors already.
func (d *Definition) Probe(ctx context.Context) {
	if d.Problems.HasErrors() {
		return
	}
	for _, t := range d.transforms {
		if p, ok := component.Capability[component.Prober](t); ok {
			d.Problems = append(d.Problems, p.Probe(ctx)...)
		}
	}
	d.Problems = d.Problems.Sorted()
}

// accessPaths returns the paths of the record that decide who finds a document: those that the
// permissions read, those that decide the mappings of users and groups, and those that
// transforms compute any of them from.
func (d *Definition) accessPaths() []string {
	paths := slices.Clone(d.accessReads)
	for _, f := range d.Facts {
		if slices.ContainsFunc(d.Streams, func(s component.Stream) bool { return s.Name == f.Stream && s.Identities }) {
			paths = append(paths, f.Decides...)
		}
	}
	for i, t := range slices.Backward(d.transforms) {
		if s, ok := component.Capability[component.Setter](t); ok && slices.ContainsFunc(s.Sets(), func(set string) bool {
			return overlaps(set, paths)
		}) {
			paths = append(paths, d.transformReads[i]...)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// overlaps reports whether a path equals, contains or is below one of others.
func overlaps(path string, others []string) bool {
	return slices.ContainsFunc(others, func(other string) bool {
		return path == other || strings.HasPrefix(path, other+".") || strings.HasPrefix(other, path+".")
	})
}

// readsBuilder collects the paths that the compiled expressions read.
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
