package trace

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine"
)

// Answer is whether a person finds a document, and why.
type Answer struct {
	Who   string `json:"who"` // as it was asked
	Finds bool   `json:"finds"`
	// Why is one sentence, without a full stop.
	Why string `json:"why"`
	// Chain leads from the person to what the rule names, when it is through
	// groups: a user, a group, a parent of it, …
	Chain []string `json:"chain,omitempty"`
}

// Finds tells whether a person, by e-mail or ref, finds what is made of a
// record. It answers no whenever nothing would be sent.
func (t *Trace) Finds(j *Journey, who string) Answer {
	a := Answer{Who: who}
	doc := t.Document(j)
	if doc == nil {
		end := t.documentEnd(j)
		if end.Ending == engine.Delivered || end.Ending == engine.Merged {
			a.Why = "no document is made of it"
			return a
		}
		a.Why = "there is no document: the record is " + end.Ending.String()
		if because := end.Because(); because != "" {
			a.Why += ", " + because
		}
		return a
	}
	if doc.Audience == engine.AllUsers {
		a.Finds, a.Why = true, fmt.Sprintf("%s allows everybody who can sign in", ruleText(doc.Rule))
		return a
	}
	p, why := t.Person(who)
	if why != "" {
		a.Why = why
		return a
	}
	if doc.Audience == engine.DatasourceUsers {
		a.Finds, a.Why = true, fmt.Sprintf("%s allows every user of the datasource, and %s is one%s", ruleText(doc.Rule), p.Refs[0], t.earlier(p))
		return a
	}
	if a.Chain = t.chain(doc.Principals, p); a.Chain != nil {
		a.Finds = true
		a.Why = fmt.Sprintf("%s allows %s%s", ruleText(doc.Rule), a.Chain[len(a.Chain)-1], t.earlier(p))
		return a
	}
	a.Why = fmt.Sprintf("%s allows %s, and %s is %s", ruleText(doc.Rule), names(doc.Principals), p.Refs[0], t.memberships(p))
	for _, one := range doc.Principals {
		if group, isGroup := strings.CutPrefix(one, groupWord); isGroup && t.members[one] == nil && !t.Writes(group) {
			a.Why = fmt.Sprintf("%s allows %s, and who is in %s cannot be told: this run does not write it, and its members are those of an earlier run", ruleText(doc.Rule), names(doc.Principals), group)
		}
	}
	return a
}

// earlier says of a person whom the run does not write that another must have.
func (t *Trace) earlier(p Person) string {
	if slices.ContainsFunc(p.Refs, t.Writes) {
		return ""
	}
	return ", if an earlier run delivered them: this one writes no users"
}

// Writes tells whether the run writes what a person or group is made into.
func (t *Trace) Writes(ref string) bool {
	j := t.journeys[ref]
	return j != nil && slices.ContainsFunc(j.Ends, func(e End) bool {
		return t.stream(e.Stream).Identities && (e.Ending == engine.Delivered || e.Ending == engine.Merged)
	})
}

func ruleText(rule string) string {
	if rule == "default" {
		return "the default"
	}
	return fmt.Sprintf("the rule %q", rule)
}

func (t *Trace) memberships(p Person) string {
	groups := t.GroupsOf(p)
	if len(groups) == 0 {
		return "a member of no group"
	}
	return "a member of " + some(groups) + ", of which none leads there"
}

// Names tells whether principals name a ref as it is.
func Names(principals []string, ref string) bool {
	return slices.Contains(principals, groupWord+ref) || slices.Contains(principals, userWord+ref)
}

// names are principals without the words that begin them.
func names(principals []string) string {
	out := make([]string, len(principals))
	for i, p := range principals {
		_, out[i], _ = strings.Cut(p, " ")
	}
	return some(out)
}

func some(list []string) string {
	const most = 5
	if len(list) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
	}
	return strings.Join(list, ", ")
}

// Document is what would be sent of a record in a stream with permissions; nil
// for nothing.
func (t *Trace) Document(j *Journey) *engine.Encoded {
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

// chain leads from a person to one of the principals, by the fewest groups; nil
// when it leads nowhere.
func (t *Trace) chain(principals []string, p Person) []string {
	before := map[string]string{} // a principal: the group that it was found in
	queue := slices.Clone(principals)
	for _, one := range queue {
		before[one] = ""
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if slices.Contains(p.principals(), at) {
			return way(p, at, before)
		}
		for _, member := range t.members[at] {
			if _, seen := before[member]; !seen {
				before[member] = at
				queue = append(queue, member)
			}
		}
	}
	return nil
}

func way(p Person, at string, before map[string]string) []string {
	out := []string{p.Refs[0]}
	for at = before[at]; at != ""; at = before[at] {
		out = append(out, strings.TrimPrefix(at, groupWord))
	}
	return out
}

// Finder is one of those who find a document: a person, or a group with its
// members.
type Finder struct {
	Name    string   `json:"name"` // an e-mail, or a group
	Refs    []string `json:"refs,omitempty"`
	Group   bool     `json:"group,omitempty"`
	Members []Finder `json:"members,omitempty"`
	// Unknown says that the members are those of an earlier run, since this one
	// does not write the group.
	Unknown bool `json:"unknown,omitempty"`
}

// Finders resolves principals to people, groups in groups included; a group that
// stands above itself is not opened again.
func (t *Trace) Finders(principals []string) []Finder {
	people := map[string]Person{}
	for _, p := range t.People() {
		for _, one := range p.principals() {
			people[one] = p
		}
	}
	return t.finders(principals, people, nil)
}

func (t *Trace) finders(principals []string, people map[string]Person, above []string) []Finder {
	out := make([]Finder, 0, len(principals))
	for _, one := range principals {
		name, isGroup := strings.CutPrefix(one, groupWord)
		if !isGroup {
			p := people[one]
			out = append(out, Finder{Name: strings.TrimPrefix(one, userWord), Refs: p.Refs})
			continue
		}
		f := Finder{Name: name, Group: true, Unknown: !t.Writes(name)}
		if !slices.Contains(above, one) {
			f.Members = t.finders(t.members[one], people, append(slices.Clone(above), one))
		}
		out = append(out, f)
	}
	return out
}

// Reached are the e-mails of the people among finders, each once, sorted.
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
