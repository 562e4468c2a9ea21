package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
)

// Answer is whether a person finds a document, and why.
type Answer struct {
	Who   string `json:"who"` // as it was asked
	Finds bool   `json:"finds"`
	// Unknown says that neither yes nor no is known: the sink decides.
	Unknown bool `json:"unknown,omitempty"`
	// Why is one sentence, without a full stop.
	Why string `json:"why"`
	// Chain leads from the person to what the rule names, when it is through
	// groups: a user, a group, a parent of it, …
	Chain []string `json:"chain,omitempty"`
	// AllOf are such chains to each of several groups, when the rule lets in who is
	// in all of them.
	AllOf [][]string `json:"all_of,omitempty"`
}

// Chains are those of the answer that lead through groups.
func (a Answer) Chains() [][]string {
	if len(a.Chain) > 1 {
		return [][]string{a.Chain}
	}
	return a.AllOf
}

// Finds tells whether a person, by e-mail or ref, finds what is made of a
// record. It answers no whenever nothing would be sent.
func (t *Trace) Finds(j *Journey, who string) Answer {
	a := Answer{Who: who}
	doc := t.Document(j)
	if doc == nil {
		end := t.documentEnd(j)
		if end.Ending == component.Delivered || end.Ending == component.Merged {
			a.Why = "no document is made from it"
			return a
		}
		a.Why = "there is no document: the record is " + end.Ending.String()
		if because := end.Because(); because != "" {
			a.Why += ", " + because
		}
		return a
	}
	rule := ruleText(doc.Rule)
	p, why := t.Person(who)
	switch {
	case p.Inactive && doc.Audience != access.Listed:
		a.Unknown, a.Why = true, fmt.Sprintf("the person is not active; the sink decides what %s grants to %s",
			rule, doc.Audience)
	case doc.Audience == access.AllUsers:
		a.Finds, a.Why = true, rule+" allows everyone who can sign in"
	case why != "":
		a.Why = why
	case doc.Audience == access.DatasourceUsers:
		a.Finds, a.Why = true, fmt.Sprintf("%s allows every user of the datasource, and %s is one%s", rule, p.Refs[0],
			t.earlier(p))
	case p.Inactive:
		a.Why = fmt.Sprintf("%s allows %s, and %s is not active", rule, allowed(doc), p.Refs[0])
	default:
		t.listed(&a, doc, p)
	}
	return a
}

// listed answers of a document that names whom it is for.
func (t *Trace) listed(a *Answer, doc *component.Encoded, p Person) {
	rule, in := ruleText(doc.Rule), t.membershipOf(p)
	for _, at := range in.order {
		if slices.Contains(doc.Principals, at) {
			a.Finds, a.Chain = true, in.way(at)
			a.Why = fmt.Sprintf("%s allows %s%s", rule, a.Chain[len(a.Chain)-1], t.earlier(p))
			return
		}
	}
	for _, set := range doc.AllOf {
		if !in.all(set) {
			continue
		}
		for _, group := range set {
			a.AllOf = append(a.AllOf, in.way(group))
		}
		a.Finds, a.Why = true, fmt.Sprintf("%s allows %s%s", rule, together(set), t.earlier(p))
		return
	}
	a.Why = fmt.Sprintf("%s allows %s, and %s is %s", rule, allowed(doc), p.Refs[0], t.memberships(p, in, doc.AllOf))
	for _, one := range slices.Concat(append(slices.Clone(doc.AllOf), doc.Principals)...) {
		if group, isGroup := component.PrincipalName(one); isGroup && t.members[one] == nil && !t.writes(one) {
			a.Why = fmt.Sprintf("%s allows %s, and the members of %s are unknown: this run does not write the "+
				"group, and an earlier run decided its members", rule, allowed(doc), group)
		}
	}
}

// earlier says of a person whom the run does not write that another must have.
func (t *Trace) earlier(p Person) string {
	if slices.ContainsFunc(p.Refs, t.Writes) {
		return ""
	}
	return ", if an earlier run delivered them: this run writes no users"
}

// writes tells whether the run writes the group that a principal stands for.
func (t *Trace) writes(group string) bool { return t.Writes(t.records[group]) }

// Writes tells whether the run writes what a person or group is made into.
func (t *Trace) Writes(ref string) bool {
	j := t.journeys[ref]
	return j != nil && slices.ContainsFunc(j.Ends, func(e End) bool {
		return t.stream(e.Stream).Identities && (e.Ending == component.Delivered || e.Ending == component.Merged)
	})
}

func ruleText(rule string) string {
	if rule == "default" {
		return "the default"
	}
	return fmt.Sprintf("the rule %q", rule)
}

// memberships is why the groups of a person do not suffice.
func (t *Trace) memberships(p Person, in *membership, sets [][]string) string {
	groups := t.GroupsOf(p)
	if len(groups) == 0 {
		return "a member of no group"
	}
	for _, set := range sets {
		lacks := slices.DeleteFunc(slices.Clone(set), in.has)
		if len(lacks) < len(set) {
			return fmt.Sprintf("a member of %s, and not of %s",
				names(slices.DeleteFunc(slices.Clone(set), func(g string) bool { return !in.has(g) })), names(lacks))
		}
	}
	return "a member of " + display.List(groups, mostListed, ", ") + ", and none of these groups gives access"
}

// Names tells whether principals name a ref as it is.
func Names(principals []string, ref string) bool {
	return slices.Contains(principals, component.GroupPrincipal(ref)) ||
		slices.Contains(principals, component.UserPrincipal(ref))
}

// allowed are those whom a document names.
func allowed(doc *component.Encoded) string {
	var out []string
	if len(doc.Principals) > 0 {
		out = append(out, names(doc.Principals))
	}
	for _, set := range doc.AllOf {
		out = append(out, together(set))
	}
	return display.List(out, mostListed, ", ")
}

// together are groups of which somebody has to be in every one.
func together(set []string) string {
	list := make([]string, len(set))
	for i, g := range set {
		list[i], _ = component.PrincipalName(g)
	}
	return "members of all of " + strings.Join(list, " and ")
}

// names are those of principals.
func names(principals []string) string {
	out := make([]string, len(principals))
	for i, p := range principals {
		out[i], _ = component.PrincipalName(p)
	}
	return display.List(out, mostListed, ", ")
}

// Document is what would be sent of a record in a stream with permissions; nil
// for nothing.
func (t *Trace) Document(j *Journey) *component.Encoded {
	for _, s := range t.streams {
		if s.Permissions && j.Sent(s.Name) != nil {
			return j.Sent(s.Name)
		}
	}
	return nil
}

// documentEnd is how what should be one ended, or else the record.
func (t *Trace) documentEnd(j *Journey) End {
	for _, s := range t.streams {
		if s.Permissions && j.Item(s.Name) != nil {
			return j.EndIn(s.Name)
		}
	}
	return j.Ending()
}

// mostListed is how many names an answer lists.
const mostListed = 5
