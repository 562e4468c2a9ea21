package operate

import (
	"fmt"
	"iter"
	"time"

	"github.com/pipe-engine/pipe/engine/audit"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
)

// audited appends an event of an operation outside a run to the audit ledger. Before the first
// run there is no ledger; that run writes everything.
func audited(store *baseline.Store, e audit.Event, fill func(w *audit.Writer) error) error {
	ledger := audit.Open(store.State())
	there, err := ledger.Exists()
	if err == nil && there {
		e.At = time.Now().UTC()
		w := ledger.Begin(e)
		if err = fill(w); err == nil {
			err = w.Commit()
		}
	}
	switch {
	case e.Kind == audit.Beginning:
		return ledger.Unusable(err)
	case err != nil:
		return fmt.Errorf("the change was made, but the audit ledger could not be written: %w", err)
	}
	return nil
}

// auditPush writes to the ledger the documents and the group members that a push sent, even if
// it failed; or, with the kind audit.Beginning, those that it is about to send.
func auditPush(kind string, store *baseline.Store, p *component.Pipeline, o SelectOptions,
	items iter.Seq[component.SelectedItem]) error {
	decoder, can := p.Sink.(component.Decoder)
	if !can {
		return nil
	}
	return audited(store, audit.Event{Kind: kind, Run: o.RunID, Pipeline: p.Name, By: o.By},
		func(w *audit.Writer) error {
			for item := range items {
				stored, err := decoder.Decode(item.Stream, item.Body)
				if err != nil {
					return err
				}
				switch s, declared := p.Stream(item.Stream); {
				case !declared:
					w.Group(audit.Group{Principal: component.GroupPrincipal(item.ID), Stream: item.Stream, Ref: item.Ref,
						Members: stored.Principals, Adds: true})
				case s.Permissions:
					w.Document(audit.Document{
						ID: item.ID, Stream: item.Stream, Ref: item.Ref, Audience: item.Audience.String(), Rule: item.Rule,
						Principals: stored.Principals, AllOf: stored.AllOf,
					})
				}
			}
			return nil
		})
}

// auditHide writes to the ledger the documents that were hidden, under every ID that they may
// have.
func auditHide(store *baseline.Store, p *component.Pipeline, o HideOptions, targets []*target) error {
	return audited(store, audit.Event{Kind: "hide", Run: o.RunID, Pipeline: p.Name, By: o.By},
		func(w *audit.Writer) error {
			for _, t := range targets {
				if t.Unknown && !o.KeepUnknown {
					continue
				}
				for _, s := range p.Streams {
					for _, id := range t.ids {
						if s.Permissions {
							w.Gone(s.Name, id, t.Ref)
						}
					}
				}
			}
			return nil
		})
}
