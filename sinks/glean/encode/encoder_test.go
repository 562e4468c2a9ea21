package encode_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// TestUserIDs: without isUserReferencedByEmail users are named by their refs.
func TestUserIDs(t *testing.T) {
	byID := func(c *settings.Config) { c.Datasource.IsUserReferencedByEmail = nil }
	f := gleantest.Start(t, sandbox.Rules{}, byID)
	config := gleantest.Catalog()
	config.IsUserReferencedByEmail = nil
	f.AddDatasource(config)
	if err := f.Run(gleantest.User("ann"), gleantest.User("bob"), gleantest.Group("a", "user:default/ann"),
		gleantest.Doc("a", "group:default/a"),
		gleantest.Doc("b", "user:default/bob")); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"a": "ann@x.example", "b": "bob@x.example"} {
		if got := strings.Join(f.Index().WhoFinds("component:default/"+id), " "); got != want {
			t.Errorf("%s is found by %q", id, got)
		}
	}
}

func TestEncodeRejections(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	s := f.Read(gleantest.User("ann"))
	change := func(name string, v any) *component.Item {
		i := gleantest.Doc("a")
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
		"no id": {change("id", nil), "id: is empty"},
		"id too long": {change("id", strings.Repeat("é", 201)), "id: has 201 characters, but Glean " +
			"accepts 200"},
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
		"user without e-mail":   {gleantest.Item("users", "user:default/a", "id", "user:default/a"), "email: is empty"},
		"user without id":       {gleantest.Item("users", "user:default/a", "email", "a@x"), "id: is empty"},
		"not an e-mail": {gleantest.Item("users", "user:default/a", "id", "user:default/a", "email", "a b@x"),
			"email: is not an e-mail address"},
		"e-mail of another scheme": {gleantest.Item("users", "user:default/a", "id", "user:default/a", "email", "smtp:a@x"),
			"email: is not an e-mail address"},
		"group with white space": {gleantest.Item("groups", "group:default/a", "id", "group:default/a b"),
			"id: has white space"},
		"one of Glean's own groups": {gleantest.Item("groups", "group:default/a", "id", "scio:all"),
			"id: starts with \"scio\""},
		"no such stream": {gleantest.Item("teams", "group:default/a"), "Glean has no such stream"},
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
	f := gleantest.Start(t, sandbox.Rules{})
	d := gleantest.Doc("a")
	d.Fields[0].Value = "Component:default/A"
	e, _, err := f.Read(gleantest.User("ann")).Encode(d)
	if err != nil || e.ID != "component:default/a" || !strings.Contains(string(e.Body), "Component:default/A") {
		t.Errorf("%+v %s %v", e, e.Body, err)
	}
}

// TestUndecided: a document without a decision gets no permissions (invariant 2).
func TestUndecided(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	s := f.Read(gleantest.User("ann"))
	d := gleantest.Doc("a")
	d.Permissions = access.Permissions{}
	e, _, err := s.Encode(d)
	if err != nil || e.Audience != access.Undecided || strings.Contains(string(e.Body), "allow") {
		t.Errorf("%+v %s %v", e, e.Body, err)
	}
}

func TestNobodyCanFind(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Read(gleantest.Doc("a"), gleantest.Doc("b"))
	if !f.Noted("no active user with an e-mail is among the items of this run: no one will find 2 documents") {
		t.Errorf("notes: %q", f.Notes)
	}
}
