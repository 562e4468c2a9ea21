package read

import (
	"context"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/stage"
)

// step is what a line does with a batch in a worker, and what it does with the
// results in the order of the batches.
type step struct {
	work   work
	commit func(*result) error
}

// work maps, decides and encodes a batch in a worker.
type work func(ctx context.Context, w *component.Worker, batch []*component.Record) (*result, error)

func (a *reading) stepIdentities(later *stage.SpillBuffer) step {
	return step{work: a.chain.identities, commit: func(res *result) error {
		for _, r := range res.later {
			if err := later.Add(r); err != nil {
				return err
			}
		}
		return a.commit(res)
	}}
}

func (a *reading) stepOthers(do work) step { return step{work: do, commit: a.commit} }

func (a *reading) commit(res *result) error {
	for _, e := range res.ends {
		switch {
		case e.err != nil:
			a.ledger.reject(e.stream, e.ref, e.err)
		case e.stream != "":
			a.ledger.endItem(e.stream, e.ref, e.ending, e.reason)
			if e.ending == component.Withheld {
				if err := a.stage.Withhold(e.stream, e.ref, e.id); err != nil {
					return err
				}
			}
		default:
			a.ledger.end(e.ref, e.ending, e.reason)
		}
	}
	for _, s := range res.staged {
		if err := a.keep(s.stream, s.e); err != nil {
			return err
		}
	}
	return nil
}

// keep stages an item, unless one with its ID is staged already.
func (a *reading) keep(stream string, e component.Encoded) error {
	other, err := a.stage.Put(stream, e, 1, a.ledger.Knows)
	if err != nil {
		return err
	}
	if other != "" {
		a.ledger.reject(stream, e.Ref, fault.Reject(fault.StageEncode, "id", "the id %q is already that of %s", e.ID, other))
		return nil
	}
	a.staged(stream, e)
	a.cuts.add(stream, &e)
	a.ledger.endItem(stream, e.Ref, component.Delivered, "")
	return nil
}

func (a *reading) staged(stream string, e component.Encoded) {
	if o := component.Watching(a.watch, e.Ref); o != nil {
		o.Staged(stream, e)
	}
}

// outlet takes the identities that the session seals.
type outlet struct{ a *reading }

func (o outlet) Keep(stream string, e component.Encoded) error {
	e.Content = codec.Hash(e.Body)
	if _, declared := o.a.p.Stream(stream); !declared {
		other, err := o.a.stage.Put(stream, e, len(e.Principals), func(string) bool { return false })
		if err == nil && other != "" {
			err = fault.Errorf(fault.Permanent, "", "the sink staged %q twice in %s: this is a defect of pipe", e.ID, stream)
		}
		o.a.staged(stream, e)
		return err
	}
	if watch := component.Watching(o.a.watch, e.Ref); watch != nil {
		watch.Named(e.Ref, e.Principal)
	}
	if why := o.a.p.Unwritten(stream); why != "" {
		o.a.ledger.endItem(stream, e.Ref, component.Filtered, why)
		return nil
	}
	return o.a.keep(stream, e)
}

func (o outlet) End(stream, ref string, ending component.Ending, reason string) {
	if why := o.a.p.Unwritten(stream); why != "" {
		ending, reason = component.Filtered, why
	}
	if ending == component.Rejected {
		o.a.ledger.reject(stream, ref, fault.Reject(fault.StageEncode, "", "%s", reason))
		return
	}
	o.a.ledger.endItem(stream, ref, ending, reason)
}

func (o outlet) Note(format string, args ...any) { o.a.note(format, args...) }
