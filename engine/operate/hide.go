package operate

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// HideOptions are the options of Hide.
type HideOptions struct {
	SelectOptions
	// KeepUnknown keeps refs on the list that are unknown to the last good run, the source and
	// the sink.
	KeepUnknown bool
}

// HiddenRef is the result for one ref to hide.
type HiddenRef struct {
	Ref   string
	Types []string // of the hidden items
	Notes []string
	// Unknown means that the last good run, the source and the sink do not have the ref. It is
	// then not on the list, unless HideOptions.KeepUnknown is set.
	Unknown bool
	Err     error // an *Unconfirmed, or why it could not be hidden
}

// HideResult is the result of Hide.
type HideResult struct {
	Refs      []HiddenRef
	Notes     []string // about all refs
	SourceErr error    // why the source could not be queried; nil when it was not needed or answered
}

// Hide adds refs to the hidden list, which no run delivers, and then makes the sink hide and
// delete their items and those of the records attached to them. It takes no lock of the place:
// it works during a run, which reads the list again while it publishes. Refs stay on the list
// when the sink or the source fails. The result is nil only when nothing was done.
//
// The IDs of items are those that the list, the last good run and the sink know. The source is
// queried only for refs whose IDs are not certain by then.
func Hide(ctx context.Context, p *component.Pipeline, o HideOptions) (*HideResult, error) {
	hider, can := p.Sink.(component.Hider)
	if !can {
		return nil, fault.Errorf(fault.Fatal, "", "the sink cannot hide single items")
	}
	store, err := baseline.Open(o.State, p.Sink.Place())
	if err != nil {
		return nil, baseline.Unusable(err)
	}
	h := &hiding{store: store, hider: hider, refID: p.Sink.RefID, hosts: component.HostsOf(p.Model), o: o}
	if err := h.list(); err != nil {
		return nil, err
	}
	h.recall()
	for _, t := range h.targets {
		h.take(ctx, t)
	}
	h.askSource(ctx, p)
	for _, t := range h.targets {
		h.judge(t)
	}
	if err := h.relist(); err != nil {
		return h.result(), err
	}
	if err := auditHide(store, p, o, h.targets); err != nil {
		h.notes = append(h.notes, err.Error())
	}
	owner, _, err := store.Owner()
	if err != nil { // hiding does not depend on it
		h.notes = append(h.notes, err.Error())
	}
	h.notes = append(h.notes,
		hider.Settle(ctx, component.Opening{Pipeline: p.Name, RunID: o.RunID, Owner: owner.ID}, h.taken)...)
	return h.result(), fault.Cause(ctx, ctx.Err())
}

// hiding is the state of one call of Hide.
type hiding struct {
	store    *baseline.Store
	hider    component.Hider
	refID    func(ref string) string // the sink's RefID
	hosts    component.Hosts         // of the model
	o        HideOptions
	targets  []*target
	baseline error // why the last good run could not be read
	source   error // why the source could not be queried
	taken    bool  // the sink was asked to hide something
	notes    []string
}

// target is a ref to hide, and what is known about its items.
type target struct {
	HiddenRef
	ids       []string            // tried or to try
	types     map[string][]string // known types of the item, by ID
	tried     map[string][]string // types that the sink was asked to hide, by ID
	delivered []uint64            // hashes of the IDs that the last good run delivered
	gone      []uint64            // hashes of the IDs that an earlier run delivered
	was       bool                // the ref was on the list before this call
	asked     bool                // the source was queried and answered
	found     bool                // the source has the ref
	held      bool                // the sink had an item of the ref
}

// list writes all refs to the hidden list before anything else is done.
func (h *hiding) list() error {
	return baseline.ChangeHidden(h.store, func(all []baseline.Hidden) ([]baseline.Hidden, error) {
		h.targets = nil
		for _, ref := range h.o.Refs {
			if slices.ContainsFunc(h.targets, func(t *target) bool { return t.Ref == ref }) {
				continue
			}
			t := &target{HiddenRef: HiddenRef{Ref: ref}, types: map[string][]string{}, tried: map[string][]string{},
				ids: []string{h.refID(ref)}}
			i := slices.IndexFunc(all, func(one baseline.Hidden) bool { return one.Ref == ref })
			if i < 0 {
				all = append(all, baseline.Hidden{Ref: ref, At: time.Now().UTC(), By: h.o.By})
			} else {
				t.was = true
				t.addIDs(all[i].IDs...)
				if !all[i].Back.IsZero() {
					all[i].At, all[i].By, all[i].Back = time.Now().UTC(), h.o.By, time.Time{}
				}
			}
			h.targets = append(h.targets, t)
		}
		return all, nil
	})
}

