package run

import (
	"context"
	"slices"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/guard"
)

// writes reports whether this run's baseline covers every stream with permissions.
func (r *run) writes() bool {
	return !slices.ContainsFunc(r.p.Streams, func(s component.Stream) bool {
		before := false
		if r.last != nil {
			_, before = r.last.Streams[s.Name]
		}
		return s.Permissions && r.plan.Stream(s.Name) == nil && !before
	})
}

// known returns what this run knows about the sink's place.
func (r *run) known() guard.Known {
	return guard.Known{Pipeline: r.p, Store: r.store, Base: r.base, Owner: r.owner, Holdings: r.held}
}

// covered reports whether the baseline holds the audiences of all streams with permissions.
func (r *run) covered() bool { return r.known().Covered() }

// unsaid calls Known.Unsaid of this run.
func (r *run) unsaid(ctx context.Context, err error) (component.Holdings, bool) {
	return r.known().Unsaid(ctx, err)
}

// holds calls Known.Holds of this run.
func (r *run) holds() string { return r.known().Holds() }
