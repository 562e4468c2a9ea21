package lsp

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/editor/text"
)

// TestFeatures: the answers of package analysis in the shapes of the protocol, in UTF-16 units.
func TestFeatures(t *testing.T) {
	c := start(t)
	path, tests := c.path("small.yaml"), c.path("small.test.yaml")
	content := strings.Replace(small(t), "title: name\n", "title: '\"😀\" + name'\n", 1)
	c.open(path, content)
	at := func(before string, behind int) placeParams {
		p := placeAt(t, path, content, before)
		p.Position.Character += behind
		return p
	}
	line := placeAt(t, path, content, "title: '").Position
	c.want("textDocument/hover", at("name'", 1), `"kind":"markdown"`, "**define** name")
	c.want("textDocument/completion", at("name'", 2), `"label":"name"`, `"kind":6`, `"newText":"name"`)
	decode := func(result string, into any) {
		t.Helper()
		if err := codec.Unmarshal([]byte(result), into); err != nil {
			t.Fatalf("%v: %s", err, result)
		}
	}
	var found []location
	decode(c.want("textDocument/definition", at("name'", 1)), &found)
	if len(found) != 1 || found[0].URI != uriOf(path) || found[0].Range.Start != at("name: coalesce", 0).Position {
		t.Errorf("definition: %+v", found)
	}
	found = nil
	decode(c.want("textDocument/references", at("name: coalesce", 1)), &found)
	// "title: '" has 8 units, "\"😀\" + " has 7.
	if last := found[len(found)-1].Range; len(found) != 3 || last.Start.Line != line.Line ||
		last.Start.Character != line.Character+15 || last.End.Character != line.Character+19 {
		t.Errorf("references: %+v", found)
	}
	rename := at("name'", 0)
	rename.NewName = "label"
	var edit workspaceEdit
	decode(c.want("textDocument/rename", rename), &edit)
	if got := applied(content, edit.Changes[uriOf(path)]); !strings.Contains(got, "title: '\"😀\" + label'\n") ||
		!strings.Contains(got, "  label: coalesce(") || strings.Count(got, "label") != 3 {
		t.Errorf("rename: %s", got)
	}
	rename.NewName = "kind"
	c.refused(codeInternal, "textDocument/rename", rename)
	var symbols []symbol
	decode(c.want("textDocument/documentSymbol", at("version", 0)), &symbols)
	if symbols[0].Name != "version" || symbols[0].Kind != 8 || symbols[0].Range.End.Character != 7 {
		t.Errorf("symbols: %+v", symbols[0])
	}
	c.want("textDocument/codeLens", at("version", 0), `"command":"pipe.explain","arguments":["`+uriOf(path)+`"]`)
	var edits []textEdit
	untidy := strings.Replace(content, "version: 1\n", "version: 1 \n", 1)
	c.open(path, untidy)
	decode(c.want("textDocument/formatting", at("version", 0)), &edits)
	if got := applied(untidy, edits); got != content {
		t.Errorf("formatting: %+v", edits)
	}
	c.open(path, content)

	run := func(command string, args ...string) string {
		t.Helper()
		return c.want("workspace/executeCommand", commandParams{command, append([]string{uriOf(path)}, args...)})
	}
	run("pipe.choose", "sandbox", "fraud-scorer")
	if got := run("pipe.explain"); !strings.Contains(got, "fraud") {
		t.Errorf("explain: %s", got)
	}
	if got := run("pipe.samples"); strings.Count(got, "component:") < 10 {
		t.Errorf("samples: %s", got)
	}
	c.open(tests, `tests:
  - name: one
    expect: {component:default/x: {rule: payments}}
    records: [{kind: Component, metadata: {name: x}, spec: {type: a, lifecycle: b, owner: c}}]
`)
	got := c.want("workspace/executeCommand", commandParams{"pipe.test", []string{uriOf(tests), "one"}},
		"FAIL  one", "line 3")
	c.version = 0
	if d := c.diagnostics(tests); len(d) != 1 || d[0].Source != "pipe test" || d[0].Range.Start.Line != 2 {
		t.Errorf("%s\n%+v", got, d)
	}
}

// TestAddresses: only addresses of files on this machine are paths.
func TestAddresses(t *testing.T) {
	for uri, want := range map[string]bool{"file:///a/b.yaml": true, "file://host/a.yaml": false,
		"https://x/a.yaml": false, "untitled:x": false, "": false,
		"file:": false, "%zz": false, "file:///a%20b/%C3%A9.yaml": true} {
		path, ok := pathOf(uri)
		if ok != want || ok && uriOf(path) != uri {
			t.Errorf("%s: %q %v", uri, path, ok)
		}
	}
	c := start(t)
	for _, method := range []string{"hover", "completion", "definition", "formatting", "documentSymbol"} {
		c.want("textDocument/"+method, placeParams{TextDocument: textDocument{URI: "untitled:x"},
			Position: text.Position{Line: 1 << 30, Character: -5}})
	}
}
