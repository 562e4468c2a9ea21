package preview

import (
	"context"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/explain"
)

// earlier is the users and groups of the last good run, as the baseline has them: the IDs of
// groups, and hashes of everything else.
type earlier struct {
	groups map[uint64][]string // the groups by the hash of a member
	rules  []string            // doc.rule is the index of one
	names  []string            // of principals, whose number is the index + 1
	sets   map[string][]string // the groups of a principal that is a set of them
	// everyone is the number of users; 0 when that run wrote no users.
	everyone int
}

// rule returns the number of a rule.
func (e *earlier) rule(name string) int {
	i := slices.Index(e.rules, name)
	if i < 0 {
		i = len(e.rules)
		e.rules = append(e.rules, name)
	}
	return i
}

// membership is a person and the groups that they were in before this run.
type membership struct {
	order []string          // the person and the groups, nearest first
	below map[string]string // for each group, the member through which it was found
}

func (e *earlier) membershipOf(person string) membership {
	m := membership{[]string{person}, map[string]string{person: ""}}
	for i := 0; i < len(m.order); i++ {
		for _, group := range e.groups[codec.Hash([]byte(m.order[i]))] {
			if _, in := m.below[group]; !in {
				m.order, m.below[group] = append(m.order, group), m.order[i]
			}
		}
	}
	return m
}

func (m membership) has(principal string) bool { _, in := m.below[principal]; return in }

// path returns the shortest path from a person, whose ref is given, to a group.
func (m membership) path(ref, at string) []string {
	out := []string{ref}
	for ; m.below[at] != ""; at = m.below[at] {
		name, _ := component.PrincipalName(at)
		out = append(out, name)
	}
	slices.Reverse(out[1:])
	return out
}

// Earlier is who found a document before this run. The baseline keeps hashes of users and groups,
// so only those that this run or the baseline's list of groups has are known by name.
type Earlier struct {
	// Answer says whether and why the person found it, or that it is not known: then FindsBefore is
	// false. It is nil for AnyUser.
	Answer *explain.Answer
	// Groups are the groups and sets of groups that a listed document named, and People the people
	// of this run who found it.
	Groups []EarlierGroup
	People []Person
	// Unknown is how many users, groups and sets of groups it named that are not known by name.
	Unknown int
	// Everyone is the number of users of the datasource; 0 when that is not known.
	Everyone int
}

// EarlierGroup is a group, or a set of groups, with the number of its people in this run.
type EarlierGroup struct {
	Name   string
	People int
}

// foundEarlier returns who found a document before this run, for a person.
func (x *Index) foundEarlier(ctx context.Context, doc int64, audience access.Audience, p Person) (*Earlier, error) {
	out := &Earlier{Everyone: x.earlier.everyone}
	var rule int
	err := x.db.QueryRowContext(ctx, "SELECT rule, unknown FROM doc WHERE id = ?", doc).Scan(&rule, &out.Unknown)
	if err != nil {
		return nil, err
	}
	named, err := x.pairs(ctx, "SELECT principal, 0 FROM acl WHERE view = ? AND doc = ?", int(Before), doc)
	if err != nil {
		return nil, err
	}
	members, err := x.pairs(ctx, "SELECT principal, person FROM member WHERE view = ?1 AND principal IN "+
		"(SELECT principal FROM acl WHERE view = ?1 AND doc = ?2) ORDER BY person", int(Before), doc)
	if err != nil {
		return nil, err
	}
	people := map[int64]int{} // by principal
	for i, m := range members {
		if people[m[0]]++; i == 0 || m[1] != members[i-1][1] {
			out.People = append(out.People, x.people[m[1]-1].Person)
		}
	}
	var names []string
	for _, n := range named {
		name := x.earlier.names[n[0]-1]
		names = append(names, name)
		if _, group := component.PrincipalName(name); group || x.earlier.sets[name] != nil {
			out.Groups = append(out.Groups, EarlierGroup{x.earlier.text(name), people[n[0]]})
		}
	}
	if p.number > 0 {
		out.Answer = x.answerEarlier(rule, audience, names, out.Unknown, &x.people[p.number-1])
	}
	return out, nil
}

// answerEarlier says whether and why a person found a document that named principals.
func (x *Index) answerEarlier(rule int, audience access.Audience, names []string, unknown int,
	p *person) *explain.Answer {
	a := &explain.Answer{Who: p.Email}
	decided := "the last good run"
	if audience > access.Nobody && x.earlier.rules[rule] != "" {
		decided = explain.RuleText(x.earlier.rules[rule])
	}
	switch audience {
	case access.AllUsers:
		a.Finds, a.Why = true, decided+" allowed everyone who can sign in"
	case access.DatasourceUsers:
		a.Finds = p.before
		a.Why = decided + " allowed every user of the datasource, and " + p.Refs[0] + cond(p.before, " was one", " was not")
		if x.earlier.everyone == 0 {
			a.Why += ", as far as is known: that run wrote no users"
		}
	case access.Listed:
		in := x.earlier.membershipOf(x.trace.PrincipalsOf(p.explained)[0])
		if x.earlier.listed(a, in, names, p.Refs[0]); a.Finds {
			a.Why = decided + " allowed " + a.Why
			break
		}
		var allowed []string
		for _, name := range names {
			allowed = append(allowed, x.earlier.text(name))
		}
		a.Unknown = unknown > 0
		a.Why = decided + " allowed " + display.List(append(allowed, unnamed(unknown)...), mostNames, ", ") +
			cond(a.Unknown, ", and it is not known whether "+p.Refs[0]+" was in one", ", which did not include "+p.Refs[0])
	default:
		a.Why = "the last good run did not publish it"
	}
	return a
}

// listed sets the answer to what gave a person access: the nearest principal, or else a set of
// groups.
func (e *earlier) listed(a *explain.Answer, in membership, names []string, ref string) {
	for _, at := range in.order {
		if slices.Contains(names, at) {
			a.Finds, a.Chain = true, in.path(ref, at)
			a.Why = a.Chain[len(a.Chain)-1]
			return
		}
	}
	for _, name := range names {
		set := e.sets[name]
		if !access.InAll(set, in.has) {
			continue
		}
		a.Finds, a.Why = true, explain.GroupsText(set)
		for _, group := range set {
			a.AllOf = append(a.AllOf, in.path(ref, group))
		}
		return
	}
}

// text returns a principal for people.
func (e *earlier) text(principal string) string {
	if set := e.sets[principal]; set != nil {
		return explain.GroupsText(set)
	}
	name, _ := component.PrincipalName(principal)
	return name
}

// unnamed returns that a document named principals that are not known by name; nil for none.
func unnamed(n int) []string {
	switch n {
	case 0:
		return nil
	case 1:
		return []string{"a user, a group or a set of groups that cannot be named"}
	}
	return []string{display.Number(n) + " users, groups or sets of groups that cannot be named"}
}

// pairs returns the pairs of numbers that a query selects.
func (x *Index) pairs(ctx context.Context, query string, args ...any) ([][2]int64, error) {
	rows, err := x.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out [][2]int64
	for rows.Next() {
		var one [2]int64
		if err := rows.Scan(&one[0], &one[1]); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, rows.Err()
}
