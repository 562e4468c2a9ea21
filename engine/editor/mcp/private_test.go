package mcp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/explain"
)

// company is recorded input with one document that only its owners find.
const company = `{"apiVersion":"backstage.io/v1alpha1","kind":"User","metadata":{"name":"ann","namespace":"default"},"spec":{"profile":{"displayName":"Ann Owner","email":"ann@example.com"},"memberOf":["red"]}}
{"apiVersion":"backstage.io/v1alpha1","kind":"User","metadata":{"name":"bob","namespace":"default"},"spec":{"profile":{"displayName":"Bob Other","email":"bob@example.com"},"memberOf":[]}}
{"apiVersion":"backstage.io/v1alpha1","kind":"Group","metadata":{"name":"red","namespace":"default"},"spec":{"type":"team","children":[],"profile":{"displayName":"Red"}}}
{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":"shop","namespace":"default","description":"sells zebras"},"spec":{"type":"service","lifecycle":"production","owner":"red"}}
{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":"takeover","namespace":"default","title":"Merger plan","description":"buys zebras","labels":{"glean.com/visibility":"private"}},"spec":{"type":"service","lifecycle":"secretly","owner":"red"}}
{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":"broken","namespace":"default","description":{"hidden":"word"},"labels":{"glean.com/visibility":"private"}},"spec":{"type":"service","owner":"red"}}
`

const restricted = "component:default/takeover"

// TestRestricted: the text of a document that not everyone finds is left out of every answer, and with
// recorded data its name, too, unless the call has it.
func TestRestricted(t *testing.T) {
	c := start(t, Options{})
	c.write("company.ndjson", company)
	c.keep("out", "company.ndjson")
	in := func(more args) args {
		out := args{"file": shipped, "input": "company.ndjson"}
		for name, v := range more {
			out[name] = v
		}
		return out
	}
	secrets := []string{"Merger plan", "zebras", "secretly"}
	c.want("explain", in(args{"ref": restricted, "as": "bob@example.com"}), "private to its owners", `"finds":false`, "left out")
	c.lacks("explain", in(args{"ref": restricted, "as": "bob@example.com"}), append(secrets, "ann@example.com",
		"default/red")...)
	c.lacks("explain", in(args{"ref": "zzz-takeover-"}), restricted)
	c.want("eval", in(args{"expression": "metadata.description", "ref": restricted}), "left out")
	c.lacks("eval", in(args{"expression": "metadata.description", "ref": restricted}), secrets...)
	c.want("eval", in(args{"expression": "lower(metadata.labels)", "ref": restricted}), `"error":"[left out`)
	c.want("eval", in(args{"expression": "metadata.description"}), "component:default/shop", "sells zebras")
	c.lacks("eval", in(args{"expression": "metadata.description"}), restricted, "buys zebras", "component:default/broken")
	c.want("search_as", in(args{"person": "ann@example.com", "query": "zebras"}), "sells", `"restricted":1`, `"total":1`)
	c.lacks("search_as", in(args{"person": "ann@example.com"}), append(secrets[:1:1], "buys", restricted)...)
	c.refused("search_as", in(args{"person": "example.com"}), "no single person")
	c.lacks("search_as", in(args{"person": "example.com"}), "ann@example.com", "Ann Owner")
	c.want("sandbox_run", in(nil), `"rejected":1`, `"notes":[]`)
	c.lacks("sandbox_run", in(nil), append(secrets, "component:default/broken", restricted)...)

	c.change("        tags: metadata.tags\n", "        tags: concat(metadata.tags, \"edited\")\n")
	c.change("      allow: owner\n",
		"      allow:\n        groups: related(\"ownedBy\")\n        users: [\"user:default/bob\"]\n")
	c.change("default: ${DEFAULT_PERMISSIONS:-datasource-users}", "default: owner")
	c.want("diff", in(args{"against": "out"}), `"changes":true`, `"unnamed":`, `"to":"listed"`)
	c.lacks("diff", in(args{"against": "out"}), append(secrets, restricted, "ann@example.com", "default/bob")...)
}

