package run

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/audit"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/changes"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/guard"
)

// tighten sends the access that was narrowed by decision, when a guard has refused the run and
// the pipeline requests it. It returns the refusal: a tightening does not make a run good and
// changes no floor. A dry run only computes what it would send.
func (r *run) tighten(ctx context.Context, session component.Session, refusal error) error {
	var refused *fault.Refusal
	if r.p.OnRefusal != component.Tighten || !errors.As(refusal, &refused) {
		return refusal
	}
	if why := r.tightens(session, refused); why != "" {
		r.note("no access was narrowed: %s", why)
		return refusal
	}
	t, err := r.findTightening(session)
	if err != nil {
		r.note("no access was narrowed: %v", err)
		return refusal
	}
	r.report.Tightened = t
	if r.dry() || r.plan.Changes.Empty() {
		return refusal
	}
	if err := r.awaitHold(ctx); err != nil {
		return err
	}
	sent, err := r.sendTightening(ctx, session)
	if err != nil {
		t.Failed = err.Error()
	}
	unsent := func(ref string) bool { return !sent[ref] }
	t.Narrowed, t.Removed = slices.DeleteFunc(t.Narrowed, unsent), slices.DeleteFunc(t.Removed, unsent)
	return refusal
}

// tightens returns why a refused run sends nothing; "" when it may send.
func (r *run) tightens(session component.Session, refused *fault.Refusal) string {
	changer, can := session.(component.Changer)
	switch {
	case !can:
		return "the sink accepts only complete uploads"
	case r.store == nil:
		return "there is no state folder with the items of earlier runs"
	case r.last == nil:
		return "this state folder has no earlier run"
	case !guard.Tightens(refused):
		return "who could find what before is not certain"
	case r.last.Encoding != r.encoding():
		return "the sink's settings, or the way this version of pipe encodes items, changed"
	case len(r.held.Unfinished) > 0:
		return "an upload was started and not finished: " + display.List(r.held.Unfinished, display.Shown, ", ")
	}
	r.changer = changer
	return ""
}

func (r *run) findTightening(session component.Session) (*Tightened, error) {
	var err error
	if r.journal, err = r.store.Journal(r.reviewer.Comparison); err != nil {
		return nil, err
	}
	if r.journal.Damaged != "" {
		return nil, fmt.Errorf("the journal of sent items is damaged: %s", r.journal.Damaged)
	}
	if r.journal.Purged {
		return nil, errors.New("a purge was started and not finished")
	}
	var found *changes.Tightened
	in := r.changesInput()
	in.Attached = r.attached(session)
	if r.plan.Changes, found, err = changes.Tighten(in, r.reviewer.MayRemove); err != nil {
		return nil, err
	}
	r.plan.Only, r.plan.Tighten = true, true
	return &Tightened{Narrowed: found.Narrowed, Removed: found.Removed, TooMany: found.TooMany, Unsure: found.Unsure}, nil
}

// attached returns what this run decided about the hosts of attached items; nil when the model
// knows no attached items or the source was not read.
func (r *run) attached(session component.Session) *changes.Attached {
	if r.attachments == nil {
		return nil
	}
	hostOf := component.HostsOf(r.p.Model)
	keeper, can := session.(component.Keeper)
	return &changes.Attached{
		HostOf: hostOf,
		Denied: func(host string) bool { return r.attachments.Decision(host).Audience == access.Nobody },
		Keep: func(stream, ref, id, typ string) (e component.Encoded, kept bool, err error) {
			host, _ := hostOf(ref)
			now := r.attachments.Decision(host)
			if !can || now.Audience <= access.Nobody || r.hidden.HasID(ref, id) {
				return e, false, nil
			}
			e, err = keeper.Keep(&component.Item{Stream: stream, Ref: ref, Permissions: now}, id, typ)
			return e, err == nil && e.Audience > access.Nobody, err
		},
	}
}

// sendTightening returns the refs of the documents that the sink acknowledged.
func (r *run) sendTightening(ctx context.Context, session component.Session) (refs map[string]bool, err error) {
	if r.journalWriter, err = r.store.Begin(baseline.Tightening, r.o.RunID, r.o.clock.Now()); err != nil {
		return nil, err
	}
	if err := changes.Intend(r.plan.Changes, r.journalWriter); err != nil {
		return nil, err
	}
	r.report.Sent = true
	refs = map[string]bool{}
	told := map[[2]string]component.Change{}
	acknowledged := r.plan.Changes.Told
	r.plan.Changes.Told = func(ch component.Change) {
		acknowledged(ch)
		ch.Body = nil
		r.mu.Lock()
		told[[2]string{ch.Stream, ch.ID}], refs[ch.Ref] = ch, true
		r.mu.Unlock()
	}
	sendErr := fault.Cause(ctx, session.Publish(r.sending(ctx), r.plan))
	if err := r.auditTightening(told); err != nil {
		return refs, errors.Join(sendErr, err)
	}
	if sendErr != nil {
		return refs, sendErr
	}
	return refs, r.journalWriter.Done()
}

// auditTightening writes to the ledger which access the tightening has changed.
func (r *run) auditTightening(told map[[2]string]component.Change) error {
	decoder, can := r.p.Sink.(component.Decoder)
	ledger := audit.Open(r.store.State())
	there, err := ledger.Exists()
	if err != nil || !can || !there || len(told) == 0 {
		return err
	}
	w := ledger.Begin(audit.Event{Kind: "tighten", Run: r.o.RunID, At: r.o.clock.Now().UTC(), Pipeline: r.p.Name,
		File: r.o.FileHash, By: r.o.By})
	for ch, err := range r.plan.Changes.Each(component.Narrow) {
		if err != nil {
			return err
		}
		if _, is := told[[2]string{ch.Stream, ch.ID}]; !is {
			continue
		}
		if ch.Remove {
			w.Gone(ch.Stream, ch.ID, ch.Ref)
			continue
		}
		item, err := decoder.Decode(ch.Stream, ch.Body)
		if err != nil {
			return fmt.Errorf("read %s of %s back: %w", ch.ID, ch.Stream, err)
		}
		without := func(name string) bool { return ch.To.Audience == access.Listed && !ch.To.Has(name) }
		withoutSet := func(set []string) bool { return ch.To.Audience == access.Listed && !ch.To.HasAllOf(set) }
		w.Document(audit.Document{
			ID: ch.ID, Stream: ch.Stream, Ref: ch.Ref, Audience: ch.To.Audience.String(), Rule: ch.Rule,
			Principals: slices.DeleteFunc(item.Principals, without), AllOf: slices.DeleteFunc(item.AllOf, withoutSet),
		})
	}
	if err := w.Commit(); err != nil {
		return fmt.Errorf("write the audit ledger: %w", err)
	}
	return nil
}
