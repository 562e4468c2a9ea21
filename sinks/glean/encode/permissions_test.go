package encode_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// TestPrincipals: the principals of a document and a group, as the guards compare them.
func TestPrincipals(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	sam := gleantest.Item("users", "user:default/sam", "id", "user:default/sam", "email", "Sam@X.example", "name", "Sam")
	twin := gleantest.Item("users", "user:other/sam", "id", "user:other/sam", "email", "sam@x.example", "name", "Sam")
	s := f.Read(sam, twin, gleantest.Group("a", "user:other/sam"),
		gleantest.Item("groups", "group:default/b", "id", "group:default/b",
			"subgroups", []string{"group:default/a"}, "members", []string{"user:default/sam"}))
	for _, tc := range []struct {
		d    *component.Item
		want string
	}{
		{gleantest.Doc("all"), "[]"},
		{gleantest.Doc("one", "user:default/sam", "user:other/sam", "group:default/b", "group:default/a",
			"group:default/gone"),
			"[group group:default/a group group:default/b user sam@x.example]"},
		{gleantest.Doc("nobody", "group:default/gone"), "[]"},
	} {
		e, _, err := s.Encode(tc.d)
		if got := fmt.Sprint(e.Principals); err != nil || got != tc.want {
			t.Errorf("%s: %s, want %s, %v", tc.d.Ref, got, tc.want, err)
		}
	}
	if m := f.Staged["memberships"]; fmt.Sprint(m[0].Principals,
		m[1].Principals) != "[user sam@x.example] [group group:default/a user sam@x.example]" {
		t.Errorf("%v %v", m[0].Principals, m[1].Principals)
	}

	byID := gleantest.Start(t, sandbox.Rules{}, func(c *settings.Config) { c.Datasource.IsUserReferencedByEmail = nil })
	e, _, err := byID.Read(sam).Encode(gleantest.Doc("one", "user:default/sam"))
	if err != nil || fmt.Sprint(e.Principals) != "[user user:default/sam]" {
		t.Errorf("by id: %v %v", e.Principals, err)
	}
}

// TestDuplicateIDsInOtherCase: Glean may treat groups whose names differ only in case as
// one, so both are rejected.
func TestDuplicateIDsInOtherCase(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{GroupsIgnoreCase: true})
	if err := f.Run(gleantest.User("ann"), gleantest.User("bob"), gleantest.Group("Team", "user:default/ann"),
		gleantest.Group("team", "user:default/bob"),
		gleantest.Group("x"), gleantest.Doc("a", "group:default/team"), gleantest.Doc("b")); err != nil {
		t.Fatal(err)
	}
	if len(f.Index().Groups) != 1 || len(f.IDs()) != 1 || !strings.Contains(fmt.Sprint(f.Ends),
		"2 users or groups have the id") {
		t.Errorf("%v %v %v", f.Index().Groups, f.IDs(), f.Ends)
	}
}
