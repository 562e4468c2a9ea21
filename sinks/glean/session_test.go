package glean_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// TestRun is the whole way: who finds what in the end.
func TestRun(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{RefuseUnknownPrincipals: true, StrictIDs: true})
	twin := gleantest.Item("users", "user:other/ann", "id", "user:other/ann", "email", "ANN@x.example", "name", "Ann")
	public := gleantest.Doc("public")
	public.Permissions.Audience = access.AllUsers
	owned := gleantest.Doc("owned", "group:default/a")
	owned.Fields = append(owned.Fields, component.Field{Name: "owner", Value: "user:default/ann"},
		component.Field{Name: "author", Value: "group:default/a"},
		component.Field{Name: "tags", Value: []string{"x"}}, component.Field{Name: "createdAt", Value: int64(1700000000)},
		component.Field{Name: "container", Value: "S"}, component.Field{Name: "containerObjectType", Value: "domain"},
		component.Field{Name: "containerDatasourceId", Value: "domain:default/s"},
		component.Field{Name: "customProperties", Value: []component.Field{{Name: "type", Value: "service"},
			{Name: "stars", Value: int64(5)}, {Name: "langs", Value: "go"}}})
	items := []*component.Item{
		gleantest.User("ann"), gleantest.User("bob"), gleantest.User("cid"), twin,
		gleantest.Group("a", "user:default/ann", "user:default/gone"),
		gleantest.Group("b", "user:other/ann", "user:default/bob"), gleantest.Group("empty"),
		gleantest.Item("groups", "group:default/root", "id", "group:default/root", "members", []string{"user:default/cid"},
			"subgroups", []string{"group:default/b", "group:default/root"}),
		gleantest.Doc("all"), public, owned,
		gleantest.Doc("b", "group:default/b"), gleantest.Doc("root", "group:default/root"),
		gleantest.Doc("one", "user:default/bob", "user:default/bob", "group:default/gone"),
		gleantest.Doc("nobody", "group:default/gone", "user:default/gone"),
	}
	slices.Reverse(items) // the order of encoding does not matter
	if err := f.Run(items...); err != nil {
		t.Fatal(err)
	}
	index := f.Index()
	for id, want := range map[string]string{
		"all": "ann bob cid", "public": "ann bob cid", "owned": "ann", "b": "ann bob", "root": "ann bob cid", "one": "bob",
		"nobody": "",
	} {
		got := strings.ReplaceAll(strings.Join(index.WhoFinds("component:default/"+id), " "), "@x.example", "")
		if got != want {
			t.Errorf("%s is found by %q, want %q", id, got, want)
		}
	}
	if got := strings.Join(f.IDs(), " "); got != "all b one owned public root" {
		t.Errorf("documents: %s", got)
	}
	if m, ok := index.Memberships["group:default/empty"]; !ok || len(m) != 0 {
		t.Errorf("the empty group had no upload: %v", index.Memberships)
	}
	if got := fmt.Sprint(index.Memberships["group:default/b"],
		index.Memberships["group:default/root"]); got != "[{ann@x.example } {bob@x.example }] [{cid@x.example } { "+
		"group:default/b}]" {
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
	if got := fmt.Sprint(f.Ends); got != "[users user:other/ann merged: same e-mail, one user in Glean]" {
		t.Errorf("ends: %s", got)
	}
	for _, want := range []string{
		"user:default/ann and user:other/ann have the same e-mail and are one user in Glean: user:default/ann " +
			"gains group:default/b, user:other/ann gains group:default/a",
		"groups name 1 ref as members that is not a delivered user or group; it was left out: user:default/gone",
		"permissions name 2 refs that are not delivered users or groups; they were left out: group:default/gone " +
			"in 2 documents; user:default/gone in 1 document",
		"owner, author or updatedBy name 1 ref that is not a delivered user; it was left out: group:default/a in " +
			"1 document",
		"containerObjectType was left out where it is not under datasource.objectDefinitions: domain in 1 document",
	} {
		if !slices.Contains(f.Notes, want) {
			t.Errorf("missing the note %q in\n%s", want, strings.Join(f.Notes, "\n"))
		}
	}
	if got := fmt.Sprint(f.Sent); got != "map[documents:6 groups:4 memberships:4 users:3]" {
		t.Errorf("sent: %s", got)
	}
	order := []string{"bulkindexusers", "bulkindexgroups", "bulkindexmemberships", "bulkindexdocuments"}
	at := -1
	for _, path := range order {
		i := slices.Index(f.Requests, path)
		if i < at {
			t.Errorf("%s came too early: %v", path, f.Requests)
		}
		at = i
	}
}

