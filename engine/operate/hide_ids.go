package operate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/state"
)

func (t *target) addIDs(ids ...string) { t.ids = union(t.ids, ids) }

// unknownIDs returns the hashes, in the form of the list, of IDs that the last runs delivered
// and that are not known in clear.
func (t *target) unknownIDs() []string {
	var out []string
	for _, id := range slices.Concat(t.delivered, t.gone) {
		if text := baseline.HashText(id); !t.knows(id) && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

func (t *target) knows(id uint64) bool {
	return slices.ContainsFunc(t.ids, func(known string) bool { return codec.Hash([]byte(known)) == id })
}

// knowsDelivered reports whether the IDs of all items that the last good run delivered are
// known.
func (t *target) knowsDelivered() bool {
	return !slices.ContainsFunc(t.delivered, func(id uint64) bool { return !t.knows(id) })
}

// recall reads what the last good run delivered of the refs. An unreadable baseline does not
// prevent hiding.
func (h *hiding) recall() {
	h.baseline = eachDelivered(h.store, func(e baseline.Entry) {
		for _, t := range h.targets {
			host, attached := h.hosts(e.Ref)
			mine := attached && host == t.Ref // what belongs to the record is hidden with it
			switch {
			case t.Ref != e.Ref && !mine || e.Audience == "":
			case e.Audience == access.Nobody.String() || !e.Away.IsZero():
				t.gone = append(t.gone, e.ID)
			default:
				t.delivered = append(t.delivered, e.ID)
				if id := e.KnownID(); mine && id != "" {
					t.addIDs(id)
				}
				for _, id := range t.ids {
					if codec.Hash([]byte(id)) == e.ID {
						t.types[id] = union(t.types[id], []string{e.Type})
					}
				}
			}
		}
	})
	h.recallSent()
	if h.baseline != nil {
		h.notes = append(h.notes,
			fmt.Sprintf("the baseline could not be read; the source is read for all ids: %v", h.baseline))
	}
}

// recallSent adds what was sent since the last good run and belongs to the refs: a run that was
// interrupted may have sent it. A journal that cannot be read does not prevent hiding.
func (h *hiding) recallSent() {
	journal, err := h.store.Journal(nil)
	if err != nil || journal.Damaged != "" {
		h.notes = append(h.notes, fmt.Sprintf("what was sent since the last good run could not be read: %v",
			cmp.Or(err, errors.New(journal.Damaged))))
		return
	}
	for sent := range journal.Items {
		host, attached := h.hosts(sent.Ref)
		for _, t := range h.targets {
			if attached && host == t.Ref && sent.There {
				t.addIDs(sent.ID)
				t.types[sent.ID] = union(t.types[sent.ID], []string{sent.Type})
			}
		}
	}
}

// eachDelivered calls take with the entries of the last good run.
func eachDelivered(store *baseline.Store, take func(baseline.Entry)) error {
	base, err := store.Load()
	if err != nil {
		return err
	}
	defer base.Close()
	switch base.Condition {
	case baseline.Missing:
		return nil
	case baseline.Damaged, baseline.Newer:
		return fmt.Errorf("%s cannot be used: %s", base.Path, base.Problem)
	}
	for e, err := range base.Entries() {
		if err != nil {
			return err
		}
		take(e)
	}
	return nil
}

// askSource queries the source for the IDs of refs for which the last good run delivered
// nothing, or an item with an unknown ID, and makes the sink hide the items with these IDs.
func (h *hiding) askSource(ctx context.Context, p *component.Pipeline) {
	o := h.o.SelectOptions
	o.Refs, o.Hidden = nil, true
	if h.baseline != nil {
		o.State = nil
	}
	unsure := map[string]*target{}
	for _, t := range h.targets {
		if len(t.delivered) == 0 || !t.knowsDelivered() {
			unsure[t.Ref] = t
			o.Refs = append(o.Refs, t.Ref)
		}
	}
	if len(o.Refs) == 0 || ctx.Err() != nil {
		return
	}
	sel, err := Select(ctx, p, o)
	if h.source = err; err != nil {
		for _, t := range unsure {
			t.Notes = append(t.Notes,
				fmt.Sprintf("its id could not be read from the source, so its ref was used as id: %v", err))
		}
		return
	}
	for _, r := range sel.Records {
		t := unsure[r.Ref]
		t.asked, t.found = true, r.Found
		for _, item := range r.Items {
			if item.Other != "" {
				t.Notes = append(t.Notes, fmt.Sprintf("its id %s is also the id of %s, which is kept",
					item.ID, item.Other))
				continue
			}
			t.addIDs(item.ID)
			t.types[item.ID] = union(t.types[item.ID], []string{item.Type})
		}
		h.take(ctx, t)
	}
}

// RememberedIDs returns the IDs under which items of a ref were hidden at the sink's place.
// unknown means that the last good run delivered an item of the ref under another ID that is
// not the ref.
func RememberedIDs(sink component.Sink, in state.Store, ref string) (ids []string, unknown bool, err error) {
	store, err := baseline.Open(in, sink.Place())
	if err != nil {
		return nil, false, baseline.Unusable(err)
	}
	list, err := baseline.HiddenNow(store, nil) // the entry of the ref alone is read
	if err != nil {
		return nil, false, err
	}
	t := &target{HiddenRef: HiddenRef{Ref: ref}, types: map[string][]string{}, ids: []string{sink.RefID(ref)}}
	t.addIDs(list.Refs[ref].IDs...)
	h := &hiding{store: store, targets: []*target{t}, hosts: component.HostsOf(nil)}
	h.recall()
	return t.ids, !t.knowsDelivered(), h.baseline
}
