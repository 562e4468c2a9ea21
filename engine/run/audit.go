package run

import (
	"fmt"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/audit"
	"github.com/pipe-engine/pipe/engine/component"
)

// audit writes into the ledger whose access this run has changed, before the baseline
// is replaced: what the ledger lacks the next run writes again. A sink that does not
// read back what it was sent has none.
func (r *run) audit(now time.Time) error {
	decoder, can := r.p.Sink.(component.Decoder)
	if !can {
		return nil
	}
	ledger := audit.Open(r.store.AuditFile())
	there, err := ledger.Exists()
	if err != nil {
		return fmt.Errorf("write the audit ledger: %w", err)
	}
	event := audit.Event{Kind: "run", Run: r.o.RunID, At: now, Pipeline: r.p.Name, File: r.o.FileHash, By: r.o.By}
	for _, id := range r.reviewer.Used {
		used := audit.Used{ID: id, By: r.o.By}
		if a, err := r.store.Approval(id); err == nil {
			used.By = a.By
		}
		event.Approvals = append(event.Approvals, used)
	}
	w := ledger.Begin(event)
	for _, s := range r.plan.Streams {
		if declared, _ := r.p.Stream(s.Name); !declared.Permissions && !s.Own {
			continue
		}
		if err := r.auditStream(w, s, decoder, !there); err != nil {
			return err
		}
	}
	if there {
		if err := r.auditGone(w); err != nil {
			return err
		}
	}
	if err := w.Commit(); err != nil {
		return fmt.Errorf("write the audit ledger: %w", err)
	}
	if err := ledger.Compact(now, audit.Keep); err != nil {
		return fmt.Errorf("drop old events of the audit ledger: %w", err)
	}
	return nil
}

// auditStream notes the items of a stream whose access is new, or all of them.
func (r *run) auditStream(w *audit.Writer, s component.StreamPlan, decoder component.Decoder, all bool) error {
	told := map[string]bool{}
	for t, err := range r.staged.Tags(s.Name) {
		switch {
		case err != nil:
			return fmt.Errorf("read the stage: %w", err)
		case r.staged.WasRefused(s.Name, t.ID):
		case r.staged.WasHidden(s.Name, t.ID):
			w.Gone(s.Name, t.ID, t.Ref)
		case all || r.reviewer.Comparison.TellsAccess(s.Name, t):
			told[t.ID] = true
		}
	}
	if len(told) == 0 {
		return nil
	}
	for e, err := range s.Items {
		if err != nil {
			return fmt.Errorf("read the stage: %w", err)
		}
		if !told[e.ID] {
			continue
		}
		item, err := decoder.Decode(s.Name, e.Body)
		if err != nil {
			return fmt.Errorf("read %s of %s back: %w", e.ID, s.Name, err)
		}
		if s.Own {
			w.Group(audit.Group{Principal: component.GroupPrincipal(e.ID), Ref: e.Ref, Members: item.Principals})
			continue
		}
		w.Document(audit.Document{
			ID: e.ID, Stream: s.Name, Ref: e.Ref, Audience: e.Audience.String(), Rule: e.Rule, Principals: item.Principals,
			AllOf: item.AllOf,
		})
	}
	return nil
}

// auditGone notes what the last good run delivered and this one does not.
func (r *run) auditGone(w *audit.Writer) error {
	if r.last == nil {
		return nil
	}
	i := 0
	for e, err := range r.last.Entries() {
		if err != nil {
			return err
		}
		present := r.reviewer.Comparison.Present(i)
		i++
		s := r.plan.Stream(e.Stream)
		if s == nil || !e.Away.IsZero() || e.Audience == access.Nobody.String() || present {
			continue
		}
		switch id := e.KnownID(); {
		case id == "": // of an earlier version; it has never been in the ledger
		case s.Own:
			w.Group(audit.Group{Principal: component.GroupPrincipal(id), Ref: e.Ref})
		case e.Audience != "":
			w.Gone(e.Stream, id, e.Ref)
		}
	}
	return nil
}
