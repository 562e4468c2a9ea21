package mcp

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/diff"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
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

// startLive starts a server whose real source has the company's records, with the shipped file as
// the trusted one. It returns the arguments of a live call.
func startLive(t *testing.T, inspect bool) (*client, func(more args) args) {
	t.Helper()
	var entities [][]byte
	for line := range strings.Lines(company) {
		entities = append(entities, []byte(line))
	}
	entities, err := sandbox.Stitch(entities)
	if err != nil {
		t.Fatal(err)
	}
	real, err := sandbox.Start(sandbox.Options{Entities: entities, Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = real.Close() })
	text, err := os.ReadFile("../../../pipelines/backstage.yaml")
	if err != nil {
		t.Fatal(err)
	}
	trusted := outsider(t, "trusted.yaml", string(text))
	c := start(t, Options{Live: trusted, Inspect: inspect, Lookup: func(name string) (string, bool) {
		v, set := map[string]string{"BACKSTAGE_BASE_URL": real.URL(), "BACKSTAGE_API_TOKEN": "t"}[name]
		return v, set
	}})
	c.real = real.URL()
	return c, func(more args) args {
		out := args{"file": shipped, "live": true}
		maps.Copy(out, more)
		return out
	}
}

var secrets = []string{"Merger plan", "zebras", "secretly"}

// TestRestricted: the text of a document that not everyone finds is left out of every answer, and with
// real data its name, too, unless the call has it.
func TestRestricted(t *testing.T) {
	c, live := startLive(t, false)
	c.want("explain", live(args{"ref": restricted, "as": "bob@example.com"}), "private to its owners", `"finds":false`, "left out")
	c.lacks("explain", live(args{"ref": restricted, "as": "bob@example.com"}), append(secrets, "ann@example.com",
		"default/red")...)
	c.lacks("explain", live(args{"ref": "zzz-takeover-"}), restricted)
	c.want("explain", live(args{"ref": "shop"}), "sells zebras")
	c.want("eval", live(args{"expression": "metadata.description", "ref": "shop"}), "sells zebras")
	c.want("search_as", live(args{"person": "ann@example.com", "query": "zebras"}), "sells", `"restricted":1`, `"total":1`)
	c.lacks("search_as", live(args{"person": "ann@example.com"}), append(secrets[:1:1], "buys", restricted)...)
	for _, part := range []string{"example.com", "ann"} {
		c.refused("search_as", live(args{"person": part}), "no single person")
		c.lacks("search_as", live(args{"person": part}), "ann@example.com", "Ann Owner")
	}
	c.keep("out", "")
	c.want("diff", live(args{"against": "out"}), `"changes":true`, `"unnamed":`, `"from":"undecided","items":1,"rule":"private to`)
	c.lacks("diff", live(args{"against": "out"}), append(secrets[:1:1], "buys", "secretly", restricted, "ann@example.com",
		"component:default/fraud-scorer")...)
}

// TestEvalOfRestricted: the answer about a restricted record is the same whatever the expression gives:
// a value, nothing or an error. An expression on another record does not find it.
func TestEvalOfRestricted(t *testing.T) {
	c, live := startLive(t, false)
	for _, ref := range []string{restricted, "component:default/broken", "user:default/ann"} {
		want, _ := c.call("eval", live(args{"ref": ref, "expression": "1"}))
		if !strings.Contains(want, `"value":"[left out`) {
			t.Error(want)
		}
		for _, expression := range []string{"nil", "metadata.description", "lower(metadata.labels)", "spec.owner",
			`metadata.name contains "e" ? nil : 1`, "metadata.tags[7]", "split(1, 2)"} {
			if got, failed := c.call("eval", live(args{"ref": ref, "expression": expression})); got != want || failed {
				t.Errorf("%s: %s", expression, got)
			}
		}
	}
	ask := live(args{"ref": "shop", "expression": `[display("` + restricted + `"), display("user:default/ann"), ` +
		`lookup("user:default/ann")]`})
	c.want("eval", ask, `"value":["takeover","ann",null]`)
	c, live = startLive(t, true)
	c.want("eval", live(ask), `"Ann Owner"`)
	c.want("eval", live(args{"ref": restricted, "expression": "nil"}), `"value":null`)

	c = start(t, Options{}) // of the sandbox
	in := args{"file": shipped, "ref": "component:default/fraud-scorer", "expression": `"python" in metadata.tags ? nil : 1`}
	yes, _ := c.call("eval", in)
	in["expression"] = `"cobol" in metadata.tags ? nil : 1`
	if no, _ := c.call("eval", in); no != yes {
		t.Errorf("%s is not %s", no, yes)
	}
}

