package lsp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/editor/text"
)

// TestLargeText: a text that is too large is one diagnostic, changes of it are dropped, and a new text
// is checked again.
func TestLargeText(t *testing.T) {
	c := start(t)
	path := c.path("small.yaml")
	large := "#" + strings.Repeat("b", largest)
	if found := c.open(path, large); len(found) != 1 || found[0].Code != "file-too-large" {
		t.Fatalf("%+v", found)
	}
	c.change(path, contentChange{&text.Range{}, "version: 1\n"})
	if found := c.diagnostics(path); len(found) != 1 || found[0].Code != "file-too-large" {
		t.Errorf("%+v", found)
	}
	if got := c.want("textDocument/documentSymbol", placeAt(t, path, "", "")); got != "[]" {
		t.Errorf("a part of it is kept: %s", got)
	}
	c.want("textDocument/hover", placeParams{TextDocument: textDocument{URI: uriOf(path)}})
	c.change(path, contentChange{Text: small(t)})
	if found := c.diagnostics(path); len(found) > 0 {
		t.Errorf("%+v", found)
	}
	// A text that grows change by change.
	for range 3 {
		c.change(path, contentChange{&text.Range{}, large[:largest/2]})
	}
	if found := c.diagnostics(path); len(found) != 1 || found[0].Code != "file-too-large" {
		t.Errorf("%+v", found)
	}
}

// TestFlood: many changes are not checked one by one, and the last one is.
func TestFlood(t *testing.T) {
	c := start(t)
	path := c.path("small.yaml")
	c.open(path, small(t))
	const changes = 300
	for i := range changes {
		c.change(path, contentChange{Text: fmt.Sprintf("%s# %d\n", strings.Replace(small(t), "version: 1\n",
			"version: 2\n", i%2), i)})
	}
	if found := c.diagnostics(path); len(found) != 1 {
		t.Errorf("%+v", found)
	}
	published := 0
	for _, a := range c.waiting {
		if a.Method == "textDocument/publishDiagnostics" {
			published++
		}
	}
	t.Logf("%d checks of %d changes", published+1, changes)
	if published >= changes-1 {
		t.Error("each change was checked")
	}
}

// TestOddPlaces: places that no text has are answered.
func TestOddPlaces(t *testing.T) {
	c := start(t)
	path := c.path("small.yaml")
	c.open(path, small(t))
	for _, p := range []text.Position{{Line: -1, Character: -1}, {Line: 1 << 30, Character: 1 << 30},
		{Line: 3, Character: 1 << 30}, {Line: 1 << 30}} {
		for _, method := range []string{"hover", "completion", "definition", "references", "codeLens", "formatting"} {
			c.want("textDocument/"+method, placeParams{TextDocument: textDocument{URI: uriOf(path)}, Position: p})
		}
		c.want("textDocument/codeAction", rangeParams{textDocument{URI: uriOf(path)}, text.Range{Start: p, End: p}})
		c.change(path, contentChange{&text.Range{Start: p, End: text.Position{}}, "# x\n"})
		c.diagnostics(path)
	}
}
