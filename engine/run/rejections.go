package run

import (
	"slices"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// refuse takes back a staged item that the sink refused. A refused item is a loss like any
// other: the guards check again (invariant 4).
func (r *run) refuse(stream string, e component.Encoded, reason string) error {
	n, err := r.takeBack(stream, e)
	if err != nil {
		return err
	}
	r.ledger.RejectLate(stream, e.Ref, fault.Reject(fault.StagePublish, "", "%s", reason))
	planned := r.plan.Stream(stream).Count
	l := r.p.Limits
	within := n < planned && !l.MaxRejected.Exceeded(r.ledger.Ended(component.Rejected), r.ledger.Total()) &&
		!l.MaxLoss.Exceeded(n, planned)
	r.mu.Lock()
	within = within && r.reviewer.MaxLoss(r.plan, r.held, r.reviewer.Cover) == nil
	r.mu.Unlock()
	if within {
		return nil
	}
	return fault.Errorf(fault.Fatal,
		"correct what the rejections name and run again; the upload was left unfinished, so nothing was deleted",
		"the sink refused %d of %d %s, more than the guards allow: %s", n, planned, stream, reason)
}

// takeBack counts a refused item, and the items that the session derived from the same record:
// a refused group has no members. It returns how many items of the stream were refused so far.
func (r *run) takeBack(stream string, e component.Encoded) (n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	refused := r.reviewer.Refused
	refused[[2]string{stream}]++
	if e.Type != "" {
		refused[[2]string{stream, e.Type}]++
	}
	r.staged.Refuse(stream, e)
	if d, _ := r.p.Stream(stream); d.Identities {
		for _, s := range r.plan.Streams {
			if !s.Own {
				continue
			}
			for t, err := range r.staged.Tags(s.Name) {
				if err != nil {
					return 0, err
				}
				if t.Ref == e.Ref {
					refused[[2]string{s.Name}] += len(t.Names)
					r.staged.Refuse(s.Name, component.Encoded{ID: t.ID, Type: t.Type})
				}
			}
		}
	}
	return refused[[2]string{stream}], nil
}

// refusedPrincipal implements Plan.Refused.
func (r *run) refusedPrincipal(principal string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refusedNames == nil {
		r.refusedNames = map[uint64]bool{}
	}
	r.refusedNames[codec.Hash([]byte(principal))] = true
}

// dropRefused removes from the entry of a group what the sink refused: the group, or some of its
// members. It also removes the content hash, which makes the next run send the group again.
func (r *run) dropRefused(e *baseline.Entry, id string) {
	if len(r.refusedNames) == 0 {
		return
	}
	group := r.refusedNames[codec.Hash([]byte(component.GroupPrincipal(id)))]
	refused := func(name uint64) bool { return group || r.refusedNames[name] }
	if group || slices.ContainsFunc(e.Names, refused) {
		e.Names = slices.DeleteFunc(slices.Clone(e.Names), refused)
		e.Content, e.Substance = 0, 0
	}
}
