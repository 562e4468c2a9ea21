package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
)

// directory is a small catalog of people, groups and pages with every kind of audience,
// and says without any code of the pipeline who finds what.
type directory struct {
	people map[string]account // by ref
	groups map[string]circle  // by ref
	pages  map[string]page    // by ref
	given  int                // names
}

type account struct {
	email, name string
	inactive    bool
}

type circle struct{ members, subgroups []string }

type page struct {
	text          string
	audience      string // one of the audiences below
	users, groups []string
	allOf         [][]string
	hidden        bool
}

// The audiences of a page.
const (
	listed    = "listed"
	signedIn  = "all-users"
	delivered = "datasource-users"
	nobody    = "none"
)

func newDirectory(r *rand.Rand) *directory {
	d := &directory{people: map[string]account{}, groups: map[string]circle{}, pages: map[string]page{}}
	for range 5 + r.IntN(8) {
		d.people[d.name("person")] = account{email: d.email(), name: d.name("Name"), inactive: chance(r, 15)}
	}
	for range 3 + r.IntN(5) {
		d.groups[d.name("group")] = d.circle(r)
	}
	for range 8 + r.IntN(16) {
		d.pages[d.name("page")] = d.page(r)
	}
	return d
}

func (d *directory) clone() *directory {
	return &directory{maps.Clone(d.people), maps.Clone(d.groups), maps.Clone(d.pages), d.given}
}

// back is an earlier directory again, with the pages hidden that are hidden now.
func (d *directory) back(earlier *directory) *directory {
	out := earlier.clone()
	out.given = d.given
	for ref, p := range out.pages {
		if now, there := d.pages[ref]; there {
			p.hidden = now.hidden
			out.pages[ref] = p
		}
	}
	return out
}

func (d *directory) name(prefix string) string {
	d.given++
	return fmt.Sprintf("%s-%d", prefix, d.given)
}

func (d *directory) email() string { return d.name("mail") + "@example.com" }

// some chooses up to n of the keys of a map, each once.
func some[V any](r *rand.Rand, m map[string]V, n int) (out []string) {
	keys := slices.Sorted(maps.Keys(m))
	r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return keys[:min(n, len(keys))]
}

func (d *directory) circle(r *rand.Rand) circle {
	return circle{members: some(r, d.people, r.IntN(5)), subgroups: some(r, d.groups, choose(r, 0, 0, 1, 2))}
}

func (d *directory) page(r *rand.Rand) page {
	p := page{text: d.name("Text")}
	d.share(r, &p)
	return p
}

// share sets another audience of a page.
func (d *directory) share(r *rand.Rand, p *page) {
	p.users, p.groups, p.allOf = nil, nil, nil
	p.audience = choose(r, listed, listed, listed, listed, delivered, signedIn, nobody)
	if p.audience != listed {
		return
	}
	p.users, p.groups = some(r, d.people, choose(r, 0, 0, 1, 3)), some(r, d.groups, choose(r, 0, 1, 1, 2))
	if chance(r, 35) || len(p.users)+len(p.groups) == 0 {
		p.allOf = [][]string{some(r, d.groups, 2)}
	}
}

// change turns the directory into the next night's.
func (d *directory) change(r *rand.Rand) (what []string) {
	note := func(format string, args ...any) { what = append(what, fmt.Sprintf(format, args...)) }
	for range 1 + r.IntN(10) {
		d.changeOne(r, note)
	}
	switch r.IntN(16) {
	case 0, 1, 2, 3:
		d.exchange(r, note)
	case 4:
		for _, ref := range slices.Sorted(maps.Keys(d.pages)) {
			p := d.pages[ref]
			p.audience, p.users, p.groups, p.allOf = listed, some(r, d.people, 1), nil, nil
			d.pages[ref] = p
		}
		note("every page has one reader")
	case 5:
		for _, ref := range slices.Sorted(maps.Keys(d.groups)) {
			g := d.groups[ref]
			g.members = some(r, d.people, 3)
			d.groups[ref] = g
		}
		note("every group has other members")
	case 6:
		for _, ref := range some(r, d.people, len(d.people)/2) {
			delete(d.people, ref)
		}
		note("half of the people go")
	}
	return what
}

// exchange makes groups that only together find some page exchange their members, if there
// are such groups: at no time may a person be in both.
func (d *directory) exchange(r *rand.Rand, note func(string, ...any)) {
	for _, ref := range some(r, d.pages, len(d.pages)) {
		for _, set := range d.pages[ref].allOf {
			if len(set) < 2 {
				continue
			}
			a, aThere := d.groups[set[0]]
			b, bThere := d.groups[set[1]]
			if aThere && bThere {
				a.members, b.members = b.members, a.members
				d.groups[set[0]], d.groups[set[1]] = a, b
				note("%v exchange their members", set)
				return
			}
		}
	}
}

