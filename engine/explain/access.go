package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
)

// Answer says whether a person finds a document, and why.
type Answer struct {
	Who   string `json:"who"` // as in the query
	Finds bool   `json:"finds"`
	// Unknown means that the answer depends on the sink.
	Unknown bool `json:"unknown,omitempty"`
	// Why is one sentence, without a full stop.
	Why string `json:"why"`
	// Chain is the path from the person to the principal of the rule, when it goes through
	// groups: a user, a group, a parent of the group, …
	Chain []string `json:"chain,omitempty"`
	// AllOf are such paths to each of several groups, when the rule allows people who are in
	// all of them.
	AllOf [][]string `json:"all_of,omitempty"`
}

// Chains returns the paths of the answer that go through groups.
func (a Answer) Chains() [][]string {
	if len(a.Chain) > 1 {
		return [][]string{a.Chain}
	}
	return a.AllOf
}

// Finds reports whether a person, given by e-mail or ref, finds the document of a record. The
// answer is no when nothing would be sent.
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
	rule := RuleText(doc.Rule)
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

// listed sets the answer for a document that names principals.
func (t *Trace) listed(a *Answer, doc *component.Encoded, p Person) {
	rule, in := RuleText(doc.Rule), t.membershipOf(p)
	if a.Finds = access.Finds(doc.Audience, doc.Principals, doc.AllOf, in.has); a.Finds {
		a.Why = rule + " allows " + a.through(doc, in) + t.earlier(p)
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

// through sets the paths by which a person finds a document, and returns what the document names:
// the nearest principal, or else a set of groups.
func (a *Answer) through(doc *component.Encoded, in *membership) string {
	for _, at := range in.order {
		if slices.Contains(doc.Principals, at) {
			a.Chain = in.path(at)
			return a.Chain[len(a.Chain)-1]
		}
	}
	set := doc.AllOf[slices.IndexFunc(doc.AllOf, func(set []string) bool { return access.InAll(set, in.has) })]
	for _, group := range set {
		a.AllOf = append(a.AllOf, in.path(group))
	}
	return GroupsText(set)
}

// earlier returns the condition that an earlier run delivered a person that this run does not
// write.
func (t *Trace) earlier(p Person) string {
	if slices.ContainsFunc(p.Refs, t.Writes) {
		return ""
	}
	return ", if an earlier run delivered them: this run writes no users"
}

// writes reports whether the run writes the group of a principal.
func (t *Trace) writes(group string) bool { return t.Writes(t.records[group]) }

// Writes reports whether the run writes the user or group of a record.
func (t *Trace) Writes(ref string) bool {
	j := t.journeys[ref]
	return j != nil && slices.ContainsFunc(j.Ends, func(e End) bool {
		return t.stream(e.Stream).Identities && (e.Ending == component.Delivered || e.Ending == component.Merged)
	})
}

// RuleText returns the name of a permission rule in a sentence.
func RuleText(rule string) string {
	if rule == "default" {
		return "the default"
	}
	return fmt.Sprintf("the rule %q", rule)
}

// memberships returns why the groups of a person give no access.
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

// Names reports whether principals contain a ref as a user or group.
func Names(principals []string, ref string) bool {
	return slices.Contains(principals, component.GroupPrincipal(ref)) ||
		slices.Contains(principals, component.UserPrincipal(ref))
}

// allowed returns the principals of a document as text.
func allowed(doc *component.Encoded) string {
	var out []string
	if len(doc.Principals) > 0 {
		out = append(out, names(doc.Principals))
	}
	for _, set := range doc.AllOf {
		out = append(out, GroupsText(set))
	}
	return display.List(out, mostListed, ", ")
}

// GroupsText returns a set of groups, given by their principals, where people must be in all of
// them.
func GroupsText(set []string) string {
	list := make([]string, len(set))
	for i, g := range set {
		list[i], _ = component.PrincipalName(g)
	}
	return "members of all of " + strings.Join(list, " and ")
}

// names returns the names of principals as text.
func names(principals []string) string {
	out := make([]string, len(principals))
	for i, p := range principals {
		out[i], _ = component.PrincipalName(p)
	}
	return display.List(out, mostListed, ", ")
}

// Document returns what would be sent for a record in a stream with permissions; nil for
// nothing.
func (t *Trace) Document(j *Journey) *component.Encoded {
	for _, s := range t.streams {
		if s.Permissions && j.Sent(s.Name) != nil {
			return j.Sent(s.Name)
		}
	}
	return nil
}

// documentEnd returns the ending of the record's document, or of the record when it has none.
func (t *Trace) documentEnd(j *Journey) End {
	for _, s := range t.streams {
		if s.Permissions && j.Item(s.Name) != nil {
			return j.EndIn(s.Name)
		}
	}
	return j.Ending()
}

// mostListed is the maximum number of names in an answer.
const mostListed = 5
