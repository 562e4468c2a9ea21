package audit

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/pipe-engine/pipe/engine/codec"
)

// State is what had been sent at a time.
type State struct {
	// Events are the events up to then, in order, without the beginnings.
	Events []Event
	// Begun are the beginnings of runs and pushes that had not ended or have failed: what they
	// list may have been sent.
	Begun []Event
	// Next is the first event after that time; nil when there is none.
	Next      *Event
	documents map[[2]string]told
	groups    map[string]toldGroup
	pending   []*pending // of Begun, in the same order
	all       []Event    // Events and the beginnings
}

// told is a document and the index in State.all of the event that sent it.
type told struct {
	Document
	event int
}

// toldGroup is a group and the index of the event that sent it.
type toldGroup struct {
	Group
	event int
}

// pending is what a beginning lists and no later event confirms or replaces.
type pending struct {
	Event
	event     int // index in State.all
	documents map[[2]string]Document
	groups    map[string]Group
}

// apply applies the next event.
func (s *State) apply(e Event, lines []byte) error {
	s.all = append(s.all, e)
	if e.Kind == Beginning {
		p := &pending{Event: e, event: len(s.all) - 1, documents: map[[2]string]Document{}, groups: map[string]Group{}}
		s.pending, s.Begun = append(s.pending, p), append(s.Begun, e)
		return eachLine(lines, func(d Document) { p.documents[d.key()] = d }, func(g Group) { p.groups[g.Principal] = g })
	}
	s.Events = append(s.Events, e)
	if e.Kind == "purge" {
		clear(s.documents)
		clear(s.groups)
		s.pending = nil
	}
	begun := s.begun(e)
	if begun == nil {
		s.forget(e.Whole, len(s.all)-1)
	} else {
		s.forget(begun.Whole, begun.event)
		for _, d := range begun.documents {
			s.document(d)
		}
		for _, g := range begun.groups {
			s.group(g)
		}
	}
	err := eachLine(lines, s.document, s.group)
	s.pending = slices.DeleteFunc(s.pending, func(p *pending) bool { return len(p.documents)+len(p.groups) == 0 })
	s.Begun = nil
	for _, p := range s.pending {
		s.Begun = append(s.Begun, p.Event)
	}
	return err
}

// begun removes and returns the pending beginning of a run that has ended; nil when it has
// none.
func (s *State) begun(e Event) *pending {
	i := slices.IndexFunc(s.pending, func(p *pending) bool { return e.Kind == "run" && p.Run == e.Run })
	if i < 0 {
		return nil
	}
	p := s.pending[i]
	s.pending = slices.Delete(s.pending, i, i+1)
	return p
}

// forget drops what was sent for some streams before an event.
func (s *State) forget(streams []string, before int) {
	if len(streams) == 0 {
		return
	}
	maps.DeleteFunc(s.documents, func(_ [2]string, d told) bool {
		return d.event < before && slices.Contains(streams, d.Stream)
	})
	maps.DeleteFunc(s.groups, func(_ string, g toldGroup) bool {
		return g.event < before && slices.Contains(streams, g.Stream)
	})
	for _, p := range s.pending {
		if p.event < before {
			maps.DeleteFunc(p.documents, func(_ [2]string, d Document) bool { return slices.Contains(streams, d.Stream) })
			maps.DeleteFunc(p.groups, func(_ string, g Group) bool { return slices.Contains(streams, g.Stream) })
		}
	}
}

// document applies a document of the latest event.
func (s *State) document(d Document) {
	s.documents[d.key()] = told{d, len(s.all) - 1}
	for _, p := range s.pending {
		delete(p.documents, d.key())
	}
}

// group applies a group of the latest event.
func (s *State) group(g Group) {
	for _, p := range s.pending {
		if !g.Adds || p.Run == s.all[len(s.all)-1].Run {
			delete(p.groups, g.Principal)
		}
	}
	if g.Adds {
		g = added(s.groups[g.Principal].Group, g)
	}
	s.groups[g.Principal] = toldGroup{g, len(s.all) - 1}
}

// added returns a group with the members that another one adds.
func added(to, g Group) Group {
	g.Members, g.Adds = slices.Concat(to.Members, g.Members), false
	slices.Sort(g.Members)
	g.Members = slices.Compact(g.Members)
	return g
}

func (d Document) key() [2]string { return [2]string{d.Stream, d.ID} }

// eachLine parses the lines of an event after the first one.
func eachLine(lines []byte, document func(Document), group func(Group)) error {
	for line := range bytes.Lines(lines) {
		if bytes.HasPrefix(line, []byte(`{"group":`)) {
			var g Group
			if err := codec.Unmarshal(line, &g); err != nil {
				return fmt.Errorf("read a group of the ledger: %w", err)
			}
			group(g)
			continue
		}
		var d Document
		if err := codec.Unmarshal(line, &d); err != nil {
			return fmt.Errorf("read a document of the ledger: %w", err)
		}
		document(d)
	}
	return nil
}
