package preview

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/explain"
)

// Person is someone who can sign in to the sink. The zero value is AnyUser.
type Person struct {
	Name, Email string
	Refs        []string
	number      int // from 1; 0 for AnyUser
}

// UnknownPersonError means that a text means no active user of the index.
type UnknownPersonError struct{ Person string }

// Error returns what is wrong with the text.
func (e *UnknownPersonError) Error() string {
	return "there is no active user " + display.Short(e.Person, 100)
}

// AnyUser finds only what every user of the datasource finds.
var AnyUser Person

// String returns the name and the e-mail.
func (p Person) String() string {
	switch {
	case p.number == 0:
		return "Any user"
	case p.Name == "" || p.Name == p.Email:
		return p.Email
	}
	return p.Name + " <" + p.Email + ">"
}

type person struct {
	Person
	explained explain.Person
	search    string // in lower case
	before    bool   // was a user in the last good run
}

// collectPeople sets the active users of the run.
func (x *Index) collectPeople() {
	x.byName = map[string]int{}
	for _, p := range x.trace.People() {
		if len(x.trace.PrincipalsOf(p)) == 0 { // inactive
			continue
		}
		one := person{Person: Person{Email: p.Email, Refs: p.Refs, number: len(x.people) + 1}, explained: p}
		for _, ref := range p.Refs {
			one.Name = cmp.Or(one.Name, x.trace.Journey(ref).Entry.Title)
			x.byName[ref] = len(x.people)
		}
		x.byName[p.Email] = len(x.people)
		one.search = strings.ToLower(strings.Join(append([]string{one.Name, one.Email}, one.Refs...), "\n"))
		x.people = append(x.people, one)
	}
}

// People returns the number of people who can be picked.
func (x *Index) People() int { return len(x.people) }

// Match returns at most n people whose name, e-mail or ref contains a text, those first whose
// name or e-mail begins with it.
func (x *Index) Match(text string, n int) []Person {
	text = strings.ToLower(strings.TrimSpace(text))
	var first, others []Person
	for _, p := range x.people {
		switch i := strings.Index(p.search, text); {
		case i < 0 || len(first) == n:
		case i == 0 || strings.HasPrefix(p.Email, text):
			first = append(first, p.Person)
		case len(others) < n:
			others = append(others, p.Person)
		}
	}
	byName := func(a, b Person) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) }
	slices.SortStableFunc(first, byName)
	slices.SortStableFunc(others, byName)
	return append(first, others...)[:min(n, len(first)+len(others))]
}

// Pick returns the person that a text means: an e-mail, a ref, the text of a Person, or a part
// that only one person has. The empty text is AnyUser. Otherwise found is false and
// near are people that may be meant.
func (x *Index) Pick(text string) (p Person, near []Person, found bool) {
	if p, found = x.Person(text); found {
		return p, nil, true
	}
	const shown = 10
	if near = x.Match(text, shown); len(near) == 1 {
		return near[0], nil, true
	}
	return Person{}, near, false
}

// Person returns the person that an e-mail, a ref or the text of a Person means. The empty text is
// AnyUser.
func (x *Index) Person(text string) (p Person, found bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return AnyUser, true
	}
	if open := strings.LastIndex(text, "<"); open >= 0 && strings.HasSuffix(text, ">") {
		text = text[open+1 : len(text)-1]
	}
	if i, known := x.byName[x.trace.Spelling(text)]; known {
		return x.people[i].Person, true
	}
	return Person{}, false
}

// addMembers writes the principals of documents by which each person finds them after this run.
func (b *builder) addMembers() error {
	for _, p := range b.x.people {
		of := b.PrincipalsOf(p.explained)
		if err := b.members(p.number, After, of); err != nil {
			return err
		}
	}
	return nil
}

// members writes the principals of documents that are among those of a person.
func (b *builder) members(person int, v View, of []string) error {
	in := map[string]bool{}
	for _, name := range of {
		in[name] = true
		if id, named := b.principals[name]; named {
			if err := b.exec(intoMember, person, int(v), id); err != nil {
				return err
			}
		}
	}
	for name, set := range b.sets {
		if !access.InAll(set, func(group string) bool { return in[group] }) {
			continue
		}
		if err := b.exec(intoMember, person, int(v), b.principals[name]); err != nil {
			return err
		}
	}
	return nil
}
