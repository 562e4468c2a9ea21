package explain

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
)

// Person is one user of the sink: all records with the same e-mail.
type Person struct {
	Email string   `json:"email"`
	Refs  []string `json:"refs"` // of the records, sorted
	// Inactive means that no item names the person and no group contains them.
	Inactive bool `json:"inactive,omitempty"`

	principal string // the sink's name of the user; "" when no item may name them
}

// People returns the users of the run, by e-mail. The caller must not modify them.
func (t *Trace) People() []Person {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.people == nil {
		t.people = t.collect()
		t.byName = map[string]int{}
		for i, p := range t.people {
			t.byName[p.Email] = i
			for _, ref := range p.Refs {
				t.byName[ref] = i
			}
		}
	}
	return t.people
}

func (t *Trace) collect() []Person {
	byEmail := map[string]*Person{}
	for ref, j := range t.journeys {
		email := t.email(j)
		if email == "" {
			continue
		}
		key := strings.ToLower(email)
		if byEmail[key] == nil {
			byEmail[key] = &Person{Email: key}
		}
		p := byEmail[key]
		p.Refs = append(p.Refs, ref)
		if principal, told := t.named[ref]; told {
			p.principal, p.Inactive = principal, principal == ""
		}
	}
	out := make([]Person, 0, len(byEmail))
	for _, p := range byEmail {
		slices.Sort(p.Refs)
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Person) int { return cmp.Compare(a.Email, b.Email) })
	return out
}

// email returns the e-mail of a record that becomes a user; "" for any other record.
func (t *Trace) email(j *Journey) string {
	for _, item := range j.Items {
		stream := t.stream(item.Stream)
		if !stream.Identities || j.EndIn(item.Stream).Ending == component.Rejected {
			continue
		}
		for _, f := range item.Fields {
			spec, _ := stream.Field(f.Name)
			if email, ok := f.Value.(string); ok && spec.Type == component.EmailField {
				return strings.TrimSpace(email)
			}
		}
	}
	return ""
}

// Person returns a person by e-mail or ref. When there is none, why says so, and what happened
// to the matching record.
func (t *Trace) Person(who string) (p Person, why string) {
	who = t.Spelling(who)
	people := t.People()
	if i, found := t.byName[who]; found {
		return people[i], ""
	}
	for ref, j := range t.journeys {
		if ref != who && (j.Entry.Email == "" || strings.ToLower(j.Entry.Email) != who) {
			continue
		}
		if !t.isIdentity(ref, j.Entry.Kind) {
			return Person{}, ref + " is not a person"
		}
		end := j.Ending()
		if end.Ending == component.Delivered {
			return Person{}, ref + " is a group, not a person"
		}
		return Person{}, ref + " does not become a user: " + end.Ending.String() + ", " + end.Because()
	}
	if strings.Contains(who, "@") {
		return Person{}, "no user with the e-mail " + who + " was read"
	}
	return Person{}, who + " is neither an e-mail nor the ref of a user in the source"
}

// Recorded reports whether an e-mail or ref is that of a user or group that was read, whatever
// its ending; if not, near is a similar one.
func (t *Trace) Recorded(who string) (recorded bool, near string) {
	who = t.Spelling(who)
	var known []string
	for ref, j := range t.journeys {
		if !t.isIdentity(ref, j.Entry.Kind) {
			continue
		}
		for _, name := range []string{ref, strings.ToLower(j.Entry.Email), strings.ToLower(t.email(j))} {
			if name == who && who != "" {
				return true, ""
			}
			if name != "" && strings.Contains(name, "@") == strings.Contains(who, "@") {
				known = append(known, name)
			}
		}
	}
	slices.Sort(known)
	return false, config.Nearest(who, slices.Compact(known))
}

// Spelling returns a ref in the spelling of Entry.Ref, or else an e-mail in lower case.
func (t *Trace) Spelling(who string) string {
	if ref, ok := t.grammar.ParseRef(who); ok {
		return ref
	}
	return strings.ToLower(strings.TrimSpace(who))
}

// Known reports whether a ref is that of a user or group that the sink can name.
func (t *Trace) Known(ref string) bool {
	_, group := t.Members(ref)
	_, why := t.Person(ref)
	return group || why == ""
}

// Members returns the principals in the group of a ref. known reports whether there is such a
// group.
func (t *Trace) Members(ref string) (principals []string, known bool) {
	principals, known = t.members[t.named[ref]]
	return principals, known
}

// GroupsOf returns the groups that a person is a direct member of.
func (t *Trace) GroupsOf(p Person) []string {
	var out []string
	for _, group := range t.holders[p.principal] {
		name, _ := component.PrincipalName(group)
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
