package operate

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/stage"
	"github.com/pipe-engine/pipe/engine/state"
)

// SelectOptions are the options of Select.
type SelectOptions struct {
	Refs  []string
	RunID string
	By    string      // the user
	State state.Store // nil for none
	Log   *slog.Logger
	Stop  <-chan struct{}
	// Hidden also makes the items of hidden refs.
	Hidden bool
}

// Select makes the items of a few records and sends nothing. It reads all users and groups,
// because decisions depend on them. If the source can look up refs, only the records themselves
// and those that they look up are read; otherwise the whole source is read. The items are the
// same as those of a run.
func Select(ctx context.Context, p *component.Pipeline, o SelectOptions) (*component.Selection, error) {
	s := &selection{wanted: map[string]bool{}, deadLetters: map[string]component.DeadLetter{},
		out: &component.Selection{Identities: map[string][]component.SelectedItem{}}}
	for _, ref := range o.Refs {
		s.wanted[ref] = true
	}
	options := run.StageOptions{RunID: o.RunID, State: o.State, Follow: o.Refs, DeadLetters: s.deadLetter, Log: o.Log,
		Stop: o.Stop}
	if o.Hidden {
		options.Hidden = &baseline.Hiding{}
	}
	var few *subset
	if source, can := p.Source.(component.Confirmer); can {
		part := *p
		few = newSubset(ctx, p, source, o.Refs)
		part.Source, options.Fetch = few, few.find
		p = &part
	}
	err := run.Stage(ctx, p, options, func(_ context.Context, staged *run.Staged) error {
		return s.collect(staged, o.Refs)
	})
	if few != nil && few.failed() != nil {
		return nil, fault.Cause(ctx, few.failed())
	}
	if err != nil {
		return nil, err
	}
	return s.out, nil
}

type selection struct {
	staged      *run.Staged
	wanted      map[string]bool
	deadLetters map[string]component.DeadLetter // of the wanted records
	items       []component.SelectedItem
	out         *component.Selection
}

func (s *selection) deadLetter(d component.DeadLetter) error {
	if s.wanted[d.Ref] {
		s.deadLetters[d.Ref] = d
	}
	return nil
}

// collect selects the items of the refs and of all identities.
func (s *selection) collect(staged *run.Staged, refs []string) error {
	s.staged = staged
	for _, stream := range staged.Plan.Streams {
		declared, known := staged.Pipeline.Stream(stream.Name)
		identities := !known || declared.Identities
		var grant access.Grant
		for e, err := range staged.Stage.Chosen(stream.Name, func(t stage.Tag) bool {
			grant = t.Grant
			return identities || s.wanted[t.Ref] || t.Kept
		}) {
			if err != nil {
				return err
			}
			e.Body = slices.Clone(e.Body)
			item := component.SelectedItem{Stream: stream.Name, Encoded: e, Grant: grant}
			if identities {
				s.out.Identities[stream.Name] = append(s.out.Identities[stream.Name], item)
			} else {
				s.items = append(s.items, item)
			}
		}
	}
	if err := s.compare(); err != nil {
		return err
	}
	for _, ref := range refs {
		s.out.Records = append(s.out.Records, s.record(ref))
	}
	return nil
}

// compare marks the items that the last good run delivered unchanged.
func (s *selection) compare() error {
	if s.staged.Last == nil {
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
	now := time.Now()
	for e, err := range s.staged.Last.Entries() {
		if err != nil {
			return err
		}
		if e.Audience != "" && e.Away.IsZero() {
			s.out.Before++
		}
		for i, item := range s.items {
			if t, ok := tags[[2]string{item.Stream, item.ID}]; ok && e.Stream == item.Stream &&
				(e.Ref == item.Ref || e.ID == codec.Hash([]byte(item.ID))) {
				old := e.Accepted(now)
				if t.WiderThan(old) && (old.Audience != access.Nobody || !s.staged.Hidden.Back(t.Ref, t.ID)) {
					s.items[i].Wider = true
				}
			}
		}
		if _, identities := s.out.Identities[e.Stream]; (identities || s.wanted[e.Ref]) &&
			e.Audience != access.Nobody.String() {
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

// tags returns the tags of the selected items with permissions.
func (s *selection) tags() (map[[2]string]stage.Tag, error) {
	out := map[[2]string]stage.Tag{}
	for _, item := range s.items {
		if d, _ := s.staged.Pipeline.Stream(item.Stream); !d.Permissions {
			continue
		}
		for t, err := range s.staged.Stage.Tags(item.Stream) {
			if err != nil {
				return nil, err
			}
			if s.wanted[t.Ref] || t.Kept {
				out[[2]string{item.Stream, t.ID}] = t
			}
		}
	}
	return out, nil
}

func (s *selection) record(ref string) component.Selected {
	out := component.Selected{Ref: ref, Found: s.staged.Records.Knows(ref)}
	out.Ending, out.Reason = s.staged.Records.Fate(ref)
	if d, rejected := s.deadLetters[ref]; rejected {
		out.Reason = string(d.Stage) + ": " + d.Reason
		if d.Field != "" {
			out.Reason = string(d.Stage) + " " + d.Field + ": " + d.Reason
		}
	}
	for _, item := range s.items {
		switch host, attached := component.HostsOf(s.staged.Pipeline.Model)(item.Ref); {
		case item.Ref == ref:
			out.Items = append(out.Items, item)
		case attached && host == ref && item.Kept:
			out.Kept = append(out.Kept, item)
		}
	}
	return out
}
