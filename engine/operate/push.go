package operate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/audit"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/guard"
	"github.com/pipe-engine/pipe/engine/run"
)

// MostPushed is the maximum number of records in a push: as many documents as may become
// visible to everyone in a run without a review (invariant 5).
const MostPushed = guard.TowardsAll

// Push sends a few records now, in addition to what the sink holds. Either all of them are
// sent, or Push returns a *Refusal and sends nothing. Like a run, it is refused when another
// state folder wrote to the sink last, or when there is no usable baseline although the sink
// holds items.
func Push(ctx context.Context, p *component.Pipeline, o SelectOptions) (*component.Selection, *component.Pushed,
	error) {
	pusher, can := p.Sink.(component.Pusher)
	if !can {
		return nil, nil, fault.Errorf(fault.Fatal, "", "the sink accepts items only from a run")
	}
	var place *Place
	if o.State != nil && p.Sink.Place() != "" {
		var err error
		if place, err = TakePlace(o.State, p.Sink.Place(), o.RunID); err != nil {
			return nil, nil, err
		}
		defer place.Release()
	}
	sel, err := Select(ctx, p, o)
	if err != nil {
		return nil, nil, err
	}
	if refused := unsendable(p.Sink, sel); refused != nil {
		return sel, nil, refused
	}
	opening := place.opening(p.Name, o.RunID)
	if err := run.CheckBaseline(ctx, p, o.State, o.RunID, opening); err != nil {
		return sel, nil, err
	}
	if refused := pushWidens(sel, p.Limits.MaxWiden); refused != nil {
		return sel, nil, refused
	}
	held, end, err := place.sending(ctx)
	if err != nil {
		return sel, nil, err
	}
	defer end()
	var telling *baseline.JournalWriter
	if place != nil {
		if telling, err = intendPush(place.Store, p, o.RunID, sel); err != nil {
			return sel, nil, baseline.Unusable(err)
		}
		defer telling.Close()
		if err := auditPush(audit.Beginning, place.Store, p, o, pushedItems(p, sel)); err != nil {
			return sel, nil, err
		}
	}
	pushed, err := pusher.Push(held, sel, opening)
	err = fault.Cause(held, err)
	if place != nil && err == nil {
		err = toldPush(telling, p, sel)
	}
	if place != nil && pushed != nil {
		err = errors.Join(err, auditPush("push", place.Store, p, o, slices.Values(pushed.Told)))
	}
	if place != nil {
		err = errors.Join(err, hideAgain(ctx, p, place.Store, sel))
	}
	return sel, pushed, fault.Cause(ctx, err)
}

// intendPush writes to the journal what is about to be sent: the documents, and the users,
// groups and members that differ from what the last good run delivered.
func intendPush(store *baseline.Store, p *component.Pipeline, runID string, sel *component.Selection) (
	*baseline.JournalWriter, error) {
	w, err := store.Begin(baseline.Pushing, runID, time.Now())
	if err != nil {
		return nil, err
	}
	number := 0
	for item := range pushedItems(p, sel) {
		number++
		w.Intend(number, baseline.Intent{
			Stream: item.Stream, ID: item.ID, Ref: item.Ref, Type: item.Type, Content: item.Content,
			Substance: item.Substance, Resolved: item.Resolved, Grant: item.Grant,
		})
	}
	if err := w.Sync(); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// toldPush records that the documents were acknowledged. The state of groups is not known: a
// push adds members and removes none.
func toldPush(w *baseline.JournalWriter, p *component.Pipeline, sel *component.Selection) error {
	number := 0
	for item := range pushedItems(p, sel) {
		number++
		if s, _ := p.Stream(item.Stream); s.Permissions {
			w.Told(number)
		}
	}
	return w.Done()
}

// pushedItems yields what a push may send, documents first.
func pushedItems(p *component.Pipeline, sel *component.Selection) iter.Seq[component.SelectedItem] {
	return func(yield func(component.SelectedItem) bool) {
		for _, r := range sel.Records {
			for _, item := range slices.Concat(r.Items, r.Kept) {
				if !yield(item) {
					return
				}
			}
		}
		for _, stream := range slices.Sorted(maps.Keys(sel.Identities)) {
			for _, item := range sel.Identities[stream] {
				if item.Stream = stream; !item.Same && !yield(item) {
					return
				}
			}
		}
	}
}

// hideAgain hides documents that were hidden during the push: the requests of push and hide may
// have reached the sink in any order.
func hideAgain(ctx context.Context, p *component.Pipeline, store *baseline.Store, sel *component.Selection) error {
	now, err := baseline.HiddenNow(store, component.HostsOf(p.Model))
	if err != nil {
		return err
	}
	for _, r := range sel.Records {
		for _, item := range slices.Concat(r.Items, r.Kept) {
			if s, _ := p.Stream(item.Stream); !s.Permissions || !now.HasID(item.Ref, item.ID) {
				continue
			}
			hider, can := p.Sink.(component.Hider)
			if !can {
				return fault.Errorf(fault.Fatal, "", "%s was hidden while it was pushed, and the sink cannot hide single items",
					r.Ref)
			}
			_, failed := hider.Hide(ctx, item.ID, []string{item.Type})
			err = errors.Join(err, failed,
				fault.Errorf(fault.Permanent, "pipe hide --unhide allows it again",
					"%s was hidden while it was pushed, and was removed again", r.Ref))
		}
	}
	return err
}

// unsendable returns a refusal when a part of the selection would not be delivered.
func unsendable(sink component.Sink, sel *component.Selection) *fault.Refusal {
	var table []string
	for _, r := range sel.Records {
		why := r.Undelivered()
		for _, item := range r.Items {
			why = cmp.Or(why, duplicateID(sink, item))
		}
		if why != "" {
			table = append(table, r.Ref+": "+why)
		}
	}
	if len(table) == 0 {
		return nil
	}
	return &fault.Refusal{Guard: guard.Push,
		Reason: fmt.Sprintf("%d of %d records would not be delivered; nothing was sent",
			len(table), len(sel.Records)),
		Table:  table,
		Remedy: "leave them out, or correct the source, the mapping or the rules"}
}

// pushWidens returns a refusal when more documents would be found by more people than max_widen
// allows in a run (invariant 5).
func pushWidens(sel *component.Selection, limit component.Bound) *fault.Refusal {
	var table []string
	for _, r := range sel.Records {
		for _, item := range slices.Concat(r.Items, r.Kept) {
			if item.Wider {
				table = append(table, fmt.Sprintf("%s: for %s, rule %s", r.Ref, item.Audience, item.Rule))
			}
		}
	}
	if !limit.Exceeded(len(table), sel.Before) {
		return nil
	}
	return &fault.Refusal{Guard: guard.MaxWiden,
		Reason: fmt.Sprintf("%d of %s documents would be found by more people (%s)", len(table), display.Number(sel.Before),
			guard.LimitText(limit, len(table), sel.Before)), Table: table,
		Remedy: "if this is intended, publish it with pipe run, which can be approved"}
}

// duplicateID returns why an item may have the id of another record; "" when it cannot: only
// some records are read. No other record has an id that equals this ref.
func duplicateID(sink component.Sink, i component.SelectedItem) string {
	switch {
	case i.Other != "":
		return fmt.Sprintf("its id %s is also the id of %s in the last run", i.ID, i.Other)
	case !i.Known && i.ID != sink.RefID(i.Ref):
		return fmt.Sprintf("its id %s is not its ref, and no earlier run delivered it with that id: another "+
			"record may have the same id, which only a run can detect", i.ID)
	}
	return ""
}
