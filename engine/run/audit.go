package run

import (
	"cmp"
	"fmt"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/audit"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/stage"
)

// auditBegin writes to the ledger which access this run is about to change, before anything is
// sent. There is no ledger for a sink that cannot decode its items.
func (r *run) auditBegin(now time.Time) (err error) {
	decoder, can := r.p.Sink.(component.Decoder)
	if !can || r.store == nil {
		return nil
	}
	ledger := audit.Open(r.store.State())
	defer func() { err = ledger.Unusable(err) }()
	a := &auditing{r: r, decoder: decoder, withheld: map[audit.Key]bool{}}
	if r.last != nil {
		if a.since, a.compared, err = ledger.Since(r.last.Run); err != nil {
			return fmt.Errorf("read the audit ledger: %w", err)
		}
	}
	a.w = ledger.Begin(a.event(audit.Beginning, now))
	for _, s := range r.plan.Streams {
		if !a.covers(s) {
			continue
		}
		if err := a.stream(s); err != nil {
			return err
		}
	}
	if a.compared {
		if err := a.writeMissing(); err != nil {
			return err
		}
	}
	if err := a.w.Commit(); err != nil {
		return fmt.Errorf("write the audit ledger: %w", err)
	}
	r.auditing = a
	return nil
}

// auditEnd writes to the ledger that everything that auditBegin announced was sent, except for
// items that were withheld since.
func (r *run) auditEnd(now time.Time) error {
	a := r.auditing
	if a == nil {
		return nil
	}
	ledger := audit.Open(r.store.State())
	a.w = ledger.Begin(a.event("run", now))
	for _, s := range r.plan.Streams {
		if !a.covers(s) {
			continue
		}
		for t, err := range r.staged.Tags(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			if a.kept(s, t.ID) && !a.withheld[key(s, t.ID)] {
				a.writeGone(s, t.ID, t.Ref)
			}
		}
	}
	if err := a.w.Commit(); err != nil {
		return fmt.Errorf("write the audit ledger: %w", err)
	}
	if err := ledger.Compact(now, cmp.Or(r.p.KeepAudit, audit.Keep)); err != nil {
		return fmt.Errorf("drop old events of the audit ledger: %w", err)
	}
	return nil
}

// auditing writes the events of a run to the ledger.
type auditing struct {
	r       *run
	decoder component.Decoder
	w       *audit.Writer
	// compared reports whether the ledger has the event of the last good run, in which case
	// only differences from it are written. Otherwise the event contains everything that the
	// run sends, and the ledger forgets the earlier state of these streams.
	compared bool
	// since is what pushes and hides changed after the last good run, and what later runs began
	// to send.
	since audit.Since
	// withheld are the items of the stage that auditBegin lists with an empty audience.
	withheld map[audit.Key]bool
}

func (a *auditing) event(kind string, now time.Time) audit.Event {
	e := audit.Event{Kind: kind, Run: a.r.o.RunID, At: now, Pipeline: a.r.p.Name, File: a.r.o.FileHash, By: a.r.o.By}
	for _, id := range a.r.reviewer.Used {
		used := audit.Used{ID: id, By: a.r.o.By}
		if approval, err := a.r.store.Approval(id); err == nil {
			used.By, used.Alone = approval.By, approval.Alone
			for _, o := range approval.Others {
				used.Others = append(used.Others, o.By)
			}
		}
		e.Approvals = append(e.Approvals, used)
	}
	if !a.compared {
		for _, s := range a.r.plan.Streams {
			if a.covers(s) {
				e.Whole = append(e.Whole, s.Name)
			}
		}
	}
	return e
}

// covers reports whether the ledger covers a stream: documents with permissions, or the members
// of groups.
func (a *auditing) covers(s component.StreamPlan) bool {
	declared, _ := a.r.p.Stream(s.Name)
	return declared.Permissions || s.Own
}

// key returns the key of an item in the ledger.
func key(s component.StreamPlan, id string) audit.Key {
	if s.Own {
		id = component.GroupPrincipal(id)
	}
	return audit.Key{Stream: s.Name, ID: id}
}

// stream writes the items of a stream whose access changed, or all of them.
func (a *auditing) stream(s component.StreamPlan) error {
	told := map[string]bool{}
	for t, err := range a.r.staged.Tags(s.Name) {
		if err != nil {
			return fmt.Errorf("read the stage: %w", err)
		}
		k := key(s, t.ID)
		changed := !a.compared || a.changed(k)
		switch {
		case a.kept(s, t.ID):
			a.withheld[k] = true
			a.writeGone(s, t.ID, t.Ref)
		case changed || a.r.reviewer.Comparison.ChangesAccess(s.Name, t):
			told[t.ID] = true
		}
		delete(a.since.Documents, k)
		delete(a.since.Groups, k)
	}
	if len(told) == 0 {
		return nil
	}
	for e, err := range a.r.staged.Chosen(s.Name, func(t stage.Tag) bool { return told[t.ID] }) {
		if err != nil {
			return fmt.Errorf("read the stage: %w", err)
		}
		item, err := a.decoder.Decode(s.Name, e.Body)
		if err != nil {
			return fmt.Errorf("read %s of %s back: %w", e.ID, s.Name, err)
		}
		if s.Own {
			a.w.Group(audit.Group{Principal: component.GroupPrincipal(e.ID), Stream: s.Name, Ref: e.Ref,
				Members: item.Principals})
			continue
		}
		a.w.Document(audit.Document{
			ID: e.ID, Stream: s.Name, Ref: e.Ref, Audience: e.Audience.String(), Rule: e.Rule, Principals: item.Principals,
			AllOf: item.AllOf,
		})
	}
	return nil
}

// kept reports whether an item of the stage is not sent because it is hidden or was refused by
// the sink.
func (a *auditing) kept(s component.StreamPlan, id string) bool {
	return a.r.staged.WasHidden(s.Name, id) || a.r.staged.WasRefused(s.Name, id)
}

// changed reports whether a push or a hide changed an item since the last good run.
func (a *auditing) changed(k audit.Key) bool {
	_, document := a.since.Documents[k]
	_, group := a.since.Groups[k]
	return document || group
}

// writeGone writes that no one finds a document any more, or that a group has no members.
func (a *auditing) writeGone(s component.StreamPlan, id, ref string) {
	if s.Own {
		a.w.Group(audit.Group{Principal: component.GroupPrincipal(id), Stream: s.Name, Ref: ref})
	} else {
		a.w.Gone(s.Name, id, ref)
	}
}

// writeMissing writes the items that the last good run or a later push sent and this run does not.
func (a *auditing) writeMissing() error {
	i := 0
	for e, err := range a.r.last.Entries() {
		if err != nil {
			return err
		}
		present := a.r.reviewer.Comparison.Present(i)
		i++
		s := a.r.plan.Stream(e.Stream)
		if s == nil || !e.Away.IsZero() || e.Audience == access.Nobody.String() || present || !a.covers(*s) {
			continue
		}
		if id := e.KnownID(); id != "" { // an entry without it is from an earlier version, which wrote no ledger
			a.writeGone(*s, id, e.Ref)
			delete(a.since.Documents, key(*s, id))
			delete(a.since.Groups, key(*s, id))
		}
	}
	for k, ref := range a.since.Documents {
		if a.r.plan.Stream(k.Stream) != nil {
			a.w.Gone(k.Stream, k.ID, ref)
		}
	}
	for k, ref := range a.since.Groups {
		if a.r.plan.Stream(k.Stream) != nil {
			a.w.Group(audit.Group{Principal: k.ID, Stream: k.Stream, Ref: ref})
		}
	}
	return nil
}
