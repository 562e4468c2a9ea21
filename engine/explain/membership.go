package explain

import (
	"slices"

	"github.com/pipe-engine/pipe/engine/component"
)

// membership is a person with all groups that they are in, directly or through other groups.
type membership struct {
	ref   string
	order []string          // the person and the groups, nearest first
	below map[string]string // for each group, the member through which it was found
}

// membershipOf returns the groups of a person. An inactive person is in no group.
func (t *Trace) membershipOf(p Person) *membership {
	m := &membership{ref: p.Refs[0], below: map[string]string{}}
	if p.principal == "" {
		return m
	}
	m.order, m.below[p.principal] = []string{p.principal}, ""
	for i := 0; i < len(m.order); i++ {
		for _, group := range slices.Sorted(slices.Values(t.holders[m.order[i]])) {
			if !m.has(group) {
				m.order, m.below[group] = append(m.order, group), m.order[i]
			}
		}
	}
	return m
}

// PrincipalsOf returns the principals by which an item may name a person: the person and all
// groups that they are in, nearest first. An inactive person has none.
func (t *Trace) PrincipalsOf(p Person) []string { return t.membershipOf(p).order }

func (m *membership) has(principal string) bool { _, in := m.below[principal]; return in }

// path returns the shortest path from the person to a group.
func (m *membership) path(at string) []string {
	out := []string{m.ref}
	for ; m.below[at] != ""; at = m.below[at] {
		name, _ := component.PrincipalName(at)
		out = append(out, name)
	}
	slices.Reverse(out[1:])
	return out
}
