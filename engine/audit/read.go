package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/codec"
)

// blocks calls visit with the lines of each block before its last one, its whole text,
// and its checksum, which has been verified.
func blocks(r io.Reader, visit func(lines, text []byte, sum string) error) error {
	path := ""
	if f, ok := r.(*os.File); ok {
		path = f.Name()
	}
	in := bufio.NewReaderSize(r, 1<<16)
	var text []byte
	before, n := "", 0
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			if len(text)+len(line) > 0 {
				return &unfinishedError{n + 1}
			}
			return nil
		}
		if err != nil {
			return err
		}
		n++
		if !bytes.HasPrefix(line, []byte(`{"end":`)) {
			text = append(text, line...)
			continue
		}
		var e end
		if codec.Unmarshal(line, &e) != nil || e.Sum != sumOf(before, text) {
			return &DamagedError{path, n}
		}
		if err := visit(text, append(bytes.Clone(text), line...), e.Sum); err != nil {
			return err
		}
		before, text = e.Sum, text[:0]
	}
}

// State is what the sink had been told at a time.
type State struct {
	// Events are those up to then, in their order, without the beginnings.
	Events []Event
	// Begun are the beginnings of runs and pushes that had not ended, or have failed: what
	// they were to tell may have been told.
	Begun []Event
	// Next is the first event after it; nil when there is none.
	Next      *Event
	documents map[[2]string]told
	groups    map[string]toldGroup
	pending   []*pending // of Begun, in the same order
	all       []Event    // Events and the beginnings
}

// told is a document and the event that said so, as an index of State.all.
type told struct {
	Document
	event int
}

// toldGroup is a group and the event that said so.
type toldGroup struct {
	Group
	event int
}

// pending is what a beginning was to tell and no later event has said.
type pending struct {
	Event
	event     int // its index in State.all
	documents map[[2]string]Document
	groups    map[string]Group
}

