package read

import (
	"context"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/stage"
)

// step is what is done with a batch: work in a worker, then commit with the results in the
// order of the batches.
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
	for _, host := range res.reread {
		a.attachments.spoil(host)
	}
	for _, e := range res.ends {
		switch {
		case e.err != nil:
			a.refuse(e.stream, e.ref)
			a.ledger.reject(e.stream, e.ref, e.err)
		case e.stream != "":
			a.ledger.endItem(e.stream, e.ref, e.ending, e.reason)
			if e.ending == component.Withheld {
				s, _ := a.p.Stream(e.stream)
				if _, attached := a.chain.hostOf(e.ref); s.Permissions && !attached {
					a.chain.hosts.withhold(e.ref, e.decided)
				}
				if err := a.stage.Withhold(e.stream, e.ref, e.id, e.decided); err != nil {
					return err
				}
			}
		default:
			a.ledger.end(e.ref, e.ending, e.reason)
		}
	}
	for _, s := range res.staged {
		kept, err := a.keep(s.stream, s.e)
		if err != nil {
			return err
		}
		d, _ := a.p.Stream(s.stream)
		host, attached := a.chain.hostOf(s.e.Ref)
		switch {
		case !kept:
			a.refuse(s.stream, s.e.Ref)
		case d.Permissions && attached:
			a.attachments.add(host)
		case d.Permissions:
			a.chain.hosts.deliver(s.e.Ref, s.permissions)
		}
	}
	return nil
}

// refuse records that a record, or one of its items, was rejected.
func (a *reading) refuse(stream, ref string) {
	if host, attached := a.chain.hostOf(ref); attached {
		a.attachments.spoil(host)
		return
	}
	if s, _ := a.p.Stream(stream); stream == "" || s.Permissions {
		a.chain.hosts.refuse(ref)
	}
}

// keep stages an item. It rejects it and returns false when an item with its ID is already
// staged.
func (a *reading) keep(stream string, e component.Encoded) (kept bool, err error) {
	other, err := a.stage.Put(stream, e, 1, a.ledger.Knows)
	if err != nil {
		return false, err
	}
	if other != "" {
		a.ledger.reject(stream, e.Ref, fault.Reject(fault.StageEncode, "id", "the id %q is already that of %s", e.ID, other))
		return false, nil
	}
	a.staged(stream, e)
	a.cuts.add(stream, &e)
	ending := component.Delivered
	if e.Kept {
		ending = component.Kept
	}
	a.ledger.endItem(stream, e.Ref, ending, "")
	return true, nil
}

func (a *reading) staged(stream string, e component.Encoded) {
	if o := component.Watching(a.watch, e.Ref); o != nil {
		o.Staged(stream, e)
	}
}
