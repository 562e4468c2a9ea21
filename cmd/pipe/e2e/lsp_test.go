package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/codec"
	edit "github.com/pipe-engine/pipe/engine/editor/text"
)

// editor is a client of pipe lsp.
type editor struct {
	t         testing.TB
	in        io.WriteCloser
	messages  chan map[string]any
	published map[string][]map[string]any // the last diagnostics, by address and version
	version   int
	id        int
	code      chan int
}

func openEditor(t testing.TB, folder string) *editor {
	t.Helper()
	fromEditor, in := io.Pipe()
	out, toEditor := io.Pipe()
	e := &editor{t: t, in: in, messages: make(chan map[string]any, 100), published: map[string][]map[string]any{},
		code: make(chan int, 1)}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	go func() {
		e.code <- cli.Run(ctx, cli.Host{Registry: components.Registry(), Args: []string{"pipe", "lsp", "--stdio"},
			Env: func(string) (string, bool) { return "", false }, Stdin: fromEditor, Stdout: toEditor, Stderr: io.Discard})
		_ = toEditor.Close()
	}()
	go func() {
		defer close(e.messages)
		r := bufio.NewReader(out)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "Content-Length:")))
			body := make([]byte, n+2)
			if _, err := io.ReadFull(r, body); err != nil {
				return
			}
			m, err := codec.Decode(body)
			if err != nil {
				t.Errorf("not JSON: %s", body)
				return
			}
			e.messages <- m
		}
	}()
	t.Cleanup(func() { _ = in.Close(); _ = out.Close() })
	got := e.call("initialize", map[string]any{"rootUri": address(folder), "capabilities": map[string]any{}})
	if got.(map[string]any)["capabilities"].(map[string]any)["hoverProvider"] != true {
		t.Errorf("capabilities: %v", got)
	}
	e.send("initialized", map[string]any{})
	return e
}

func address(path string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}

func (e *editor) write(m map[string]any) {
	e.t.Helper()
	m["jsonrpc"] = "2.0"
	b, err := codec.Marshal(m)
	if err != nil {
		e.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(e.in, "Content-Length: %d\r\n\r\n%s", len(b), b); err != nil {
		e.t.Fatal(err)
	}
}

func (e *editor) send(method string, params any) {
	e.t.Helper()
	e.write(map[string]any{"method": method, "params": params})
}

// next waits for a message and keeps published diagnostics.
func (e *editor) next() map[string]any {
	e.t.Helper()
	select {
	case m, ok := <-e.messages:
		if !ok {
			e.t.Fatal("the server ended")
		}
		if m["method"] == "textDocument/publishDiagnostics" {
			p := m["params"].(map[string]any)
			list := []map[string]any{}
			for _, d := range p["diagnostics"].([]any) {
				list = append(list, d.(map[string]any))
			}
			e.published[fmt.Sprint(p["uri"], " ", p["version"])] = list
		}
		return m
	case <-time.After(patience):
		e.t.Fatal("no message")
		return nil
	}
}

func (e *editor) call(method string, params any) any {
	e.t.Helper()
	e.id++
	e.write(map[string]any{"id": e.id, "method": method, "params": params})
	for {
		m := e.next()
		if id, ok := m["id"]; ok && fmt.Sprint(id) == fmt.Sprint(e.id) {
			if wrong := m["error"]; wrong != nil {
				return wrong
			}
			return m["result"]
		}
	}
}

// open opens a text, or replaces it, and waits for its diagnostics.
func (e *editor) open(path, content string) []map[string]any {
	e.t.Helper()
	e.send("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": address(path),
		"languageId": "yaml", "version": e.newVersion(), "text": content}})
	return e.wait(path)
}

// replace changes the whole text.
func (e *editor) replace(path, content string) {
	e.t.Helper()
	e.send("textDocument/didChange", map[string]any{
		"textDocument":   map[string]any{"uri": address(path), "version": e.newVersion()},
		"contentChanges": []any{map[string]any{"text": content}}})
}

func (e *editor) newVersion() int { e.version++; return e.version }

// wait waits for the diagnostics of the last version.
func (e *editor) wait(path string) []map[string]any {
	e.t.Helper()
	for {
		if found, ok := e.published[fmt.Sprint(address(path), " ", e.version)]; ok {
			return found
		}
		e.next()
	}
}

// place returns the parameters of a request at a text of a document, | marking the place in it.
func place(t testing.TB, path, content, mark string) map[string]any {
	t.Helper()
	before, after, _ := strings.Cut(mark, "|")
	i := strings.Index(content, before+after)
	if i < 0 {
		t.Fatalf("there is no %q", mark)
	}
	p := edit.New(content).Position(i + len(before))
	return map[string]any{"textDocument": map[string]any{"uri": address(path)}, "position": p}
}

func labels(result any) (out []string) {
	for _, one := range result.([]any) {
		out = append(out, one.(map[string]any)["label"].(string))
	}
	return out
}

