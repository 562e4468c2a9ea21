package audit

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
)

// Answer is a document with the result of a query.
type Answer struct {
	Document
	Event Event // the event that sent this
	// Perhaps means that the answer may have been true: Event began to send it and had not
	// ended.
	Perhaps bool
	// People are the users of a listed document and of its groups, sorted.
	People []string
	// Through are the principals of the document that give access to the person of the query.
	Through []string
}

// Who returns who could find the documents of a ref. An answer is followed by those for what
// else may have been true.
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

// What returns the documents that a person, given as the principal of a user, could find.
// Documents that every user finds are not listed but counted by audience, unless it is
// uncertain whether they were sent.
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

// members returns the members of each group, by its principal; with perhaps, also those that a
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

// order sorts certain answers before uncertain ones.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// through returns the principals of a document that give access to a person: the person and the
// groups in in.
func through(d Document, person string, in map[string]bool) (out []string) {
	for _, p := range d.Principals {
		if p == person || in[p] {
			out = append(out, p)
		}
	}
	for _, set := range d.AllOf {
		if access.InAll(set, func(g string) bool { return in[g] }) {
			out = append(out, set...)
		}
	}
	return out
}

// peopleOf returns the users who find a listed document, given the members of groups.
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

// usersOf returns the users of a principal: the user itself, or those of a group and its
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

// groupsOf returns the groups that a person is in, directly or through other groups.
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
