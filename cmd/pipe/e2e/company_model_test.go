package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// firm is a small company whose catalog and whose index are both made of it,
// each in its own way: what pipe makes of the catalog must be the index.
type firm struct {
	people []person
	teams  []team
	things []thing
	given  int // names
	// Of the pipeline: who finds what says nothing itself.
	byDefault string
}

type person struct {
	ns, name, title, email string
	teams                  []string // refs
	uid                    int
}

type team struct {
	ns, name, title, parent string
	uid                     int
}

type thing struct {
	kind, ns, name, title, text string
	owner, visibility           string
	orphan, broken              bool
	documented                  bool // it has a site of TechDocs
	uid                         int
}

const visibility = "glean.com/visibility"

func (p person) ref() string { return strings.ToLower("user:" + p.ns + "/" + p.name) }
func (g team) ref() string   { return strings.ToLower("group:" + g.ns + "/" + g.name) }
func (x thing) ref() string  { return strings.ToLower(x.kind + ":" + x.ns + "/" + x.name) }

func choose[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// chance is true in percent of a hundred calls.
func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

// newFirm makes a firm of 20 to 70 entities.
func newFirm(r *rand.Rand) *firm {
	f := &firm{byDefault: choose(r, "datasource-users", "datasource-users", "owner", "all-users")}
	for range 2 + r.IntN(6) {
		f.addTeam(r)
	}
	for range 4 + r.IntN(12) {
		f.addPerson(r)
	}
	secretive := chance(r, 15) // nearly everything is its owners' own
	for range 14 + r.IntN(40) {
		f.addThing(r)
		if secretive {
			f.things[len(f.things)-1].visibility = "owner"
		}
	}
	return f
}

func (f *firm) clone() *firm {
	c := *f
	c.people, c.teams, c.things = slices.Clone(f.people), slices.Clone(f.teams), slices.Clone(f.things)
	for i := range c.people {
		c.people[i].teams = slices.Clone(c.people[i].teams)
	}
	return &c
}

func (f *firm) name(prefix string) string {
	f.given++
	return fmt.Sprintf("%s-%d", prefix, f.given)
}

func namespace(r *rand.Rand) string { return choose(r, "default", "default", "payments") }

func (f *firm) addTeam(r *rand.Rand) {
	g := team{ns: namespace(r), name: f.name(choose(r, "team", "Team"))}
	g.title = "Team " + g.name
	if len(f.teams) > 0 && chance(r, 40) {
		g.parent = choose(r, f.teams...).ref()
	}
	f.teams = append(f.teams, g)
}

func (f *firm) addPerson(r *rand.Rand) {
	p := person{ns: namespace(r), name: f.name(choose(r, "p", "P"))}
	p.title = "Person " + p.name
	p.email = f.email(r)
	for range r.IntN(3) {
		p.teams = append(p.teams, f.someTeam(r))
	}
	f.people = append(f.people, p)
}

// email returns the address of a new person: some have none, and some share another's.
func (f *firm) email(r *rand.Rand) string {
	switch {
	case chance(r, 10):
		return ""
	case len(f.people) > 0 && chance(r, 5):
		return strings.ToUpper(choose(r, f.people...).email)
	}
	return f.name("Someone") + "@example.com"
}

func (f *firm) someTeam(r *rand.Rand) string {
	if len(f.teams) == 0 || chance(r, 4) {
		return "group:default/dissolved"
	}
	return choose(r, f.teams...).ref()
}

func (f *firm) owner(r *rand.Rand) string {
	switch {
	case chance(r, 5):
		return ""
	case len(f.people) > 0 && chance(r, 25):
		return choose(r, f.people...).ref()
	}
	return f.someTeam(r)
}

func (f *firm) addThing(r *rand.Rand) {
	x := thing{kind: choose(r, "Component", "Component", "Component", "API", "Resource", "System", "Domain", "Template"),
		ns: namespace(r)}
	x.name = f.name(choose(r, "thing", "Thing"))
	x.title, x.text = f.name("Title"), f.name("Text")
	x.owner = f.owner(r)
	x.visibility = f.mark(r)
	x.orphan = chance(r, 4)
	x.broken = chance(r, 2)
	f.things = append(f.things, x)
}

func (f *firm) mark(r *rand.Rand) string {
	if chance(r, 70) {
		return ""
	}
	return choose(r, "owner", "owner", " Private ", "privat")
}

// entities is the catalog.
func (f *firm) entities(t testing.TB) [][]byte {
	t.Helper()
	var out [][]byte
	add := func(kind string, meta, spec map[string]any, uid int) {
		meta["uid"] = fmt.Sprintf("%08d-%s", uid, kind+meta["namespace"].(string)+meta["name"].(string))
		b, err := codec.Marshal(map[string]any{"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": meta,
			"spec": spec})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	for _, g := range f.teams {
		spec := map[string]any{"type": "team", "children": []any{}}
		if g.parent != "" {
			spec["parent"] = g.parent
		}
		add("Group", map[string]any{"name": g.name, "namespace": g.ns, "title": g.title}, spec, g.uid)
	}
	for _, p := range f.people {
		profile := map[string]any{"displayName": p.title}
		if p.email != "" {
			profile["email"] = p.email
		}
		add("User", map[string]any{"name": p.name, "namespace": p.ns},
			map[string]any{"profile": profile, "memberOf": p.teams}, p.uid)
	}
	for _, x := range f.things {
		annotations := map[string]any{}
		if x.visibility != "" {
			annotations[visibility] = x.visibility
		}
		if x.documented {
			annotations["backstage.io/techdocs-ref"] = "dir:."
		}
		if x.orphan {
			annotations["backstage.io/orphan"] = "true"
		}
		meta := map[string]any{"name": x.name, "namespace": x.ns, "title": x.title, "description": x.text,
			"annotations": annotations}
		if x.broken {
			meta["tags"] = map[string]any{"no": "list"}
		}
		spec := map[string]any{"type": "service", "lifecycle": "production"}
		if x.owner != "" {
			spec["owner"] = x.owner
		}
		add(x.kind, meta, spec, x.uid)
	}
	stitched, err := backstagesandbox.Stitch(out)
	if err != nil {
		t.Fatal(err)
	}
	return stitched
}

// index returns the expected index of the catalog. Only the members of documents that a firm
// knows are set.
func (f *firm) index() content {
	c := content{documents: map[string]gleanapi.Document{}, users: map[string]string{}, groups: map[string]bool{},
		members: map[string][]string{}}
	emails := map[string]string{} // by ref, of those who have one
	people := slices.SortedFunc(slices.Values(f.people), func(a, b person) int {
		return strings.Compare(a.ref(), b.ref())
	})
	for _, p := range people {
		email := strings.ToLower(p.email)
		if email == "" {
			continue
		}
		emails[p.ref()] = email
		if _, taken := c.users[email]; !taken {
			c.users[email] = p.title
		}
	}
	for _, g := range f.teams {
		c.groups[g.ref()] = true
		f.document(c, g.ref(), "team", g.title, "", g.ref(), "", emails)
	}
	for _, p := range people {
		for _, g := range p.teams {
			if email := emails[p.ref()]; email != "" && c.groups[g] && !slices.Contains(c.members[g], email) {
				c.members[g] = append(c.members[g], email)
				slices.Sort(c.members[g])
			}
		}
	}
	for _, x := range f.things {
		if !x.orphan && !x.broken {
			f.document(c, x.ref(), strings.ToLower(x.kind), x.title, x.text, x.owner, x.visibility, emails)
		}
	}
	return c
}

// document adds a document to c, unless no one may find it.
func (f *firm) document(c content, ref, objectType, title, text, owner, mark string, emails map[string]string) {
	p := &gleanapi.Permissions{}
	who := f.byDefault
	switch m := strings.ToLower(strings.TrimSpace(mark)); {
	case m == "owner" || m == "private":
		who = "owner"
	case mark != "":
		return
	}
	switch {
	case who == "all-users":
		p.AllowAnonymousAccess = true
	case who == "datasource-users":
		p.AllowAllDatasourceUsersAccess = true
	case who == "owner" && emails[owner] != "":
		p.AllowedUsers = []gleanapi.UserReference{{Email: emails[owner]}}
	case who == "owner" && c.groups[owner]:
		p.AllowedGroups = []string{owner}
	default:
		return
	}
	d := gleanapi.Document{ID: ref, ObjectType: objectType, Title: title, Permissions: p}
	if text != "" {
		d.Summary = &gleanapi.Content{MimeType: "text/plain", TextContent: text}
	}
	c.documents[ref] = d
}

// known returns an index with only the members of documents that a firm knows.
func (c content) known() content {
	documents := map[string]gleanapi.Document{}
	for id, d := range c.documents {
		documents[id] = gleanapi.Document{ID: d.ID, ObjectType: d.ObjectType, Title: d.Title, Summary: d.Summary,
			Permissions: d.Permissions}
	}
	return content{documents, c.users, c.groups, c.members}
}

// finders are the users with access by the permissions of a document in c, given the users
// and members of one of several contents; everyone for all-users.
func finders(p *gleanapi.Permissions, worlds ...content) (users map[string]bool, everyone bool) {
	users = map[string]bool{}
	if p == nil {
		return users, false
	}
	for _, u := range p.AllowedUsers {
		users[strings.ToLower(u.Email)] = true
	}
	for _, w := range worlds {
		if p.AllowAllDatasourceUsersAccess {
			for email := range w.users {
				users[email] = true
			}
		}
		for _, g := range p.AllowedGroups {
			for _, m := range w.members[g] {
				users[m] = true
			}
		}
	}
	return users, p.AllowAnonymousAccess
}

// TestFirm: random firms have every default and every kind of permission, so the tests that
// rely on them test something.
func TestFirm(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{}
	for range 50 {
		f := newFirm(r)
		f.change(r)
		seen[f.byDefault] = true
		c := f.index()
		for _, d := range c.documents {
			seen[fmt.Sprintf("%v %v", len(d.Permissions.AllowedUsers) > 0, len(d.Permissions.AllowedGroups) > 0)] = true
		}
	}
	if len(seen) != 6 {
		t.Errorf("only %v", slices.Sorted(maps.Keys(seen)))
	}
}
