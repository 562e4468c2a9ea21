package engine

import (
	"context"
	"log/slog"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/stage"
)

// SelectOptions say which records are selected.
type SelectOptions struct {
	Refs  []string
	RunID string
	State string // the folder that remembers the last good run; "" for none
	Log   *slog.Logger
	Stop  <-chan struct{}
	// Hidden makes the items of hidden refs, too, as if they were not hidden.
	Hidden bool
}

// Select makes the items of a few records, and sends nothing. Everybody and
// every group is read, as decisions depend on them. Where the source can be asked
// for refs the records themselves and what they look up are asked for; else it
// is read whole. Either way the items are those of a run.
func Select(ctx context.Context, p *component.Pipeline, o SelectOptions) (*component.Selection, error) {
	s := &selection{wanted: map[string]bool{}, letters: map[string]component.DeadLetter{}, out: &component.Selection{Identities: map[string][]component.SelectedItem{}}}
	for _, ref := range o.Refs {
		s.wanted[ref] = true
	}
	quiet := *p
	quiet.Offline = true
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s.run = newRun(&quiet, Options{RunID: o.RunID, Until: Staged, State: o.State, Log: o.Log, Stop: o.Stop, Progress: noProgress{}, Output: s.collect, DeadLetters: s.letter})
	if source, can := p.Source.(component.Confirmer); can {
		few := newFew(ctx, p, source, o.Refs)
		quiet.Source, s.run.fetch, s.few = few, few.find, few
	}
	s.run.showHidden = o.Hidden
	defer s.run.shelf.Close()
	defer s.run.forgo()
	err := s.run.acts(ctx)
	if s.few != nil && s.few.failed() != nil {
		return nil, causeOf(ctx, s.few.failed())
	}
	if err != nil {
		return nil, err
	}
	for _, ref := range o.Refs {
		s.out.Records = append(s.out.Records, s.record(ref))
	}
	return s.out, nil
}

type selection struct {
	run     *run
	few     *few
	wanted  map[string]bool
	letters map[string]component.DeadLetter // of the wanted records
	items   []component.SelectedItem
	out     *component.Selection
}

func (s *selection) letter(d component.DeadLetter) error {
	if s.wanted[d.Ref] {
		s.letters[d.Ref] = d
	}
	return nil
}

// collect takes what it needs of the plan.
func (s *selection) collect(_ context.Context, plan *component.Plan) error {
	for _, stream := range plan.Streams {
		declared, known := s.run.p.Stream(stream.Name)
		identities := !known || declared.Identities
		for e, err := range stream.Items {
			if err != nil {
				return err
			}
			if !identities && !s.wanted[e.Ref] {
				continue
			}
			e.Body = slices.Clone(e.Body)
			item := component.SelectedItem{Stream: stream.Name, Encoded: e}
			if identities {
				s.out.Identities[stream.Name] = append(s.out.Identities[stream.Name], item)
			} else {
				s.items = append(s.items, item)
			}
		}
	}
	return s.compare()
}

// compare marks what the last good run delivered as it is.
func (s *selection) compare() error {
	if s.run.last == nil {
		return nil
	}
	type key struct {
		stream      string
		id, content uint64
	}
	delivered := map[key]bool{}
	owners := map[key][]*component.SelectedItem{}
	for i, item := range s.items {
		k := key{stream: item.Stream, id: codec.Hash([]byte(item.ID))}
		owners[k] = append(owners[k], &s.items[i])
	}
	tags, err := s.tags()
	if err != nil {
		return err
	}
	for e, err := range s.run.last.Entries() {
		if err != nil {
			return err
		}
		if e.Audience != "" && e.Away.IsZero() {
			s.out.Before++
		}
		for i, item := range s.items {
			if t, ok := tags[[2]string{item.Stream, item.ID}]; ok && e.Stream == item.Stream && (e.Ref == item.Ref || e.ID == codec.Hash([]byte(item.ID))) {
				old := access.Grant{Audience: access.ParseAudience(e.Audience), Names: e.Names}
				if old.Audience != access.Undecided && s.run.hidden.Has(e.Ref, e.ID) {
					old.Audience, old.Names = access.Nobody, nil
				}
				if t.WiderThan(old) && (old.Audience != access.Nobody || !s.run.hidden.Back(t.Ref, t.ID)) {
					s.items[i].Wider = true
				}
			}
		}
		if _, identities := s.out.Identities[e.Stream]; (identities || s.wanted[e.Ref]) && e.Audience != access.Nobody.String() {
			delivered[key{e.Stream, e.ID, e.Content}] = true
		}
		if e.Away.IsZero() {
			for _, item := range owners[key{stream: e.Stream, id: e.ID}] {
				if e.Ref == item.Ref {
					item.Known = true
				} else {
					item.Other = e.Ref
				}
			}
		}
	}
	mark := func(items []component.SelectedItem) {
		for i, item := range items {
			items[i].Same = delivered[key{item.Stream, codec.Hash([]byte(item.ID)), codec.Hash(item.Body)}]
		}
	}
	mark(s.items)
	for _, items := range s.out.Identities {
		mark(items)
	}
	return nil
}

// tags are what review would know of the wanted items with permissions.
func (s *selection) tags() (map[[2]string]stage.Tag, error) {
	out := map[[2]string]stage.Tag{}
	for _, item := range s.items {
		if d, _ := s.run.p.Stream(item.Stream); !d.Permissions {
			continue
		}
		for t, err := range s.run.shelf.Tags(item.Stream) {
			if err != nil {
				return nil, err
			}
			if s.wanted[t.Ref] {
				out[[2]string{item.Stream, t.ID}] = t
			}
		}
	}
	return out, nil
}

func (s *selection) record(ref string) component.Selected {
	out := component.Selected{Ref: ref, Found: s.run.ledger.Knows(ref)}
	out.Ending, out.Reason = s.run.ledger.Fate(ref)
	if d, rejected := s.letters[ref]; rejected {
		out.Reason = d.Stage + ": " + d.Reason
		if d.Field != "" {
			out.Reason = d.Stage + " " + d.Field + ": " + d.Reason
		}
	}
	for _, item := range s.items {
		if item.Ref == ref {
			out.Items = append(out.Items, item)
		}
	}
	return out
}