func (d *directory) changeOne(r *rand.Rand, note func(string, ...any)) {
	one := func(refs []string) string { return append(refs, "")[0] }
	person, group, ref := one(some(r, d.people, 1)), one(some(r, d.groups, 1)), one(some(r, d.pages, 1))
	a, g, p := d.people[person], d.groups[group], d.pages[ref]
	switch kind := r.IntN(16); {
	case kind == 0:
		d.people[d.name("person")] = account{email: d.email(), name: d.name("Name"), inactive: chance(r, 20)}
		note("a new person")
	case kind == 1:
		d.groups[d.name("group")] = d.circle(r)
		note("a new group")
	case kind == 2:
		d.pages[d.name("page")] = d.page(r)
		note("a new page")
	case kind <= 8 && person == "" || group == "" || ref == "":
	case kind == 3 && len(d.people) > 2:
		delete(d.people, person)
		note("%s goes", person)
		if chance(r, 30) {
			d.people[d.name("person")] = account{email: a.email, name: d.name("Name")}
			note("somebody else has the address %s", a.email)
		}
	case kind == 4:
		a.inactive = !a.inactive
		d.people[person] = a
		note("%s is inactive: %v", person, a.inactive)
	case kind == 5:
		a.email = d.email()
		d.people[person] = a
		note("%s has the address %s", person, a.email)
	case kind == 6:
		a.name = d.name("Name")
		d.people[person] = a
		note("%s has another name", person)
	case kind == 7 && len(d.groups) > 1:
		delete(d.groups, group)
		note("%s goes", group)
	case kind <= 9:
		g.members = some(r, d.people, r.IntN(5))
		d.groups[group] = g
		note("%s has the members %v", group, g.members)
	case kind == 10:
		g.subgroups = slices.DeleteFunc(some(r, d.groups, r.IntN(3)), func(s string) bool { return s == group })
		d.groups[group] = g
		note("%s has the subgroups %v", group, g.subgroups)
	case kind == 11 && len(d.pages) > 3:
		delete(d.pages, ref)
		note("%s goes", ref)
	case kind == 12:
		p.text = d.name("Text")
		d.pages[ref] = p
		note("%s has another text", ref)
	default:
		d.share(r, &p)
		if chance(r, 30) {
			p.text = d.name("Text")
		}
		d.pages[ref] = p
		note("%s is for %s %v %v %v", ref, p.audience, p.users, p.groups, p.allOf)
	}
}

// records returns the lines of the catalog's file, without hidden documents if full.
func (d *directory) records(t testing.TB, withHidden bool) []byte {
	t.Helper()
	var out []byte
	add := func(record map[string]any) {
		b, err := codec.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		out = append(append(out, b...), '\n')
	}
	for _, ref := range slices.Sorted(maps.Keys(d.people)) {
		a := d.people[ref]
		add(map[string]any{"id": ref, "kind": "person", "title": a.name, "email": a.email, "active": !a.inactive})
	}
	for _, ref := range slices.Sorted(maps.Keys(d.groups)) {
		g := d.groups[ref]
		add(map[string]any{"id": ref, "kind": "team", "members": g.members, "subgroups": g.subgroups})
	}
	for _, ref := range slices.Sorted(maps.Keys(d.pages)) {
		p := d.pages[ref]
		if p.hidden && !withHidden {
			continue
		}
		sets := p.allOf
		if sets == nil {
			sets = [][]string{}
		}
		add(map[string]any{"id": ref, "kind": "page", "title": ref, "text": p.text, "audience": p.audience,
			"users": append([]string{}, p.users...), "groups": append([]string{}, p.groups...), "allOf": sets})
	}
	return out
}

