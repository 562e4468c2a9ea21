package lsp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/editor/text"
)

// TestLifecycle: initialize, work, shutdown, exit; the server ends without an error.
func TestLifecycle(t *testing.T) {
	c := connect(t)
	c.want("initialize", map[string]any{"rootUri": uriOf(c.folder), "processId": nil, "capabilities": map[string]any{}},
		`"name":"pipe","version":"1.2.3"`, `"change":2`, `"hoverProvider":true`, `"pipe.explain"`)
	c.notify("initialized", map[string]any{})
	if found := c.open(c.path("small.yaml"), small(t)); len(found) > 0 {
		t.Error(found)
	}
	if got := c.want("shutdown", nil); got != "null" {
		t.Error(got)
	}
	c.refused(codeInvalidRequest, "textDocument/hover", placeParams{})
	c.notify("exit", nil)
	if err := c.end(); err != nil {
		t.Error(err)
	}
}

// TestEndWithoutShutdown: an editor that goes is an error, whatever the way.
func TestEndWithoutShutdown(t *testing.T) {
	for name, leave := range map[string]func(c *client){
		"exit":         func(c *client) { c.notify("exit", nil) },
		"end of input": func(c *client) { _ = c.in.Close() },
		"half a message": func(c *client) {
			c.raw("Content-Length: 1000\r\n\r\n{")
			_ = c.in.Close()
		},
	} {
		c := start(t)
		leave(c)
		if err := c.end(); err == nil || !strings.Contains(err.Error(), "shut") {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := start(t)
	c.want("shutdown", nil)
	_ = c.in.Close()
	if err := c.end(); err != nil {
		t.Errorf("the end of input after shutdown: %v", err)
	}
}

// TestWrongOrder: requests before initialize, and a second initialize.
func TestWrongOrder(t *testing.T) {
	c := connect(t)
	c.refused(codeNotInitialized, "textDocument/hover", placeParams{})
	c.refused(codeNotInitialized, "shutdown", nil)
	c.notify("textDocument/didOpen", didOpenParams{textDocument{uriOf(c.path("a.yaml")), 1, "version: 2\n"}}) // dropped
	c.want("initialize", map[string]any{})
	c.refused(codeInvalidRequest, "initialize", map[string]any{})
	if got := c.want("textDocument/documentSymbol", placeAt(t, c.path("a.yaml"), "", "")); got != "[]" {
		t.Error(got)
	}
}

// TestUnknown: unknown requests are refused, unknown notifications and answers to nothing are
// skipped, and the server goes on.
func TestUnknown(t *testing.T) {
	c := start(t)
	c.refused(codeMethodNotFound, "textDocument/prepareRename", map[string]any{})
	c.refused(codeMethodNotFound, "$/x", map[string]any{})
	c.notify("$/unknown", map[string]any{})
	c.notify("workspace/didRenameFiles", nil)
	c.write(map[string]any{"id": 77, "result": true})
	c.refused(codeInvalidParams, "textDocument/hover", []int{1})
	c.refused(codeInvalidParams, "workspace/executeCommand", commandParams{Command: "pipe.run"})
	c.refused(codeInvalidParams, "workspace/executeCommand", commandParams{Command: "pipe.explain"})
	c.refused(codeInvalidParams, "workspace/executeCommand", commandParams{Command: "pipe.explain",
		Arguments: []string{"https://example.com/x.yaml"}})
	for _, a := range c.waiting {
		if string(a.ID) == "77" {
			t.Error("an answer was answered")
		}
	}
}

// TestFrames: what is not JSON or too large is skipped with an error; headers of any case and more
// headers are read; a message of several writes is one message.
func TestFrames(t *testing.T) {
	c := start(t)
	parse := func(want string) {
		t.Helper()
		a := c.next(func(a answer) bool { return string(a.ID) == "null" })
		if a.Error == nil || a.Error.Code != codeParse || !strings.Contains(a.Error.Message, want) {
			t.Errorf("got %v", a.Error)
		}
	}
	for _, body := range []string{"{", "[]", "hello", "\x00\xff", `{"id":`} {
		c.raw(fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body))
		parse("not a JSON object")
	}
	size := maxMessage + 1
	c.raw(fmt.Sprintf("Content-Length: %d\r\n\r\n", size))
	c.raw(strings.Repeat(" ", size))
	parse("larger than 32 MiB")
	body := `{"jsonrpc":"2.0","id":"a","method":"textDocument/none"}`
	c.raw("content-type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-LENGTH:")
	c.raw(fmt.Sprintf(" %d \r\n\r", len(body)))
	c.raw("\n" + body[:10])
	c.raw(body[10:])
	if a := c.answerTo(`"a"`); a.Error == nil || a.Error.Code != codeMethodNotFound {
		t.Errorf("got %v", a.Error)
	}
	c.want("shutdown", nil)
}

// TestGarbage: input that is not the protocol ends the server with what to do.
func TestGarbage(t *testing.T) {
	for _, s := range []string{"hello\n", "{\"jsonrpc\":\"2.0\"}\n", "Content-Length: x\r\n\r\n",
		"Content-Length: -1\r\n\r\n",
		"a: b\r\n\r\n", "\r\n", strings.Repeat("x", 10_000), "Content-Length: 99999999999999999999\r\n\r\n"} {
		c := connect(t)
		c.raw(s)
		if err := c.end(); err == nil || !strings.Contains(err.Error(), "not the Language Server Protocol") {
			t.Errorf("%.30q: %v", s, err)
		}
	}
}

// TestCancel: a request that waits is cancelled, one that is unknown or done is not, and the next is
// answered.
func TestCancel(t *testing.T) {
	c := start(t)
	path := c.path("small.yaml")
	c.open(path, small(t))
	c.notify("$/cancelRequest", map[string]any{"id": 4711})
	c.notify("$/cancelRequest", map[string]any{})
	c.notify("$/cancelRequest", []int{})
	// The command waits behind the explanations, and its cancellation is read meanwhile.
	explain := commandParams{Command: "pipe.explain", Arguments: []string{uriOf(path)}}
	for range 3 {
		c.send("workspace/executeCommand", explain)
	}
	id := c.send("workspace/executeCommand", explain)
	c.notify("$/cancelRequest", map[string]any{"id": c.id})
	if a := c.answerTo(id); a.Error == nil || a.Error.Code != codeCancelled {
		t.Logf("answered before it was cancelled: %v", a.Error)
	}
	c.want("workspace/executeCommand", explain, "Found by")
}

// TestQueueCancel: the cancellation of a request that waits ends its context, and of no other.
func TestQueueCancel(t *testing.T) {
	q := newQueue(t.Context())
	first, second := q.add(message{ID: raw("1"), Method: "a"}), q.add(message{ID: raw(`"1"`), Method: "b"})
	q.cancel(message{Params: raw(`{"id":"1"}`)})
	if first.ctx.Err() != nil || second.ctx.Err() == nil {
		t.Errorf("%v, %v", first.ctx.Err(), second.ctx.Err())
	}
	first.end()
	second.end()
	if len(q.pending) > 0 {
		t.Errorf("%d are kept", len(q.pending))
	}
	s := &Server{state: running}
	if _, err := s.answer(second.ctx, message{Method: "textDocument/hover"}); err == nil {
		t.Error("a cancelled request was answered")
	}
}

// TestChanges: changes are in UTF-16 units, several in one message follow each other, and line ends
// stay.
func TestChanges(t *testing.T) {
	for _, eol := range []string{"\n", "\r\n"} {
		c := start(t)
		path := c.path("small.yaml")
		content := strings.ReplaceAll(small(t), "\n", eol)
		c.open(path, content)
		whole := "title: '\"😀é\" + nmae'"
		start := placeAt(t, path, content, "title: name").Position
		c.change(path,
			contentChange{&text.Range{Start: start, End: text.Position{Line: start.Line,
				Character: start.Character + 11}}, whole},
			// Behind an emoji, which is two units: the quotation mark before the name becomes two.
			contentChange{&text.Range{Start: text.Position{Line: start.Line, Character: start.Character + 16},
				End: text.Position{Line: start.Line, Character: start.Character + 16}}, " "})
		found := c.diagnostics(path)
		if len(found) != 1 || found[0].Code != "unknown-name" || found[0].Range.Start.Line != start.Line ||
			found[0].Range.Start.Character != start.Character+17 || found[0].Range.End.Character != start.Character+21 {
			t.Fatalf("%q: %+v, the line begins at %v", eol, found, start)
		}
		var actions []codeAction
		got := c.want("textDocument/codeAction", rangeParams{textDocument{URI: uriOf(path)}, found[0].Range})
		if err := codec.Unmarshal([]byte(got), &actions); err != nil || len(actions) == 0 {
			t.Fatalf("%v: %s", err, got)
		}
		edit := actions[0].Edit.Changes[uriOf(path)][0]
		c.change(path, contentChange{&edit.Range, edit.NewText})
		if found := c.diagnostics(path); len(found) > 0 {
			t.Errorf("%q: %+v", eol, found)
		}
	}
}

// TestHalfWritten: while YAML cannot be read, the last good tree answers.
func TestHalfWritten(t *testing.T) {
	c := start(t)
	path := c.path("small.yaml")
	content := small(t)
	c.open(path, content)
	for name, half := range map[string]string{
		"text": strings.Replace(content, "title: name\n", "title: \"kind == owne\n  x\n", 1),
		"key":  strings.Replace(content, "title: name\n", "title: owne\n        x\n", 1),
		"rule": strings.Replace(content, "    - name: payments\n",
			"    - {name: x, when: len(owne\n    - name: payments\n", 1),
	} {
		c.change(path, contentChange{Text: half})
		if found := c.diagnostics(path); len(found) == 0 {
			t.Errorf("%s: no diagnostics", name)
		}
		p := placeAt(t, path, half, "owne\n")
		p.Position.Character += 4
		c.want("textDocument/completion", p, `"label":"owner"`, `"label":"lower"`)
	}
}

// TestClosed: what was closed has no diagnostics, and changes of it are dropped.
func TestClosed(t *testing.T) {
	c := start(t)
	path := c.path("small.yaml")
	if found := c.open(path, "version: 2\n"); len(found) == 0 {
		t.Error("no diagnostics")
	}
	c.version = 0
	c.notify("textDocument/didClose", closeParams{textDocument{URI: uriOf(path)}})
	if found := c.diagnostics(path); len(found) > 0 {
		t.Errorf("after closing: %v", found)
	}
	c.change(path, contentChange{Text: "version: 3\n"})
	if got := c.want("textDocument/documentSymbol", placeAt(t, path, "", "")); got != "[]" {
		t.Error(got)
	}
}

// TestPipelineChangesTests: the diagnostics of open tests follow their pipeline file.
func TestPipelineChangesTests(t *testing.T) {
	c := start(t)
	path, tests := c.path("small.yaml"), c.path("small.test.yaml")
	c.open(path, small(t))
	content := "tests:\n  - name: one\n    expect: {component:default/x: {rule: payments}}\n" +
		"    records: [{kind: Component, metadata: {name: x}, spec: {type: a, lifecycle: b, owner: c}}]\n"
	if found := c.open(tests, content); len(found) > 0 {
		t.Fatal(found)
	}
	version := c.version
	c.change(path, contentChange{Text: strings.Replace(small(t), "name: payments", "name: billing", 1)})
	c.version = version
	if found := c.diagnostics(tests); len(found) == 0 {
		t.Error("the rule that a test names is gone, without a diagnostic")
	}
}
