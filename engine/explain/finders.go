package explain

import (
	"cmp"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
)

// Finder is someone who finds a document: a person, a group with its members, or the people who
// are in all of several groups.
type Finder struct {
	Name    string   `json:"name"` // an e-mail, a group, or several groups
	Refs    []string `json:"refs,omitempty"`
	Group   bool     `json:"group,omitempty"`
	Members []Finder `json:"members,omitempty"`
	// Unknown means that the members are those of an earlier run, because this run does not
	// write the group.
	Unknown bool `json:"unknown,omitempty"`
}

// FindersOf returns who finds a Listed document; each set of groups is one Finder.
func (t *Trace) FindersOf(doc *component.Encoded) []Finder {
	out := t.Finders(doc.Principals)
	for _, set := range doc.AllOf {
		f := Finder{Name: GroupsText(set), Group: true}
		for _, group := range set {
			f.Unknown = f.Unknown || !t.writes(group)
		}
		for _, p := range t.People() {
			if access.InAll(set, t.membershipOf(p).has) {
				f.Members = append(f.Members, Finder{Name: p.Email, Refs: p.Refs})
			}
		}
		out = append(out, f)
	}
	return out
}

// Finders resolves principals to people, including subgroups. A group that contains itself is
// not expanded again.
func (t *Trace) Finders(principals []string) []Finder {
	people := map[string]Person{}
	for _, p := range t.People() {
		people[p.principal] = p
	}
	return t.finders(principals, people, nil)
}

func (t *Trace) finders(principals []string, people map[string]Person, above []string) []Finder {
	out := make([]Finder, 0, len(principals))
	for _, one := range principals {
		name, isGroup := component.PrincipalName(one)
		if !isGroup {
			p := people[one]
			out = append(out, Finder{Name: cmp.Or(p.Email, name), Refs: p.Refs})
			continue
		}
		f := Finder{Name: name, Group: true, Unknown: !t.writes(one)}
		if !slices.Contains(above, one) {
			f.Members = t.finders(t.members[one], people, append(slices.Clone(above), one))
		}
		out = append(out, f)
	}
	return out
}

// Reached returns the distinct e-mails of the people among finders, sorted.
func Reached(finders []Finder) []string {
	var out []string
	for _, f := range finders {
		if f.Group {
			out = append(out, Reached(f.Members)...)
		} else {
			out = append(out, f.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
