package glean

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// TestRun is the whole way: who finds what in the end.
func TestRun(t *testing.T) {
	f := start(t, sandbox.Rules{RefuseUnknownPrincipals: true, StrictIDs: true})
	twin := item("users", "user:other/ann", "id", "user:other/ann", "email", "ANN@x.example", "name", "Ann")
	public := doc("public")
	public.Permissions.Audience = access.AllUsers
	owned := doc("owned", "group:default/a")
	owned.Fields = append(owned.Fields, component.Field{Name: "owner", Value: "user:default/ann"},
		component.Field{Name: "author", Value: "group:default/a"},
		component.Field{Name: "tags", Value: []string{"x"}}, component.Field{Name: "createdAt", Value: int64(1700000000)},
		component.Field{Name: "container", Value: "S"}, component.Field{Name: "containerObjectType", Value: "domain"},
		component.Field{Name: "containerDatasourceId", Value: "domain:default/s"},
		component.Field{Name: "customProperties", Value: []component.Field{{Name: "type", Value: "service"},
			{Name: "stars", Value: int64(5)}, {Name: "langs", Value: "go"}}})
	items := []*component.Item{
		user("ann"), user("bob"), user("cid"), twin,
		group("a", "user:default/ann", "user:default/gone"), group("b", "user:other/ann", "user:default/bob"), group("empty"),
		item("groups", "group:default/root", "id", "group:default/root", "members", []string{"user:default/cid"},
			"subgroups", []string{"group:default/b", "group:default/root"}),
		doc("all"), public, owned,
		doc("b", "group:default/b"), doc("root", "group:default/root"),
		doc("one", "user:default/bob", "user:default/bob", "group:default/gone"),
		doc("nobody", "group:default/gone", "user:default/gone"),
	}
	slices.Reverse(items) // the order of encoding does not matter
	if err := f.run(items...); err != nil {
		t.Fatal(err)
	}
	index := f.index()
	for id, want := range map[string]string{
		"all": "ann bob cid", "public": "ann bob cid", "owned": "ann", "b": "ann bob", "root": "ann bob cid", "one": "bob",
		"nobody": "",
	} {
		got := strings.ReplaceAll(strings.Join(index.WhoFinds("component:default/"+id), " "), "@x.example", "")
		if got != want {
			t.Errorf("%s is found by %q, want %q", id, got, want)
		}
	}
	if got := strings.Join(f.ids(), " "); got != "all b one owned public root" {
		t.Errorf("documents: %s", got)
	}
	if m, ok := index.Memberships["group:default/empty"]; !ok || len(m) != 0 {
		t.Errorf("the empty group had no upload: %v", index.Memberships)
	}
	if got := fmt.Sprint(index.Memberships["group:default/b"], index.Memberships["group:default/root"]); got != "[{ann@x.example } {bob@x.example }] [{cid@x.example } { group:default/b}]" {
		t.Errorf("members: %s", got)
	}
	d := index.Documents["component:default/owned"]
	if d.Owner == nil || d.Owner.Email != "ann@x.example" || d.Author != nil || d.Body.MimeType != "text/plain" ||
		d.Container != "S" || d.ContainerObjectType != "" || d.ContainerDatasourceID != "" {
		t.Errorf("owned: %+v", d)
	}
	if got := fmt.Sprint(d.CustomProperties, d.CreatedAt, d.Tags); got != "[{type service} {stars 5} {langs [go]}] "+
		"1700000000 [x]" {
		t.Errorf("owned: %s", got)
	}
	if got := fmt.Sprint(f.ends); got != "[users user:other/ann merged: one e-mail, one user of Glean]" {
		t.Errorf("ends: %s", got)
	}
	for _, want := range []string{
		"user:default/ann and user:other/ann have one e-mail and are one user of Glean: user:default/ann gains " +
			"group:default/b, user:other/ann gains group:default/a",
		"groups name 1 ref as members that nobody delivered as a user or group, who were left out: user:default/gone",
		"permissions name 2 refs that nobody delivered as a user or group, who were left out: group:default/gone in 2 " +
			"documents; user:default/gone in 1 document",
		"owner, author or updatedBy name 1 ref that nobody delivered as a user, and were left out: group:default/a in 1 " +
			"document",
		"containerObjectType was left out where it is not under datasource.objectDefinitions: domain in 1 document",
	} {
		if !slices.Contains(f.notes, want) {
			t.Errorf("missing the note %q in\n%s", want, strings.Join(f.notes, "\n"))
		}
	}
	if got := fmt.Sprint(f.sent); got != "map[documents:6 groups:4 memberships:4 users:3]" {
		t.Errorf("sent: %s", got)
	}
	order := []string{"bulkindexusers", "bulkindexgroups", "bulkindexmemberships", "bulkindexdocuments"}
	at := -1
	for _, path := range order {
		i := slices.Index(f.requests, path)
		if i < at {
			t.Errorf("%s came too early: %v", path, f.requests)
		}
		at = i
	}
}

