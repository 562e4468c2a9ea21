package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
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
	// Events are those up to then, in their order.
	Events []Event
	// Next is the first event after it; nil when there is none.
	Next      *Event
	documents map[[2]string]told
	groups    map[string]Group
}

// told is a document and the event that said so.
type told struct {
	Document
	event int
}

// At returns what the sink had been told at a time, the zero time for now.
func (l *Ledger) At(at time.Time) (*State, error) {
	f, err := os.Open(l.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := &State{documents: map[[2]string]told{}, groups: map[string]Group{}}
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

func (s *State) apply(e Event, lines []byte) error {
	s.Events = append(s.Events, e)
	if e.Kind == "purge" {
		clear(s.documents)
		clear(s.groups)
	}
	if len(e.Whole) > 0 {
		maps.DeleteFunc(s.documents, func(_ [2]string, d told) bool { return slices.Contains(e.Whole, d.Stream) })
		maps.DeleteFunc(s.groups, func(_ string, g Group) bool { return slices.Contains(e.Whole, g.Stream) })
	}
	for line := range bytes.Lines(lines) {
		if bytes.HasPrefix(line, []byte(`{"group":`)) {
			var g Group
			if err := codec.Unmarshal(line, &g); err != nil {
				return fmt.Errorf("read a group of the ledger: %w", err)
			}
			if g.Adds {
				g.Members, g.Adds = slices.Concat(s.groups[g.Principal].Members, g.Members), false
				slices.Sort(g.Members)
				g.Members = slices.Compact(g.Members)
			}
			s.groups[g.Principal] = g
			continue
		}
		var d Document
		if err := codec.Unmarshal(line, &d); err != nil {
			return fmt.Errorf("read a document of the ledger: %w", err)
		}
		s.documents[[2]string{d.Stream, d.ID}] = told{d, len(s.Events) - 1}
	}
	return nil
}

// Answer is one document and what a question found about it.
type Answer struct {
	Document
	Event Event // that told the sink so
	// People are the users of a listed document, with those of its groups, sorted.
	People []string
	// Through are, for a person, the principals of the document that let it in.
	Through []string
}

// Who tells who could find the documents of a ref.
func (s *State) Who(ref string) []Answer {
	var out []Answer
	for _, d := range s.documents {
		if d.Ref == ref || d.ID == ref {
			out = append(out, Answer{Document: d.Document, Event: s.Events[d.event], People: s.peopleOf(d.Document)})
		}
	}
	sortAnswers(out)
	return out
}

// What tells which documents a person could find, as the principal of a user. Documents
// that every user finds are not listed but counted by their audience.
func (s *State) What(person string) (listed []Answer, open map[string]int) {
	open = map[string]int{}
	in := s.groupsOf(person)
	for _, d := range s.documents {
		switch d.Audience {
		case access.AllUsers.String(), access.DatasourceUsers.String():
			open[d.Audience]++
		case access.Listed.String():
			if through := through(d.Document, person, in); through != nil {
				listed = append(listed, Answer{Document: d.Document, Event: s.Events[d.event], Through: through})
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
	for _, g := range s.groups {
		if slices.Contains(g.Members, user) {
			return true
		}
	}
	return false
}

func sortAnswers(all []Answer) {
	slices.SortFunc(all, func(a, b Answer) int {
		return bytes.Compare([]byte(a.Stream+"\x00"+a.Ref+"\x00"+a.ID), []byte(b.Stream+"\x00"+b.Ref+"\x00"+b.ID))
	})
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

// peopleOf are the users who find a listed document.
func (s *State) peopleOf(d Document) []string {
	people := map[string]bool{}
	for _, p := range d.Principals {
		for user := range s.people(p) {
			people[user] = true
		}
	}
	for _, set := range d.AllOf {
		var all map[string]bool
		for _, g := range set {
			of := s.people(g)
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

// people are the users of a principal: the user itself, or those of a group and its
// subgroups.
func (s *State) people(principal string) map[string]bool {
	out, seen := map[string]bool{}, map[string]bool{}
	for todo := []string{principal}; len(todo) > 0; {
		p := todo[len(todo)-1]
		if todo = todo[:len(todo)-1]; seen[p] {
			continue
		}
		seen[p] = true
		if isGroup(p) {
			todo = append(todo, s.groups[p].Members...)
		} else {
			out[p] = true
		}
	}
	return out
}

// groupsOf are the groups that a person is in, also through others.
func (s *State) groupsOf(person string) map[string]bool {
	parents := map[string][]string{}
	for _, g := range s.groups {
		for _, m := range g.Members {
			parents[m] = append(parents[m], g.Principal)
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