// apply applies edits of the protocol.
func apply(content string, edits []any) string {
	d := edit.New(content)
	var all []edit.Edit
	at := func(v any) int {
		p := v.(map[string]any)
		return d.Offset(edit.Position{Line: number(p["line"]), Character: number(p["character"])})
	}
	for _, one := range edits {
		e := one.(map[string]any)
		r := e["range"].(map[string]any)
		all = append(all, edit.Edit{From: at(r["start"]), To: at(r["end"]), New: e["newText"].(string)})
	}
	return edit.Apply(content, all)
}

func number(v any) int {
	n, _ := strconv.ParseFloat(fmt.Sprint(v), 64)
	return int(n)
}

// copiedShipped is a folder with the shipped pipeline and its tests.
func copiedShipped(t testing.TB) (folder, content, tests string) {
	t.Helper()
	folder = t.TempDir()
	for name, to := range map[string]*string{"backstage.yaml": &content, "backstage.test.yaml": &tests} {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(shipped), name))
		if err != nil {
			t.Fatal(err)
		}
		*to = string(b)
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder, content, tests
}

// TestLSP: an editor opens the shipped file, types a mistake, gets its fix, and asks about what it
// sees.
func TestLSP(t *testing.T) {
	folder, content, tests := copiedShipped(t)
	file, testFile := filepath.Join(folder, "backstage.yaml"), filepath.Join(folder, "backstage.test.yaml")
	e := openEditor(t, folder)
	if found := e.open(file, content); len(found) > 0 {
		t.Errorf("the shipped file: %v", found)
	}
	if found := e.open(testFile, tests); len(found) > 0 {
		t.Errorf("its tests: %v", found)
	}
	d := edit.New(content)
	i := strings.Index(content, "titlecase(spec.lifecycle)")
	change := func(from, to int, s string) {
		e.send("textDocument/didChange", map[string]any{
			"textDocument":   map[string]any{"uri": address(file), "version": e.newVersion()},
			"contentChanges": []any{map[string]any{"range": d.Span(from, to), "text": s}}})
		content = edit.Apply(content, []edit.Edit{{From: from, To: to, New: s}})
		d = edit.New(content)
	}
	began := time.Now()
	change(i, i+9, "titelcase")
	found := e.wait(file)
	t.Logf("diagnostics after %v", time.Since(began))
	if len(found) != 1 || found[0]["code"] != "unknown-function" ||
		!strings.Contains(found[0]["message"].(string), "titlecase") {
		t.Fatalf("diagnostics: %v", found)
	}
	actions := e.call("textDocument/codeAction", map[string]any{"textDocument": map[string]any{"uri": address(file)},
		"range": found[0]["range"], "context": map[string]any{"diagnostics": []any{}}}).([]any)
	if len(actions) != 1 {
		t.Fatalf("actions: %v", actions)
	}
	edits := actions[0].(map[string]any)["edit"].(map[string]any)["changes"].(map[string]any)[address(file)].([]any)
	content = apply(content, edits)
	d = edit.New(content)
	e.replace(file, content)
	if found := e.wait(file); len(found) > 0 {
		t.Errorf("after the fix: %v", found)
	}

	for mark, want := range map[string]string{
		"summary: descr|iption":         "define",
		"lifecycle: titlecase(spec.li|": "production",
		"email: low|er(spec":            "lower(",
		"max_lo|ss":                     "deleted",
		"when: len(ma|rks) > 0":         "decides",
		"owner: displ|ay(owner)":        "display(ref",
	} {
		got := fmt.Sprint(e.call("textDocument/hover", place(t, file, content, mark)))
		if !strings.Contains(got, want) {
			t.Errorf("hover at %s has no %q: %s", mark, want, got)
		}
	}
	for mark, want := range map[string][]string{
		"keep: metadata.|annotations":                     {"annotations", "name", "tags"},
		"type: spec.|type":                                {"lifecycle", "type"},
		`members: related("|hasMember`:                    {"hasMember", "ownedBy"},
		"title: na|me":                                    {"name", "owner", "lower", "metadata"},
		`kind in ["|Component`:                            {"Component", "API"},
		"          type: spec.type\n          lif|ecycle": {"lifecycle", "owner"},
		"        vie|wURL":                                {"viewURL", "summary"},
		"on_refusal: |tighten":                            {"stop", "tighten"},
	} {
		got := labels(e.call("textDocument/completion", place(t, file, content, mark)))
		for _, one := range want {
			if !slices.Contains(got, one) {
				t.Errorf("completion at %s has no %s: %v", mark, one, got)
			}
		}
	}
	// Half-written YAML: the last good tree answers.
	half := strings.Replace(content, "  marks: concat(", "  more: metadata.\n  x\n  marks: concat(", 1)
	e.replace(file, half)
	got := labels(e.call("textDocument/completion", place(t, file, half, "more: metadata.|")))
	if !slices.Contains(got, "name") {
		t.Errorf("half-written: %v", got)
	}
	e.replace(file, content)

	defined := e.call("textDocument/definition", place(t, file, content, "containerDatasourceId: par|ent")).([]any)
	if len(defined) != 1 {
		t.Errorf("definition: %v", defined)
	}
	if got := e.call("textDocument/references", place(t, file, content, "  desc|ription: plain")).([]any); len(got) != 5 {
		t.Errorf("%d references: %v", len(got), got)
	}
	renamed := place(t, file, content, "  desc|ription: plain")
	renamed["newName"] = "about"
	changes := e.call("textDocument/rename", renamed).(map[string]any)["changes"].(map[string]any)[address(file)].([]any)
	after := apply(content, changes)
	if strings.Count(after, "about") != strings.Count(content, "about")+5 {
		t.Errorf("renamed: %v", changes)
	}
	if c := pipe(t, nil, "check", write(t, "renamed.yaml", after)); c.code != 0 {
		t.Error(c.both())
	}
	outline := fmt.Sprint(e.call("textDocument/documentSymbol", place(t, file, content, "version: 1|")))
	if !strings.Contains(outline, "private to its owners") || !strings.Contains(outline, "not orphaned") {
		t.Errorf("outline: %s", outline)
	}
	if got := e.call("textDocument/codeLens", place(t, testFile, tests, "tests:|")).([]any); len(got) < 10 {
		t.Errorf("lenses: %v", got)
	}
	untidy := strings.Replace(content, "version: 1\n", "version: 1   \n", 1) + "\n\n"
	e.open(file, untidy)
	edits = e.call("textDocument/formatting", place(t, file, untidy, "version: 1|")).([]any)
	if apply(untidy, edits) != content {
		t.Error("formatting")
	}
	e.open(file, content)
	run := func(command string, args ...any) any {
		return e.call("workspace/executeCommand", map[string]any{"command": command, "arguments": args})
	}
	tested := fmt.Sprint(run("pipe.test", address(testFile), "users need an e-mail address"))
	if !strings.HasPrefix(tested, "ok ") {
		t.Errorf("test: %s", tested)
	}
	if got := fmt.Sprint(run("pipe.explain", address(file))); !strings.Contains(got, "Found by") ||
		!strings.Contains(got, "- customProperties:\n  - type: `") {
		t.Errorf("explain: %s", got)
	}
	run("pipe.choose", address(file), "sandbox", "component:default/")
	if got := fmt.Sprint(run("pipe.samples", address(file))); strings.Count(got, "component:") < 10 {
		t.Errorf("samples: %s", got)
	}
	e.call("shutdown", nil)
	e.send("exit", nil)
	if code := <-e.code; code != 0 {
		t.Errorf("exit %d", code)
	}
}