// relist adds the found IDs to the list. It lets back unknown refs that this call has added: a
// run may have read such a ref in the meantime, which is why it stays on the list until the
// next good run.
func (h *hiding) relist() error {
	return baseline.ChangeHidden(h.store, func(all []baseline.Hidden) ([]baseline.Hidden, error) {
		for _, t := range h.targets {
			i := slices.IndexFunc(all, func(one baseline.Hidden) bool { return one.Ref == t.Ref })
			switch {
			case i < 0 || !all[i].Back.IsZero(): // another call let it back in the meantime
			case t.Unknown && !h.o.KeepUnknown:
				all[i].Back = time.Now().UTC()
			default:
				all[i].IDs, all[i].Hashes = t.ids, t.unknownIDs()
			}
		}
		return all, nil
	})
}

// take makes the sink hide the items that were not hidden yet.
func (h *hiding) take(ctx context.Context, t *target) {
	for _, id := range t.ids {
		types := t.types[id]
		before, again := t.tried[id]
		if again && !slices.ContainsFunc(types, func(typ string) bool { return !slices.Contains(before, typ) }) {
			continue
		}
		t.tried[id] = slices.Clone(types)
		hidden, err := h.hider.Hide(ctx, id, types)
		if hidden != nil {
			t.held = t.held || len(hidden.Types) > 0
			h.taken = h.taken || len(hidden.Types) > 0
			t.Types, t.Notes = union(t.Types, hidden.Types), append(t.Notes, hidden.Notes...)
		}
		t.Err = errors.Join(t.Err, err)
	}
}

// judge sets the result of a ref after everything was tried.
func (h *hiding) judge(t *target) {
	remembered := len(t.delivered)+len(t.gone) > 0
	t.Unknown = !remembered && t.asked && !t.found && !t.held && !t.was && t.Err == nil
	switch {
	case t.Err != nil:
	case !t.knowsDelivered():
		t.Err = &fault.Unconfirmed{
			Reason: "the last good run delivered it with an id that is not its ref, and neither the source nor " +
				"the hidden list has that id: the document was not removed",
			Remedy: "it is on the hidden list, so the next run deletes the document; to delete it now, restore " +
				"the record in the source and hide it again",
		}
	case !remembered && !t.asked && !t.held:
		t.Err = &fault.Unconfirmed{
			Reason: "neither the last good run nor the source has its id, and the sink has no document with its " +
				"ref as id",
			Remedy: "it is on the hidden list, and no run with this state folder sends it; hide it again when the source " +
				"answers",
		}
	}
}

func (h *hiding) result() *HideResult {
	out := &HideResult{Notes: h.notes, SourceErr: h.source}
	for _, t := range h.targets {
		out.Refs = append(out.Refs, t.HiddenRef)
	}
	return out
}

// Unhide lets refs back; the next good run delivers them like any other. Like Hide it takes no
// lock of the place.
func Unhide(p *component.Pipeline, o SelectOptions) error {
	store, err := baseline.Open(o.State, p.Sink.Place())
	if err != nil {
		return baseline.Unusable(err)
	}
	return baseline.ChangeHidden(store, func(all []baseline.Hidden) ([]baseline.Hidden, error) {
		for _, ref := range o.Refs {
			i := slices.IndexFunc(all, func(h baseline.Hidden) bool { return h.Ref == ref && h.Back.IsZero() })
			if i < 0 {
				return nil,
					fault.Errorf(fault.Fatal, "pipe status FILE lists what is hidden", "%s is not hidden; nothing was "+
						"changed",
						ref)
			}
			all[i].Back = time.Now().UTC()
		}
		return all, nil
	})
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}