// TestUserIDs: without isUserReferencedByEmail users are named by their refs.
func TestUserIDs(t *testing.T) {
	byID := func(c *settings.Config) { c.Datasource.IsUserReferencedByEmail = nil }
	f := start(t, sandbox.Rules{}, byID)
	config := catalog()
	config.IsUserReferencedByEmail = nil
	f.addDatasource(config)
	if err := f.run(user("ann"), user("bob"), group("a", "user:default/ann"), doc("a", "group:default/a"),
		doc("b", "user:default/bob")); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"a": "ann@x.example", "b": "bob@x.example"} {
		if got := strings.Join(f.index().WhoFinds("component:default/"+id), " "); got != want {
			t.Errorf("%s is found by %q", id, got)
		}
	}
}

func TestEncodeRejections(t *testing.T) {
	f := start(t, sandbox.Rules{})
	s := f.read(user("ann"))
	change := func(name string, v any) *component.Item {
		i := doc("a")
		i.Fields = slices.DeleteFunc(i.Fields, func(f component.Field) bool { return f.Name == name })
		if v != nil {
			i.Fields = append(i.Fields, component.Field{Name: name, Value: v})
		}
		return i
	}
	property := func(name string, v any) *component.Item {
		return change("customProperties", []component.Field{{Name: name, Value: v}})
	}
	for name, tc := range map[string]struct {
		item *component.Item
		want string
	}{
		"no id":                {change("id", nil), "id: is empty"},
		"id too long":          {change("id", strings.Repeat("é", 201)), "id: has 201 characters, and Glean takes 200"},
		"no type":              {change("objectType", nil), "objectType: is empty"},
		"type with underscore": {change("objectType", "a_b"), "objectType: \"a_b\" has a space or _"},
		"undeclared type": {change("objectType", "api"), "objectType: \"api\" is not under " +
			"datasource.objectDefinitions"},
		"no viewURL": {change("viewURL", nil), "viewURL: is empty"},
		"viewURL elsewhere": {change("viewURL", "https://other.example/?https://portal.example/a"),
			"viewURL: does not match"},
		"JSON body": {change("bodyType", "application/json"), "bodyType: \"application/json\" is not a type"},
		"undefined property": {property("tier", "1"), "customProperties.tier: is not defined for object type " +
			"component"},
		"list for a word": {property("type", []string{"a"}), "customProperties.type: it is a list, and its type " +
			"is PICKLIST"},
		"text for a number":     {property("stars", "many"), "customProperties.stars: it is text, and its type is INT"},
		"fraction for a number": {property("stars", 1.5), "customProperties.stars: it is not a whole number"},
		"text for a date":       {property("since", "2026-01-01"), "write epoch(…)"},
		"user without e-mail":   {item("users", "user:default/a", "id", "user:default/a"), "email: is empty"},
		"user without id":       {item("users", "user:default/a", "email", "a@x"), "id: is empty"},
		"not an e-mail": {item("users", "user:default/a", "id", "user:default/a", "email", "a b@x"),
			"email: is not an e-mail address"},
		"e-mail of another scheme": {item("users", "user:default/a", "id", "user:default/a", "email", "smtp:a@x"),
			"email: is not an e-mail address"},
		"group with white space":    {item("groups", "group:default/a", "id", "group:default/a b"), "id: has white space"},
		"one of Glean's own groups": {item("groups", "group:default/a", "id", "scio:all"), "id: starts with \"scio\""},
		"no such stream":            {item("teams", "group:default/a"), "Glean has no such stream"},
	} {
		e, kept, err := s.Encode(tc.item)
		var r *fault.Rejection
		if !errors.As(err, &r) || r.Stage != "encode" || !strings.Contains(err.Error(), tc.want) || kept {
			t.Errorf("%s: %v %v %v", name, e, kept, err)
		}
	}
}