// TestRestrictedInTheSandbox: the sandbox's company is named, and texts are left out all the same.
func TestRestrictedInTheSandbox(t *testing.T) {
	c := start(t, Options{})
	c.want("explain", args{"file": shipped, "ref": "component:default/fraud-scorer"}, `"audience":"listed"`, "left out", `"people":[`)
	c.lacks("explain", args{"file": shipped, "ref": "component:default/fraud-scorer"}, "python")
	c.want("search_as", args{"file": shipped, "person": "liam.obrien@larkspur.example", "query": "fraud scorer"},
		"component:default/fraud-scorer", "left out")
	c.lacks("search_as", args{"file": shipped, "person": "liam.obrien@larkspur.example"}, `"facets"`)
	c.keep("out", "")
	c.change("        tags: metadata.tags\n", "        tags: concat(metadata.tags, \"edited\")\n")
	c.change("        title: name\n", "        title: '\"New \" + name'\n")
	data := c.want("diff", args{"file": shipped, "against": "out"}, "component:default/fraud-scorer", "New Booking")
	items, _ := data["items"].([]any)
	for _, one := range items {
		item := one.(map[string]any)
		if item["id"] == "component:default/fraud-scorer" && (item["title"] != nil || !strings.Contains(
			item["fields"].([]any)[0].(map[string]any)["after"].(string), "left out")) {
			t.Errorf("%v", item)
		}
	}
}

// TestInspect: with Inspect everything is shown.
func TestInspect(t *testing.T) {
	c := start(t, Options{Inspect: true})
	c.write("company.ndjson", company)
	in := args{"file": shipped, "input": "company.ndjson", "ref": restricted, "person": "ann@example.com", "query": "buys",
		"expression": "metadata.description"}
	pick := func(names ...string) args {
		out := args{"file": shipped, "input": "company.ndjson"}
		for _, name := range names {
			out[name] = in[name]
		}
		return out
	}
	c.want("explain", pick("ref"), "Merger plan", "buys zebras", "ann@example.com")
	c.want("eval", pick("ref", "expression"), "buys zebras")
	c.want("search_as", pick("person", "query"), "Merger plan", restricted)
	c.want("sandbox_run", pick(), `"notes":["`)
}

// TestShortened: what is kept of a value is bounded, whatever its shape.
func TestShortened(t *testing.T) {
	var deep any = strings.Repeat("é", 1<<20)
	wide, object := []any{}, map[string]any{}
	for i := range 100_000 {
		wide = append(wide, i)
		object[fmt.Sprint(i)] = deep
	}
	for name, v := range map[string]any{"text": deep, "wide": wide, "object": object, "both": []any{wide, object, deep}} {
		b, err := codec.Marshal(shortened(v, new(int)))
		if err != nil || len(b) > 100_000 {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
}

// TestExplanation: every part of an explanation that may quote a record is left out.
func TestExplanation(t *testing.T) {
	make := func() *explain.Explanation {
		return &explain.Explanation{
			Ref: "ref", Title: "quote 1", Ending: "rejected", Reason: "quote 2", Record: map[string]any{"a": "quote 3"},
			Transforms: []explain.TransformStep{
				{Outcome: explain.Failed, Reason: "quote 4", Changes: []codec.Difference{{Before: "quote 5", After: "quote 6"}}}},
			Items: []explain.ItemResult{{Ending: "rejected", Reason: "quote 7",
				Fields: []explain.FieldResult{{Value: "quote 8"}}}},
			Decision: &explain.DecisionResult{Finders: []explain.Finder{{Name: "person 1"}}, People: []string{"person 2"}},
			Identity: &explain.IdentityResult{People: []string{"person 3"}},
		}
	}
	for _, one := range []struct {
		p              privacy
		hides          bool
		quotes, people int
	}{
		{privacy{}, true, 0, 0}, {privacy{}, false, 8, 0}, {privacy{bundled: true}, true, 0, 3},
		{privacy{inspect: true}, false, 8, 3},
	} {
		e := make()
		one.p.explanation(e, one.hides)
		text, err := codec.Marshal(e)
		if q, p := strings.Count(string(text), "quote "), strings.Count(string(text), "person "); q != one.quotes ||
			p != one.people || err != nil {
			t.Errorf("%s: %d quotes and %d people in %s %v", fmt.Sprint(one), q, p, text, err)
		}
	}
}