// TestOnly: a stream that is not written is resolved and not sent.
func TestOnly(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	for only, want := range map[string]string{
		"documents": "bulkindexdocuments", "users": "bulkindexusers", "groups": "bulkindexgroups bulkindexmemberships",
	} {
		f.Reset()
		s := f.ReadOnly(func(stream string) bool { return stream == only }, gleantest.User("ann"),
			gleantest.Group("a", "user:default/ann"),
			gleantest.Doc("a", "group:default/a"))
		if err := f.Publish(s); err != nil {
			t.Fatal(err)
		}
		var bulk []string
		for _, r := range f.Requests {
			if strings.HasPrefix(r, "bulk") {
				bulk = append(bulk, r)
			}
		}
		if got := strings.Join(bulk, " "); got != want || (len(f.Staged["memberships"]) > 0) != (only == "groups") {
			t.Errorf("only %s: %s, %d memberships staged", only, got, len(f.Staged["memberships"]))
		}
	}
}

func TestHolds(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	if err := f.Run(gleantest.User("ann"), gleantest.User("bob"),
		gleantest.Group("a", "user:default/ann", "user:default/bob"),
		gleantest.Group("b", "user:default/bob"), gleantest.Group("c"), gleantest.Doc("a"), gleantest.Doc("b")); err != nil {
		t.Fatal(err)
	}
	if m := f.Staged["memberships"]; fmt.Sprint(m[0].Principals, m[1].Principals,
		m[2].Principals) != "[user ann@x.example user bob@x.example] [user bob@x.example] []" {
		t.Errorf("members: %v %v %v", m[0].Principals, m[1].Principals, m[2].Principals)
	}
	h, err := f.Read().Holds(t.Context())
	if err != nil || fmt.Sprint(h.Streams) != "map[documents:2 groups:3 memberships:3 users:2]" ||
		h.Types["documents"]["component"] != 2 {
		t.Errorf("%+v %v", h, err)
	}

	for _, status := range []int{404, 410} {
		f.Server.Fail(faults.Fault{Path: "/status", Status: status})
		if h, err := f.Read().Holds(t.Context()); err != nil || len(h.Streams) > 0 {
			t.Errorf("status %d: %+v %v", status, h, err)
		}
		f.Server.Heal()
	}

	missing := gleantest.Start(t, sandbox.Rules{}, func(c *settings.Config) { c.Datasource.Name = "portal" })
	_, err = missing.Read().Holds(t.Context())
	if err == nil || !strings.Contains(err.Error(), `Glean has no datasource "portal"`) ||
		!strings.Contains(fault.RemedyOf(err), "pipe datasource apply") {
		t.Errorf("%v", err)
	}

	named := gleantest.Start(t, sandbox.Rules{EchoCustomNames: true})
	if _, err := named.Read().Holds(t.Context()); err != nil {
		t.Errorf("CUSTOM_ before the name: %v", err)
	}
}

// TestStatusShapes: each stream is known by its own count; an unreadable count is unknown.
func TestStatusShapes(t *testing.T) {
	const good = `{"documents":{"counts":{"uploaded":[{"objectType":"component","count":2}]}},` +
		`"identity":{"users":{"counts":{"uploaded":1}},"groups":{"counts":{"uploaded":1}},` +
		`"memberships":{"counts":{"uploaded":1}}}}`
	const all, people = "map[documents:2 groups:1 memberships:1 users:1]", "map[groups:1 memberships:1 users:1]"
	f := gleantest.Start(t, sandbox.Rules{})
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
		f.Server.Fail(faults.Fault{Path: "/status", Status: 200, Header: http.Header{"Content-Type": {"application/json"}},
			Body: body})
		h, err := f.Read().Holds(t.Context())
		if got := fmt.Sprint(h.Streams); err != nil || got != tc.want {
			t.Errorf("%s: %s, want %s, %v", name, got, tc.want, err)
		}
		f.Server.Heal()
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
		f := gleantest.Start(t, sandbox.Rules{}, tc.change)
		_, err := f.Read().Holds(t.Context())
		if err == nil || !strings.Contains(err.Error(), tc.want) || fault.ClassOf(err) != fault.Fatal {
			t.Errorf("%s: %v", name, err)
		}
		if slices.ContainsFunc(f.Requests, func(r string) bool { return strings.HasPrefix(r, "bulk") }) {
			t.Errorf("%s: something was sent: %v", name, f.Requests)
		}
	}
	f := gleantest.Start(t, sandbox.Rules{}, func(c *settings.Config) {
		c.Datasource.ObjectDefinitions = c.Datasource.ObjectDefinitions[:1]
	})
	if _, err := f.Read().Holds(t.Context()); err != nil {
		t.Errorf("what Glean has beyond the file is no concern: %v", err)
	}
}