// publishPipeline reads a directory from a file. No guard refuses anything.
const publishPipeline = `version: 1
name: directory
source:
  file:
    path: ${CATALOG}
    identities: [person, team]
    kinds: {page: true}
mapping:
  users:
    when: kind == "person"
    fields: {id: ref, email: email, name: title, isActive: record.active}
  groups:
    when: kind == "team"
    fields: {id: ref, members: record.members, subgroups: record.subgroups}
  documents:
    when: kind == "page"
    fields:
      id: ref
      objectType: kind
      title: title
      viewURL: '"https://pages.example.com/" + ref'
      body: record.text
permissions:
  rules:
    - {name: everybody, when: record.audience == "all-users", allow: all-users}
    - {name: users, when: record.audience == "datasource-users", allow: datasource-users}
    - name: listed
      when: record.audience == "listed"
      allow: {users: record.users, groups: record.groups, all_of: record.allOf}
  default: none
guards:
  max_loss: {share: 100%, items: 100000}
  max_widen: {share: 100%, items: 100000}
  max_growth: {share: 100%, people: 100000}
sink:
  glean:
    server_url: ${GLEAN_SERVER_URL}
    token: ${GLEAN_INDEXING_API_KEY}
    requests_per_second: 0
    recovery_wait: 20ms
    batch: {documents: 6}
    datasource:
      name: directory
      displayName: Directory
      datasourceCategory: KNOWLEDGE_HUB
      isUserReferencedByEmail: true
      homeUrl: https://pages.example.com/
      urlRegex: https://pages\.example\.com/.*
      objectDefinitions:
        - {name: page, displayLabel: Page, docCategory: KNOWLEDGE_HUB}
`

// guest signs in to Glean and is in no directory.
const guest = "guest@example.com"

// identities are the active people and their groups, in any of several directories.
type identities struct {
	known  map[string]bool            // addresses of users
	active map[string]bool            // likewise
	in     map[string]map[string]bool // groups by the address of a user, or, by group, its direct members
}

func identitiesOf(of ...*directory) identities {
	i := identities{map[string]bool{}, map[string]bool{}, map[string]map[string]bool{}}
	join := func(member, group string) {
		if i.in[member] == nil {
			i.in[member] = map[string]bool{}
		}
		i.in[member][group] = true
	}
	for _, d := range of {
		for _, a := range d.people {
			i.known[a.email] = true
			i.active[a.email] = i.active[a.email] || !a.inactive
		}
		for ref, g := range d.groups {
			for _, m := range g.members {
				if a, ok := d.people[m]; ok {
					join(a.email, ref)
				}
			}
			for _, m := range g.subgroups {
				if _, ok := d.groups[m]; ok {
					join(m, ref)
				}
			}
		}
	}
	return i
}

// groupsOf are the groups that an address is in, through others too.
func (i identities) groupsOf(email string) map[string]bool {
	out := map[string]bool{}
	next := []string{email}
	for len(next) > 0 {
		member := next[0]
		next = next[1:]
		for group := range i.in[member] {
			if !out[group] {
				out[group] = true
				next = append(next, group)
			}
		}
	}
	return out
}

// finds returns the pages of a directory that an address finds with the given identities. An
// address that is not in all of them may be a guest.
func (d *directory) finds(email string, i identities, maybeGuest bool) map[string]bool {
	out := map[string]bool{}
	groups := i.groupsOf(email)
	for ref, p := range d.pages {
		ok := false
		switch {
		case p.hidden || p.audience == nobody:
		case p.audience == signedIn:
			ok = !i.known[email] || i.active[email] || maybeGuest
		case !i.active[email]:
		case p.audience == delivered:
			ok = true
		default:
			ok = slices.ContainsFunc(p.users, func(u string) bool {
				a, there := d.people[u]
				return there && a.email == email
			}) || slices.ContainsFunc(p.groups, func(g string) bool {
				_, there := d.groups[g]
				return there && groups[g]
			}) || slices.ContainsFunc(p.allOf, func(set []string) bool {
				return len(set) > 0 && !slices.ContainsFunc(set, func(g string) bool {
					_, there := d.groups[g]
					return !there || !groups[g]
				})
			})
		}
		if ok {
			out[ref] = true
		}
	}
	return out
}

// reach is what each address finds.
type reach map[string]map[string]bool

func (f reach) add(email, id string) {
	if f[email] == nil {
		f[email] = map[string]bool{}
	}
	f[email][id] = true
}

// reach is who finds what in a directory, of some addresses.
func (d *directory) reach(emails []string) reach {
	i, out := identitiesOf(d), reach{}
	for _, email := range emails {
		for id := range d.finds(email, i, false) {
			out.add(email, id)
		}
	}
	return out
}

// widest is who finds what at most while any of some directories may be in effect in part:
// the pages of each, with the memberships of all.
func widest(emails []string, of ...*directory) reach {
	i, out := identitiesOf(of...), reach{}
	for _, email := range emails {
		known := 0
		for _, d := range of {
			if slices.ContainsFunc(slices.Collect(maps.Values(d.people)), func(a account) bool { return a.email == email }) {
				known++
			}
		}
		for _, d := range of {
			for id := range d.finds(email, i, known < len(of)) {
				out.add(email, id)
			}
		}
	}
	return out
}

// emails are the addresses of a directory.
func (d *directory) emails() (out []string) {
	for _, a := range d.people {
		out = append(out, strings.ToLower(a.email))
	}
	return out
}
