package operate

import (
	"context"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/read"
)

// subset is a source that reads all users and groups, and only the wanted ones of all other
// records. It reads a record that is looked up when it is needed, if a run would have read it
// before. A run whose last phase is too large for look-ups within itself finds less of that
// phase.
type subset struct {
	component.Source
	ctx       context.Context
	phases    []component.Phase
	refs      component.Refs
	confirmer component.Confirmer
	wanted    []string

	mu      sync.Mutex
	now     int // the current phase
	control []string
	found   map[string]*component.Entry // results of look-ups; nil for a missing record
	err     error                       // of a look-up
}

func newSubset(ctx context.Context, p *component.Pipeline, c component.Confirmer, wanted []string) *subset {
	return &subset{Source: p.Source, ctx: ctx, phases: p.Model.Phases(), refs: p.Model, confirmer: c, wanted: wanted,
		found: map[string]*component.Entry{}}
}

// Read reads a phase of identities completely, and only the wanted records of any other phase.
func (f *subset) Read(ctx context.Context, ph component.Phase, emit component.Emit) error {
	f.mu.Lock()
	for i := range f.phases {
		if f.phases[i].Name == ph.Name {
			f.now = i
		}
	}
	control := f.control
	f.mu.Unlock()
	if !ph.Identities {
		return f.confirmer.Confirm(ctx, ph, f.wanted, control, emit)
	}
	return f.Source.Read(ctx, ph, func(ctx context.Context, records []*component.Record) error {
		f.mu.Lock()
		for _, r := range records {
			if len(f.control) < read.Controls {
				f.control = append(f.control, r.Ref)
			}
		}
		f.mu.Unlock()
		return emit(ctx, records)
	})
}

// find looks up a record, once. It is called from many goroutines.
func (f *subset) find(ref string) (component.Entry, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e, asked := f.found[ref]; asked {
		if e == nil {
			return component.Entry{}, false
		}
		return *e, true
	}
	kind := f.refs.KindOf(ref)
	for _, ph := range f.phases[:f.now+1] {
		for _, k := range ph.Kinds {
			if ph.Identities || k.Off || kind != "" && !strings.EqualFold(k.Name, kind) || f.err != nil {
				continue
			}
			f.found[ref] = nil // a record of a later phase is looked up again then
			f.err = f.confirmer.Confirm(f.ctx, ph, []string{ref}, f.control[:min(1, len(f.control))],
				func(_ context.Context, records []*component.Record) error {
					for _, r := range records {
						f.found[ref] = &r.Entry
					}
					return nil
				})
		}
	}
	if e := f.found[ref]; e != nil {
		return *e, true
	}
	return component.Entry{}, false
}

func (f *subset) failed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
