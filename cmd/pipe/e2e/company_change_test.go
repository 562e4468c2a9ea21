package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// change changes a firm a little, and now and then much.
func (f *firm) change(r *rand.Rand) (what []string) {
	note := func(format string, args ...any) { what = append(what, fmt.Sprintf(format, args...)) }
	for range r.IntN(8) {
		f.changeOne(r, note)
	}
	if !chance(r, 25) {
		return what
	}
	switch r.IntN(7) {
	case 0:
		f.things = slices.DeleteFunc(f.things, func(thing) bool { return chance(r, 60) })
		note("most things go")
	case 1:
		for i := range f.things {
			f.things[i].visibility = ""
		}
		note("no marks any more")
	case 2:
		for i := range f.people {
			f.people[i].teams = nil
		}
		note("nobody is in a team")
	case 3:
		for i := range f.things {
			f.things[i].name = f.name("renamed")
		}
		note("all things have other names")
	case 4:
		f.byDefault = choose(r, "all-users", "datasource-users", "owner")
		note("the default is %s", f.byDefault)
	case 5:
		for i := range f.people {
			f.people[i].email = f.email(r)
		}
		note("everybody has another e-mail")
	default:
		f.teams = f.teams[:min(1, len(f.teams))]
		note("one team is left")
	}
	return what
}

func (f *firm) changeOne(r *rand.Rand, note func(string, ...any)) {
	if len(f.things) == 0 || len(f.people) == 0 || len(f.teams) == 0 {
		f.addTeam(r)
		f.addPerson(r)
		f.addThing(r)
		note("something of everything")
		return
	}
	x, p, g := &f.things[r.IntN(len(f.things))], &f.people[r.IntN(len(f.people))], &f.teams[r.IntN(len(f.teams))]
	switch r.IntN(16) {
	case 0:
		f.addThing(r)
		note("a new thing")
	case 1:
		f.addPerson(r)
		note("a new person")
	case 2:
		f.addTeam(r)
		note("a new team")
	case 3:
		note("%s goes", x.ref())
		gone := x.name
		f.things = slices.DeleteFunc(f.things, func(y thing) bool { return y.name == gone })
	case 4:
		note("%s goes", p.ref())
		gone := p.name
		f.people = slices.DeleteFunc(f.people, func(q person) bool { return q.name == gone })
	case 5:
		note("%s goes", g.ref())
		gone := g.name
		f.teams = slices.DeleteFunc(f.teams, func(h team) bool { return h.name == gone })
	case 6:
		old := x.ref()
		x.name = f.name("renamed")
		note("%s is now %s", old, x.ref())
	case 7:
		x.uid++
		note("%s is registered again", x.ref())
	case 8:
		x.visibility = f.mark(r)
		note("%s is marked %q", x.ref(), x.visibility)
	case 9:
		x.owner = f.owner(r)
		note("%s belongs to %s", x.ref(), x.owner)
	case 10:
		p.email = f.email(r)
		note("%s has the e-mail %q", p.ref(), p.email)
	case 11:
		p.teams = nil
		for range r.IntN(3) {
			p.teams = append(p.teams, f.someTeam(r))
		}
		note("%s is in %v", p.ref(), p.teams)
	case 12:
		x.orphan = !x.orphan
		note("%s is an orphan: %v", x.ref(), x.orphan)
	case 13:
		x.broken = !x.broken
		note("%s is broken: %v", x.ref(), x.broken)
	case 14:
		x.text = f.name("Text")
		note("%s has another text", x.ref())
	default:
		g.title = f.name("Name")
		note("%s has another title", g.ref())
	}
}