// TestID: ids that differ in case only are one.
func TestID(t *testing.T) {
	f := start(t, sandbox.Rules{})
	d := doc("a")
	d.Fields[0].Value = "Component:default/A"
	e, _, err := f.read(user("ann")).Encode(d)
	if err != nil || e.ID != "component:default/a" || !strings.Contains(string(e.Body), "Component:default/A") {
		t.Errorf("%+v %s %v", e, e.Body, err)
	}
}

// TestUndecided: what was not decided is not made permissions of (invariant 2).
func TestUndecided(t *testing.T) {
	f := start(t, sandbox.Rules{})
	s := f.read(user("ann"))
	d := doc("a")
	d.Permissions = access.Permissions{}
	e, _, err := s.Encode(d)
	if err != nil || e.Audience != access.Undecided || strings.Contains(string(e.Body), "allow") {
		t.Errorf("%+v %s %v", e, e.Body, err)
	}
}

// TestOnly: a stream that is not written is resolved and not sent.
func TestOnly(t *testing.T) {
	f := start(t, sandbox.Rules{})
	for only, want := range map[string]string{
		"documents": "bulkindexdocuments", "users": "bulkindexusers", "groups": "bulkindexgroups bulkindexmemberships",
	} {
		f.reset()
		s := f.readOnly(func(stream string) bool { return stream == only }, user("ann"), group("a", "user:default/ann"),
			doc("a", "group:default/a"))
		if err := f.publish(s); err != nil {
			t.Fatal(err)
		}
		var bulk []string
		for _, r := range f.requests {
			if strings.HasPrefix(r, "bulk") {
				bulk = append(bulk, r)
			}
		}
		if got := strings.Join(bulk, " "); got != want || (len(f.staged["memberships"]) > 0) != (only == "groups") {
			t.Errorf("only %s: %s, %d memberships staged", only, got, len(f.staged["memberships"]))
		}
	}
}

func TestNobodyCanFind(t *testing.T) {
	f := start(t, sandbox.Rules{})
	f.read(doc("a"), doc("b"))
	if !f.noted("no active user with an e-mail was delivered, so that nobody will find 2 documents") {
		t.Errorf("notes: %q", f.notes)
	}
}

func TestHolds(t *testing.T) {
	f := start(t, sandbox.Rules{})
	if err := f.run(user("ann"), user("bob"), group("a", "user:default/ann", "user:default/bob"),
		group("b", "user:default/bob"), group("c"), doc("a"), doc("b")); err != nil {
		t.Fatal(err)
	}
	if m := f.staged["memberships"]; fmt.Sprint(m[0].Principals, m[1].Principals,
		m[2].Principals) != "[user ann@x.example user bob@x.example] [user bob@x.example] []" {
		t.Errorf("members: %v %v %v", m[0].Principals, m[1].Principals, m[2].Principals)
	}
	h, err := f.read().Holds(t.Context())
	if err != nil || fmt.Sprint(h.Streams) != "map[documents:2 groups:3 memberships:3 users:2]" ||
		h.Types["documents"]["component"] != 2 {
		t.Errorf("%+v %v", h, err)
	}

	for _, status := range []int{404, 410} {
		f.server.Fail(faults.Fault{Path: "/status", Status: status})
		if h, err := f.read().Holds(t.Context()); err != nil || len(h.Streams) > 0 {
			t.Errorf("status %d: %+v %v", status, h, err)
		}
		f.server.Heal()
	}

	missing := start(t, sandbox.Rules{}, func(c *settings.Config) { c.Datasource.Name = "portal" })
	_, err = missing.read().Holds(t.Context())
	if err == nil || !strings.Contains(err.Error(), `Glean has no datasource "portal"`) ||
		!strings.Contains(fault.RemedyOf(err), "pipe datasource apply") {
		t.Errorf("%v", err)
	}

	named := start(t, sandbox.Rules{EchoCustomNames: true})
	if _, err := named.read().Holds(t.Context()); err != nil {
		t.Errorf("CUSTOM_ before the name: %v", err)
	}
}