// TestLSPNewLine: on a new line, an editor offers the keys that its mapping does not have yet, and
// the members of the sample with one of their values.
func TestLSPNewLine(t *testing.T) {
	folder, content, tests := copiedShipped(t)
	file := filepath.Join(folder, "backstage.yaml")
	e := openEditor(t, folder)
	const (
		custom     = "          namespace: metadata.namespace\n          ref: ref\n"
		properties = "propertyType: TEXT, hideUiFacet: true}\n"
		rules      = "      when: len(marks) > 0\n      allow: none\n"
	)
	content = strings.Replace(content, properties, properties+"      - name: language\n", 1)
	for _, c := range []struct{ after, typed, want string }{
		{custom, "          ", "language"},
		{custom, "          lan", "language"},
		{custom, "          language: spec.", `consumesApis: such as ["rates"] definition: such as "openapi: 3.0.0"`},
		{custom, "          language: metadata.n", `name: text, such as "checkout"`},
		{properties, "      - ", "name displayLabel"},
		{"- name: language\n", "        ", "displayLabel displayLabelPlural"},
		{rules, "    - ", "name when allow"},
		{rules, "    - name: internal\n      ", "when allow"},
		{rules, "    - name: internal\n      allow: none\n      w", "when"},
	} {
		i := strings.Index(content, c.after) + len(c.after)
		changed := content[:i] + c.typed + "\n" + content[i:]
		e.open(file, changed)
		var got []string
		for _, one := range e.call("textDocument/completion", place(t, file, changed, c.after+c.typed+"|")).([]any) {
			item := one.(map[string]any)
			if strings.Contains(c.want, "such as") {
				got = append(got, fmt.Sprintf("%v: %v", item["label"], item["detail"]))
			} else {
				got = append(got, item["label"].(string))
			}
		}
		all := strings.Join(got, " ")
		whole := strings.TrimSpace(c.typed) == ""
		if !strings.Contains(all, c.want) || whole && !strings.HasPrefix(all, c.want) {
			t.Errorf("after %q: %s", c.typed, all)
		}
	}
	const names, record = "\ntests:\n", "  - name: new\n    records:\n      - "
	testFile := filepath.Join(folder, "backstage.test.yaml")
	tests = strings.Replace(tests, names, names+record+"\n", 1)
	e.open(testFile, tests)
	got := labels(e.call("textDocument/completion", place(t, testFile, tests, record+"|")))
	if len(got) < 2 || got[0] != "fixture" || got[1] != "with" {
		t.Errorf("a record: %v", got)
	}
	e.call("shutdown", nil)
	e.send("exit", nil)
	if code := <-e.code; code != 0 {
		t.Errorf("exit %d", code)
	}
}
