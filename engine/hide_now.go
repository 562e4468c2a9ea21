package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/state"
)

// HideOptions say what is taken away.
type HideOptions struct {
	SelectOptions
	By string // who does it
	// Unseen remembers also what nobody is known to have.
	Unseen bool
}

// HiddenRef is what became of one ref that was to be hidden.
type HiddenRef struct {
	Ref   string
	Types []string // of the items that the sink had
	Notes []string
	// Unknown says that neither the last good run nor the source nor the sink has
	// it. It was not remembered, unless HideOptions.Unseen.
	Unknown bool
	Err     error // an *Unconfirmed, or why it could not be taken away
}

// Hide remembers refs as hidden, so that no run brings them back, and then has the
// sink take what it has of them away. They stay hidden also where the sink fails.
// One that only the sink may have is remembered once the sink says that it has it.
// The pipeline may be without a source that answers: what the last good run
// delivered is known.
func Hide(ctx context.Context, p *Pipeline, o HideOptions) ([]HiddenRef, error) {
	hider, can := p.Sink.(Hider)
	if !can {
		return nil, Errorf(Fatal, "", "the sink takes nothing away beside a run")
	}
	place, err := TakePlace(o.State, p.Sink.Place(), o.RunID)
	if err != nil {
		return nil, err
	}
	defer place.Release()
	all, err := place.Store.Hidden()
	if err != nil {
		return nil, err
	}
	targets, err := targetsOf(ctx, p, o.SelectOptions, place.Store)
	if err != nil {
		return nil, err
	}
	remember := func(wanted func(ref string) bool) error {
		for _, ref := range o.Refs {
			if !wanted(ref) {
				continue
			}
			all = slices.DeleteFunc(all, func(h state.Hidden) bool { return h.Ref == ref && !h.Back.IsZero() })
			if !slices.ContainsFunc(all, func(h state.Hidden) bool { return h.Ref == ref }) {
				all = append(all, state.Hidden{Ref: ref, At: time.Now().UTC(), By: o.By})
			}
		}
		if err := place.Store.SetHidden(all); err != nil {
			return unusable(err)
		}
		return nil
	}
	if err := remember(func(ref string) bool { return o.Unseen || !targets[ref].unknown }); err != nil {
		return nil, err
	}
	var out []HiddenRef
	for _, ref := range o.Refs {
		one := HiddenRef{Ref: ref, Notes: targets[ref].notes}
		for _, id := range targets[ref].ids {
			hidden, err := hider.Hide(ctx, id, targets[ref].types)
			if hidden != nil {
				one.Types, one.Notes = append(one.Types, hidden.Types...), append(one.Notes, hidden.Notes...)
			}
			one.Err = errors.Join(one.Err, err)
		}
		one.Unknown = targets[ref].unknown && one.Err == nil && len(one.Types) == 0
		targets[ref].unknown = one.Unknown
		out = append(out, one)
	}
	if err := remember(func(ref string) bool { return o.Unseen || !targets[ref].unknown }); err != nil {
		return out, err
	}
	return out, ctx.Err()
}

// Unhide lets refs back; the next good run delivers them like any other.
func Unhide(p *Pipeline, o SelectOptions) error {
	place, err := TakePlace(o.State, p.Sink.Place(), o.RunID)
	if err != nil {
		return err
	}
	defer place.Release()
	all, err := place.Store.Hidden()
	if err != nil {
		return err
	}
	for _, ref := range o.Refs {
		i := slices.IndexFunc(all, func(h state.Hidden) bool { return h.Ref == ref && h.Back.IsZero() })
		if i < 0 {
			return Errorf(Fatal, "pipe status FILE lists what is hidden", "%s is not hidden, and nothing was changed", ref)
		}
		all[i].Back = time.Now().UTC()
	}
	if err := place.Store.SetHidden(all); err != nil {
		return unusable(err)
	}
	return nil
}

// target is what a sink may have of a ref.
type target struct {
	ids, types, notes []string
	unknown           bool // neither the last good run nor the source has it
}

// targetsOf finds out what a sink may have of some refs: from the last good run,
// and where that does not know, from the source. A source that does not answer
// keeps nothing from being hidden.
func targetsOf(ctx context.Context, p *Pipeline, o SelectOptions, store *state.Store) (map[string]*target, error) {
	out := map[string]*target{}
	for _, ref := range o.Refs {
		out[ref] = &target{ids: []string{strings.ToLower(ref)}}
	}
	sure, remembered := map[string]bool{}, map[string]bool{}
	snap, _, err := store.Load(true)
	if err != nil {
		return nil, err
	}
	if snap != nil {
		defer snap.Close()
		for e, err := range snap.Entries() {
			if err != nil {
				return nil, err
			}
			t := out[e.Ref]
			if t != nil {
				remembered[e.Ref] = true
			}
			if t == nil || e.Audience == "" || e.Audience == Nobody.String() {
				continue
			}
			sure[e.Ref] = e.ID == state.Hash([]byte(t.ids[0]))
			t.types = append(t.types, e.Type)
		}
	}
	o.Refs = slices.DeleteFunc(slices.Clone(o.Refs), func(ref string) bool { return sure[ref] })
	if len(o.Refs) == 0 {
		return out, nil
	}
	sel, err := Select(ctx, p, o)
	switch {
	case ctx.Err() != nil:
		return nil, causeOf(ctx, ctx.Err())
	case err != nil:
		for _, ref := range o.Refs {
			out[ref].notes = append(out[ref].notes, fmt.Sprintf("what the pipeline makes of it could not be found out, so that its id is taken to be its ref: %v", err))
		}
		return out, nil
	}
	for _, r := range sel.Records {
		out[r.Ref].unknown = !r.Found && !remembered[r.Ref]
		for _, item := range r.Items {
			t := out[r.Ref]
			if item.Other != "" {
				t.notes = append(t.notes, fmt.Sprintf("its id %s is that of %s, which stays", item.ID, item.Other))
				continue
			}
			t.types = append(t.types, item.Type)
			if !slices.Contains(t.ids, item.ID) {
				t.ids = append(t.ids, item.ID)
			}
		}
	}
	return out, nil
}