// At returns what the sink had been told at a time, the zero time for now.
func (l *Ledger) At(at time.Time) (*State, error) {
	f, err := atomicfile.Open(l.path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := &State{documents: map[[2]string]told{}, groups: map[string]toldGroup{}}
	errLater := errors.New("later")
	err = blocks(f, func(lines, _ []byte, _ string) error {
		e, rest, err := eventOf(lines)
		if err != nil {
			return err
		}
		if !at.IsZero() && e.At.After(at) {
			s.Next = &e
			return errLater
		}
		return s.apply(e, rest)
	})
	var unfinished *unfinishedError
	if err != nil && !errors.Is(err, errLater) && !errors.As(err, &unfinished) {
		return nil, err
	}
	return s, nil
}

func eventOf(lines []byte) (e Event, rest []byte, err error) {
	first, rest, _ := bytes.Cut(lines, []byte("\n"))
	if err := codec.Unmarshal(first, &e); err != nil {
		return e, nil, fmt.Errorf("read an event of the ledger: %w", err)
	}
	return e, rest, nil
}

// apply goes on with an event.
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

// begun takes the beginning of a run that has ended from those that are pending; nil
// when it has none.
func (s *State) begun(e Event) *pending {
	i := slices.IndexFunc(s.pending, func(p *pending) bool { return e.Kind == "run" && p.Run == e.Run })
	if i < 0 {
		return nil
	}
	p := s.pending[i]
	s.pending = slices.Delete(s.pending, i, i+1)
	return p
}

// forget drops what was told of some streams before an event.
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

// document notes what the last event says of a document.
func (s *State) document(d Document) {
	s.documents[d.key()] = told{d, len(s.all) - 1}
	for _, p := range s.pending {
		delete(p.documents, d.key())
	}
}

// group notes what the last event says of a group.
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

// added is a group with the members that another adds.
func added(to, g Group) Group {
	g.Members, g.Adds = slices.Concat(to.Members, g.Members), false
	slices.Sort(g.Members)
	g.Members = slices.Compact(g.Members)
	return g
}

func (d Document) key() [2]string { return [2]string{d.Stream, d.ID} }

// eachLine reads the lines of an event behind its first.
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

// Answer is one document and what a question found about it.
type Answer struct {
	Document
	Event Event // that told the sink so
	// Perhaps means that it may have been so: Event began to tell it, and had not ended.
	Perhaps bool
	// People are the users of a listed document, with those of its groups, sorted.
	People []string
	// Through are, for a person, the principals of the document that let it in.
	Through []string
}

// Who tells who could find the documents of a ref. An answer is followed by those that
// say what else may have been so.
func (s *State) Who(ref string) []Answer {
	var out []Answer
	sure, perhaps := s.members(false), s.members(true)
	for _, d := range s.documents {
		if d.Ref != ref && d.ID != ref {
			continue
		}
		people := peopleOf(d.Document, sure)
		out = append(out, Answer{Document: d.Document, Event: s.all[d.event], People: people})
		if more := peopleOf(d.Document, perhaps); d.Audience == access.Listed.String() && len(more) > len(people) {
			out = append(out, Answer{Document: d.Document, Event: s.Begun[len(s.Begun)-1], Perhaps: true, People: more})
		}
	}
	for _, p := range s.pending {
		for _, d := range p.documents {
			if d.Ref == ref || d.ID == ref {
				out = append(out, Answer{Document: d, Event: p.Event, Perhaps: true, People: peopleOf(d, perhaps)})
			}
		}
	}
	sortAnswers(out)
	return out
}

// What tells which documents a person could find, as the principal of a user. Documents
// that every user finds are not listed but counted by their audience, unless it is not
// certain that they were told.
func (s *State) What(person string) (listed []Answer, open map[string]int) {
	open = map[string]int{}
	sure, perhaps := groupsOf(person, s.members(false)), groupsOf(person, s.members(true))
	for _, d := range s.documents {
		switch d.Audience {
		case access.AllUsers.String(), access.DatasourceUsers.String():
			open[d.Audience]++
		case access.Listed.String():
			if in := through(d.Document, person, sure); in != nil {
				listed = append(listed, Answer{Document: d.Document, Event: s.all[d.event], Through: in})
			} else if in := through(d.Document, person, perhaps); in != nil {
				listed = append(listed, Answer{Document: d.Document, Event: s.Begun[len(s.Begun)-1], Perhaps: true, Through: in})
			}
		}
	}
	for _, p := range s.pending {
		for _, d := range p.documents {
			in := through(d, person, perhaps)
			if in != nil || d.Audience == access.AllUsers.String() || d.Audience == access.DatasourceUsers.String() {
				listed = append(listed, Answer{Document: d, Event: p.Event, Perhaps: true, Through: in})
			}
		}
	}
	sortAnswers(listed)
	return listed, open
}

// Names reports whether a document or a group names a user.
func (s *State) Names(user string) bool {
	for _, d := range s.documents {
		if slices.Contains(d.Principals, user) {
			return true
		}
	}
	for _, p := range s.pending {
		for _, d := range p.documents {
			if slices.Contains(d.Principals, user) {
				return true
			}
		}
	}
	for _, members := range s.members(true) {
		if slices.Contains(members, user) {
			return true
		}
	}
	return false
}

// members are those of each group, by its principal; with perhaps also those that a
// group may have had.
func (s *State) members(perhaps bool) map[string][]string {
	out := make(map[string][]string, len(s.groups))
	for name, g := range s.groups {
		out[name] = g.Members
	}
	if perhaps {
		for _, p := range s.pending {
			for name, g := range p.groups {
				out[name] = slices.Concat(out[name], g.Members)
			}
		}
	}
	return out
}

func sortAnswers(all []Answer) {
	slices.SortStableFunc(all, func(a, b Answer) int {
		return cmp.Or(strings.Compare(a.Stream, b.Stream), strings.Compare(a.Ref, b.Ref), strings.Compare(a.ID, b.ID),
			order(a.Perhaps, b.Perhaps), a.Event.At.Compare(b.Event.At))
	})
}

// order puts what is certain first.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// through are the principals of a document that a person is, or is in.
func through(d Document, person string, in map[string]bool) (out []string) {
	for _, p := range d.Principals {
		if p == person || in[p] {
			out = append(out, p)
		}
	}
	for _, set := range d.AllOf {
		if !slices.ContainsFunc(set, func(g string) bool { return !in[g] }) {
			out = append(out, set...)
		}
	}
	return out
}

// peopleOf are the users who find a listed document, where groups have these members.
func peopleOf(d Document, members map[string][]string) []string {
	people := map[string]bool{}
	for _, p := range d.Principals {
		for user := range usersOf(p, members) {
			people[user] = true
		}
	}
	for _, set := range d.AllOf {
		var all map[string]bool
		for _, g := range set {
			of := usersOf(g, members)
			if all == nil {
				all = of
				continue
			}
			for user := range all {
				if !of[user] {
					delete(all, user)
				}
			}
		}
		for user := range all {
			people[user] = true
		}
	}
	out := make([]string, 0, len(people))
	for user := range people {
		out = append(out, user)
	}
	slices.Sort(out)
	return out
}

// usersOf are the users of a principal: the user itself, or those of a group and its
// subgroups.
func usersOf(principal string, members map[string][]string) map[string]bool {
	out, seen := map[string]bool{}, map[string]bool{}
	for todo := []string{principal}; len(todo) > 0; {
		p := todo[len(todo)-1]
		if todo = todo[:len(todo)-1]; seen[p] {
			continue
		}
		seen[p] = true
		if isGroup(p) {
			todo = append(todo, members[p]...)
		} else {
			out[p] = true
		}
	}
	return out
}

// groupsOf are the groups that a person is in, also through others.
func groupsOf(person string, members map[string][]string) map[string]bool {
	parents := map[string][]string{}
	for group, all := range members {
		for _, m := range all {
			parents[m] = append(parents[m], group)
		}
	}
	in := map[string]bool{}
	for todo := []string{person}; len(todo) > 0; {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, g := range parents[p] {
			if !in[g] {
				in[g] = true
				todo = append(todo, g)
			}
		}
	}
	return in
}