// TestEditOpensNothing: an edit of what decides who finds a document, or which text it has, shows
// nothing of the real source and of recorded entities.
func TestEditOpensNothing(t *testing.T) {
	for _, edit := range [][2]string{
		{"      allow: owner\n", "      allow: datasource-users\n"},
		{"in [\"owner\", \"private\"]", "in [\"owner\"]"},
		{"      when: len(marks) > 0\n", "      when: metadata.description contains \"buys\"\n"},
		{"default: ${DEFAULT_PERMISSIONS:-datasource-users}", "default: all-users"},
		{"        title: name\n", "        title: '\"New \" + name'\n"},
		{"\ndefine: ", "\ndefine:\n  asked: metadata.description #"},
		{"vars:\n", "vars:\n  asked: a\n"},
		{"  - name: not orphaned",
			"  - name: asked\n    keep: not (metadata.description contains \"buys\")\n  - name: not orphaned"},
		{"      - {name: ref, displayLabel: Entity ref", "      - {name: ref, displayLabel: Ref"},
	} {
		c, live := startLive(t, false)
		c.want("explain", live(args{"ref": restricted}), "left out") // unchanged, it is read
		c.write("company.ndjson", company)
		c.keep("out", "company.ndjson")
		c.change(edit[0], edit[1])
		c.write("own.test.yaml", "pipeline: backstage.yaml\nrecords: [{file: company.ndjson}]\n"+
			"tests: [{name: a, expect: {"+restricted+": {documents: {title: x}}}}]\n")
		for tool, more := range map[string]args{
			"explain":     {"ref": restricted, "as": "bob@example.com"},
			"eval":        {"ref": restricted, "expression": "metadata.description"},
			"search_as":   {"person": "bob@example.com", "query": "zebras"},
			"diff":        {"against": "out"},
			"sandbox_run": {},
		} {
			if tool != "sandbox_run" {
				c.refused(tool, live(more), "untrusted", "as it was when pipe mcp started", "on the sandbox")
			}
			recorded := maps.Clone(more)
			recorded["file"], recorded["input"] = shipped, "company.ndjson"
			c.refused(tool, recorded, "reads no file of recorded entities", "--inspect")
			for _, given := range []args{live(more), recorded} {
				c.lacks(tool, given, append(secrets, "ann@example.com")...)
			}
		}
		c.refused("test", args{"file": "own.test.yaml"}, "reads no file of recorded entities")
		c.lacks("test", args{"file": "own.test.yaml"}, append(secrets, "ann@example.com")...)
		c.lacks("diff", args{"file": shipped, "against": "out"}, append(secrets[:1:1], "buys", "secretly", restricted,
			"ann@example.com")...)
	}
	// White space and comments are no edit, and with Inspect an edit is used.
	c, live := startLive(t, false)
	c.change("vars:\n", "# a comment\nvars:\n\n")
	c.want("explain", live(args{"ref": "shop"}), "sells zebras")
	c, live = startLive(t, true)
	c.change("      allow: owner\n", "      allow: datasource-users\n")
	c.want("explain", live(args{"ref": restricted}), "Merger plan", `"audience":"datasource-users"`)
}