// TestStatusShapes: each stream is known by its own count; what cannot be read
// says nothing.
func TestStatusShapes(t *testing.T) {
	const good = `{"documents":{"counts":{"uploaded":[{"objectType":"component","count":2}]}},` +
		`"identity":{"users":{"counts":{"uploaded":1}},"groups":{"counts":{"uploaded":1}},` +
		`"memberships":{"counts":{"uploaded":1}}}}`
	const all, people = "map[documents:2 groups:1 memberships:1 users:1]", "map[groups:1 memberships:1 users:1]"
	f := start(t, sandbox.Rules{})
	for name, tc := range map[string]struct{ old, new, want string }{
		"good": {"", "", all},
		"an empty index": {`[{"objectType":"component","count":2}]`, `[]`, "map[documents:0 groups:1 " +
			"memberships:1 users:1]"},
		"no list of documents":   {`[{"objectType":"component","count":2}]`, `null`, people},
		"documents as a number":  {`[{"objectType":"component","count":2}]`, `200`, "map[]"},
		"documents without one":  {`"count":2`, `"number":2`, people},
		"no counts of documents": {`"documents":{"counts"`, `"documents":{"numbers"`, people},
		"no users":               {`"users":`, `"people":`, "map[documents:2 groups:1 memberships:1 users:0]"},
		"no counts of users": {`"users":{"counts":{"uploaded":1}}`, `"users":{}`, "map[documents:2 groups:1 " +
			"memberships:1 users:0]"},
		"no memberships": {`"memberships":{"counts":{"uploaded":1}}`, `"memberships":{"counts":{}}`, "map[documents:2 " +
			"groups:1 memberships:0 users:1]"},
		"an envelope": {good, `{"status":` + good + `}`, "map[]"},
		"a list":      {good, `[` + good + `]`, "map[]"},
		"nothing":     {good, `{}`, "map[]"},
	} {
		body := strings.Replace(good, tc.old, tc.new, 1)
		f.server.Fail(faults.Fault{Path: "/status", Status: 200, Header: http.Header{"Content-Type": {"application/json"}},
			Body: body})
		h, err := f.read().Holds(t.Context())
		if got := fmt.Sprint(h.Streams); err != nil || got != tc.want {
			t.Errorf("%s: %s, want %s, %v", name, got, tc.want, err)
		}
		f.server.Heal()
	}
}

func TestDiffering(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*settings.Config)
		want   string
	}{
		"references": {func(c *settings.Config) { c.Datasource.IsUserReferencedByEmail = nil }, "isUserReferencedByEmail " +
			"is false in the file and true in Glean"},
		"addresses": {func(c *settings.Config) { c.Datasource.URLRegex = ".*" }, "urlRegex is .* in the file"},
		"object type": {func(c *settings.Config) { c.Datasource.ObjectDefinitions[1].Name = "api" }, "object type api is " +
			"not defined in Glean"},
		"property": {func(c *settings.Config) { c.Datasource.ObjectDefinitions[0].PropertyDefinitions[0].Name = "tier" },
			"object type component has no property tier in Glean"},
		"property type": {func(c *settings.Config) {
			c.Datasource.ObjectDefinitions[0].PropertyDefinitions[0].PropertyType = "TEXT"
		}, "property type is TEXT in the file and PICKLIST in Glean"},
	} {
		f := start(t, sandbox.Rules{}, tc.change)
		_, err := f.read().Holds(t.Context())
		if err == nil || !strings.Contains(err.Error(), tc.want) || fault.ClassOf(err) != fault.Fatal {
			t.Errorf("%s: %v", name, err)
		}
		if slices.ContainsFunc(f.requests, func(r string) bool { return strings.HasPrefix(r, "bulk") }) {
			t.Errorf("%s: something was sent: %v", name, f.requests)
		}
	}
	f := start(t, sandbox.Rules{}, func(c *settings.Config) { c.Datasource.ObjectDefinitions = c.Datasource.ObjectDefinitions[:1] })
	if _, err := f.read().Holds(t.Context()); err != nil {
		t.Errorf("what Glean has beyond the file is no concern: %v", err)
	}
}

func (f *fixture) addDatasource(c api.DatasourceConfig) {
	f.t.Helper()
	f.post(api.PathAddDatasource, c)
}
