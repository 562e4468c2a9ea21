package encode_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// TestInactive: an inactive user is delivered as inactive and may own documents, but is in
// no permissions and no group.
func TestInactive(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	owned := gleantest.DocOf("owned", []string{"user:default/old", "user:default/ann"})
	owned.Fields = append(owned.Fields, component.Field{Name: "owner", Value: "user:default/old"})
	s := f.Read(gleantest.User("ann"), gleantest.Inactive("old"),
		gleantest.Group("a", "user:default/old", "user:default/ann"))
	e, _, err := s.Encode(owned)
	if err != nil || !strings.Contains(string(e.Body), `"owner":{"email":"old@x.example"}`) ||
		fmt.Sprint(e.Principals) != "[user ann@x.example]" {
		t.Errorf("%v %v %s", err, e.Principals, e.Body)
	}
	if e, _, err := s.Encode(gleantest.DocOf("theirs", []string{"user:default/old"})); err != nil ||
		e.Audience != access.Nobody {
		t.Errorf("what only they may find: %v %v", e.Audience, err)
	}
	if users := f.Staged["users"]; len(users) != 2 || !strings.Contains(string(users[1].Body), `"isActive":false`) ||
		strings.Contains(string(users[0].Body), "isActive") {
		t.Errorf("%s %s", users[0].Body, users[1].Body)
	}
	if m := f.Staged["memberships"]; fmt.Sprint(m[0].Principals) != "[user ann@x.example]" {
		t.Errorf("%v", m[0].Principals)
	}
	if notes := strings.Join(s.Notes(), "\n"); !strings.Contains(notes,
		"permissions name 1 ref that is an inactive user; it was left out: user:default/old in 2 documents") {
		t.Error(notes)
	}
}

// TestInactiveTwin: one of two users with one e-mail has left. Glean's user is
// active, and the one who left passes on no group.
func TestInactiveTwin(t *testing.T) {
	for _, first := range []string{"user:a/sam", "user:z/sam"} {
		f := gleantest.Start(t, sandbox.Rules{})
		gone := gleantest.Item("users", first, "id", first, "email", "sam@x.example", "isActive", false)
		here := gleantest.Item("users", "user:m/sam", "id", "user:m/sam", "email", "Sam@x.example", "isActive", true)
		s := f.Read(gone, here, gleantest.Group("old", first), gleantest.Group("new", "user:m/sam"))
		if u := f.Staged["users"]; len(u) != 1 || strings.Contains(string(u[0].Body), "isActive") {
			t.Errorf("%s: %d %s", first, len(u), u[0].Body)
		}
		if m := f.Staged["memberships"]; len(m[0].Principals) != 1 || len(m[1].Principals) != 0 {
			t.Errorf("%s: %v %v", first, m[0].Principals, m[1].Principals)
		}
		if f.Noted("have the same e-mail") {
			t.Errorf("%s: nobody gains anything: %v", first, f.Notes)
		}
		if e, _, err := s.Encode(gleantest.DocOf("x", []string{first})); err != nil || e.Audience != access.Nobody {
			t.Errorf("%s: %v %v", first, e.Audience, err)
		}
	}
}

// TestAllOf: intersections are resolved whole or left out whole, and one of a
// single group is that group.
func TestAllOf(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	s := f.Read(gleantest.User("ann"), gleantest.Group("a"), gleantest.Group("b"),
		gleantest.Item("groups", "group:default/c", "id", "group:default/c", "name",
			"squad-c"))
	a, b, c, ghost := "group:default/a", "group:default/b", "group:default/c", "group:default/ghost"
	for name, tc := range map[string]struct {
		principals []string
		allOf      [][]string
		want       string // permissions
		named      string
	}{
		"two": {nil, [][]string{{c, a}}, `{"allowedGroupIntersections":[{"requiredGroups":["group:default/a",` +
			`"squad-c"]}]}`, "[] [[group group:default/a group squad-c]]"},
		"twice": {nil, [][]string{{a, b}, {b, a}}, `{"allowedGroupIntersections":[{"requiredGroups":["group:default/a",` +
			`"group:default/b"]}]}`, "[] [[group group:default/a group group:default/b]]"},
		"one": {[]string{a}, [][]string{{a, a}, {b}}, `{"allowedGroups":["group:default/a","group:default/b"]}`,
			"[group group:default/a group group:default/b] []"},
		"unknown in one": {nil, [][]string{{a, ghost}, {a, b}},
			`{"allowedGroupIntersections":[{"requiredGroups":["group:default/a","group:default/b"]}]}`,
			"[] [[group group:default/a group group:default/b]]"},
		"unknown": {nil, [][]string{{a, ghost}}, "", "[] []"},
		"a user":  {nil, [][]string{{"user:default/ann", a}}, "", "[] []"},
		"nothing": {nil, [][]string{{}}, "", "[] []"},
		"with a user": {[]string{"user:default/ann"}, [][]string{{a, ghost}},
			`{"allowedUsers":[{"email":"ann@x.example"}]}`, "[user ann@x.example] []"},
	} {
		e, _, err := s.Encode(gleantest.DocOf(name, tc.principals, tc.allOf...))
		_, body, _ := strings.Cut(string(e.Body), `"permissions":`)
		if err != nil || (e.Audience == access.Nobody) != (tc.want == "") || tc.want != "" && body != tc.want+"}" ||
			fmt.Sprint(e.Principals, e.AllOf) != tc.named {
			t.Errorf("%s: %v %v %v %v %s", name, err, e.Audience, e.Principals, e.AllOf, body)
		}
	}
	notes := strings.Join(s.Notes(), "\n")
	for _, want := range []string{"group:default/a and group:default/ghost, where group:default/ghost is not a " +
		"delivered group in 3 documents", "where user:default/ann is a user in 1 document"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in\n%s", want, notes)
		}
	}
}

// TestNamesakes: users that Glean would confuse are all rejected.
func TestNamesakes(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{}, func(c *settings.Config) { c.Datasource.IsUserReferencedByEmail = nil })
	named := func(ref, id, mail string) *component.Item {
		return gleantest.Item("users", ref, "id", ref, "email", mail, "userId", id)
	}
	f.Read(named("user:d/a", "x", "a@x.example"), named("user:d/b", "X", "b@x.example"),
		named("user:d/c", "y", "c@x.example"), named("user:e/c", "y", "C@x.example"),
		gleantest.Item("groups", "group:d/a", "id", "group:d/a", "name", "team"),
		gleantest.Item("groups", "group:d/b", "id", "group:d/b", "name", "Team"),
		gleantest.Item("groups", "group:d/c", "id", "group:d/c"))
	if len(f.Staged["users"]) != 1 || len(f.Staged["groups"]) != 1 ||
		!strings.Contains(string(f.Staged["users"][0].Body), `"userId":"y"`) {
		t.Errorf("%d users, %d groups", len(f.Staged["users"]), len(f.Staged["groups"]))
	}
	ends := slices.DeleteFunc(slices.Clone(f.Ends), func(e string) bool {
		return !strings.Contains(e,
			"all of them are rejected")
	})
	if len(ends) != 4 {
		t.Errorf("%q", f.Ends)
	}
}