// TestGuess: the caller may have written the kept output, and no answer depends on whether a guess of
// it about a restricted document is right.
func TestGuess(t *testing.T) {
	c, live := startLive(t, false)
	c.write("company.ndjson", company)
	c.keep("out", "company.ndjson")
	kept, err := os.ReadFile(filepath.Join(c.folder, "out", "documents.ndjson"))
	if err != nil || !strings.Contains(string(kept), "buys zebras") {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(kept), "https://backstage.example.com", c.real)
	c.write("out/documents.ndjson", text)
	c.want("diff", live(args{"against": "out"}), `"changes":false`)
	ask := func(replace ...string) string {
		c.write("out/documents.ndjson", strings.NewReplacer(replace...).Replace(text))
		answer, _ := c.call("diff", live(args{"against": "out"}))
		return answer
	}
	const groups = `"allowedGroups":["group:default/red"]`
	opened := []string{groups, `"allowAllDatasourceUsersAccess":true`}
	for _, more := range [][]string{nil, opened} {
		right := ask(more...)
		for old, text := range map[string]string{"buys zebras": "buys lions", "Merger plan": "Another"} {
			if wrong := ask(append([]string{old, text}, more...)...); wrong != right {
				t.Errorf("%s: %s\nis not\n%s", old, wrong, right)
			}
		}
	}
	if wrong, right := ask(groups, `"allowedUsers":[{"email":"bob@example.com"}]`), ask(); wrong != right {
		t.Errorf("%s\nis not\n%s", wrong, right)
	}
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
	c.want("diff", args{"file": shipped, "against": "out"}, "New Booking")
	// The kept output may be of real data: what not everyone found in it is not named.
	c.lacks("diff", args{"file": shipped, "against": "out"}, "component:default/fraud-scorer")
	c.change("      allow: owner\n", "      allow: datasource-users\n")
	c.want("diff", args{"file": shipped, "against": "out"}, `"from":"listed"`)
	c.lacks("diff", args{"file": shipped, "against": "out"}, "component:default/fraud-scorer")
}

// TestCompared: a diff shows the text of an item only where everyone finds it before and after the
// change, names others only of the sandbox, and counts no change of the fields of a restricted one.
func TestCompared(t *testing.T) {
	make := func() *diff.Diff {
		d := &diff.Diff{Streams: []*diff.StreamDiff{{Name: "docs", Changed: 3, Added: 2, Fields: map[string]int{}}},
			Open: []diff.OpenChange{{Stream: "docs", ID: "public", To: access.AllUsers},
				{Stream: "docs", ID: "closing", To: access.Listed}}}
		for _, id := range []string{"public", "closing", "secret"} {
			d.Access = append(d.Access, diff.AccessChange{Stream: "docs", ID: id, Title: "title of " + id, From: "a", To: "b"})
			d.Items = append(d.Items, diff.ItemChange{Stream: "docs", ID: id, Title: "title of " + id, Change: "changed",
				Fields: []codec.Difference{{Path: "path of " + id, Before: "before of " + id, After: "after of " + id}}})
		}
		for id, to := range map[string]access.Audience{"new": access.AllUsers, "hidden": access.Listed} {
			d.Items = append(d.Items, diff.ItemChange{Stream: "docs", ID: id, Title: "title of " + id, Change: "added",
				To: to.String()})
		}
		d.Items = append(d.Items, diff.ItemChange{Stream: "docs", ID: "gone", Title: "title of gone", Change: "removed"})
		return d
	}
	texts := func(id string) []string {
		return []string{"title of " + id, "path of " + id, "before of " + id, "after of " + id}
	}
	for _, one := range []struct {
		p                privacy
		changed, unnamed int
		shown, lacks     []string
	}{
		{privacy{}, 1, 5, append(texts("public"), "title of new"),
			append(texts("closing"), "closing", "secret", "hidden", "gone")},
		{privacy{bundled: true}, 2, 2, append(texts("public"), "title of new", `"closing"`, "path of closing", `"hidden"`),
			[]string{"title of closing", "before of closing", "after of closing", "secret", "title of hidden", "gone"}},
	} {
		out := one.p.compared(make())
		b, err := codec.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		if n := out.Streams[0].Changed; n != one.changed || out.Unnamed != one.unnamed {
			t.Errorf("%+v: %d changed and %d unnamed", one.p, n, out.Unnamed)
		}
		for _, want := range one.shown {
			if !strings.Contains(string(b), want) {
				t.Errorf("%+v: there is no %s in %s", one.p, want, b)
			}
		}
		for _, secret := range one.lacks {
			if strings.Contains(string(b), secret) {
				t.Errorf("%+v: %s is in %s", one.p, secret, b)
			}
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
				Fields: []explain.FieldResult{{Value: "quote 8"}, {}}}},
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
		if one.hides && !one.p.names() && e.Transforms[0].Changes != nil {
			t.Errorf("the paths of changes are shown: %s", text)
		}
		if one.hides && e.Items[0].Fields[1].Value != leftOut {
			t.Errorf("a field without a value shows it: %s", text)
		}
		if q, p := strings.Count(string(text), "quote "), strings.Count(string(text), "person "); q != one.quotes ||
			p != one.people || err != nil {
			t.Errorf("%s: %d quotes and %d people in %s %v", fmt.Sprint(one), q, p, text, err)
		}
	}
}
