package glean

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// TestPrincipals: whom a document and a group name, as the guards compare them.
func TestPrincipals(t *testing.T) {
	f := start(t, sandbox.Rules{})
	sam := item("users", "user:default/sam", "id", "user:default/sam", "email", "Sam@X.example", "name", "Sam")
	twin := item("users", "user:other/sam", "id", "user:other/sam", "email", "sam@x.example", "name", "Sam")
	s := f.read(sam, twin, group("a", "user:other/sam"), item("groups", "group:default/b", "id", "group:default/b",
		"subgroups", []string{"group:default/a"}, "members", []string{"user:default/sam"}))
	for _, tc := range []struct {
		d    *component.Item
		want string
	}{
		{doc("all"), "[]"},
		{doc("one", "user:default/sam", "user:other/sam", "group:default/b", "group:default/a", "group:default/gone"),
			"[group group:default/a group group:default/b user sam@x.example]"},
		{doc("nobody", "group:default/gone"), "[]"},
	} {
		e, _, err := s.Encode(tc.d)
		if got := fmt.Sprint(e.Principals); err != nil || got != tc.want {
			t.Errorf("%s: %s, want %s, %v", tc.d.Ref, got, tc.want, err)
		}
	}
	if m := f.staged["memberships"]; fmt.Sprint(m[0].Principals,
		m[1].Principals) != "[user sam@x.example] [group group:default/a user sam@x.example]" {
		t.Errorf("%v %v", m[0].Principals, m[1].Principals)
	}

	byID := start(t, sandbox.Rules{}, func(c *settings.Config) { c.Datasource.IsUserReferencedByEmail = nil })
	e, _, err := byID.read(sam).Encode(doc("one", "user:default/sam"))
	if err != nil || fmt.Sprint(e.Principals) != "[user user:default/sam]" {
		t.Errorf("by id: %v %v", e.Principals, err)
	}
}

// TestDuplicateIDsInOtherCase: Glean may take groups whose names differ in case for
// one, so that neither is taken.
func TestDuplicateIDsInOtherCase(t *testing.T) {
	f := start(t, sandbox.Rules{GroupsIgnoreCase: true})
	if err := f.run(user("ann"), user("bob"), group("Team", "user:default/ann"), group("team", "user:default/bob"),
		group("x"), doc("a", "group:default/team"), doc("b")); err != nil {
		t.Fatal(err)
	}
	if len(f.index().Groups) != 1 || len(f.ids()) != 1 || !strings.Contains(fmt.Sprint(f.ends),
		"is the id of 2 users or groups") {
		t.Errorf("%v %v %v", f.index().Groups, f.ids(), f.ends)
	}
}
