package e2e

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/output"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// hostile is text that forges a line, gives commands to a CI system and steers
// a terminal.
const hostile = "x\nFORGED\n::add-mask::y\r\n " +
	"\u00a0::error::z\x1b]52;c;aGk=\x07\x1b[31m\u202e\u2066\u009b31m\u200b\u2028::warning::w ##vso[task.x] " +
	"##[group]\U000e0041\x7f\ufeff"

// hostileCatalog is the company with hostile text wherever a person or a tool
// may write some.
func hostileCatalog(t *testing.T) [][]byte {
	t.Helper()
	var out [][]byte
	for i, raw := range backstagesandbox.Company() {
		e, err := codec.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		meta := e["metadata"].(map[string]any)
		meta["title"], meta["description"] = "T "+hostile, "D "+hostile
		meta["tags"] = []any{"tag " + hostile}
		spec, _ := e["spec"].(map[string]any)
		if spec == nil {
			spec = map[string]any{}
			e["spec"] = spec
		}
		if e["kind"] == "Component" {
			spec["type"], spec["lifecycle"] = "type "+hostile, "life "+hostile
		}
		if profile, ok := spec["profile"].(map[string]any); ok {
			profile["displayName"] = "N " + hostile
		}
		if e["kind"] == "Component" && i%3 == 0 {
			e["relations"] = []any{map[string]any{"type": "ownedBy", "targetRef": "group:default/own" + hostile}}
			meta["annotations"] = map[string]any{"glean.com/visibility": "private"}
		}
		if e["kind"] == "Component" && i%3 == 1 {
			meta["annotations"] = map[string]any{"glean.com/visibility": "vis" + hostile}
		}
		b, err := codec.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	odd, err := codec.Marshal(map[string]any{"apiVersion": "backstage.io/v1alpha1", "kind": "Component",
		"metadata": map[string]any{"name": "odd" + hostile, "uid": "odd", "namespace": "default", "title": hostile},
		"spec":     map[string]any{"type": "service"}})
	if err != nil {
		t.Fatal(err)
	}
	return append(out, odd)
}

// ciCommand is what GitHub, Azure DevOps or TeamCity takes for a command.
var ciCommand = regexp.MustCompile(`(?m)^[\s\p{Z}]*::|##\w*\[`)

// harmless fails when a text holds something of hostile that works.
func harmless(t *testing.T, what, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s: not UTF-8", what)
	}
	for i, r := range text {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)) {
			t.Errorf("%s: %U in %q", what, r, text[max(0, i-60):min(len(text), i+20)])
			return
		}
	}
	if found := ciCommand.FindStringIndex(text); found != nil {
		t.Errorf("%s: a command in %q", what, text[max(0, found[0]-60):min(len(text), found[1]+20)])
	}
}

// unforged fails when text from outside starts a line of its own.
func unforged(t *testing.T, what, text string) {
	t.Helper()
	if found := regexp.MustCompile(`(?mi)^FORGED`).FindStringIndex(text); found != nil {
		t.Errorf("%s: a forged line in %q", what, text[max(0, found[0]-80):min(len(text), found[1]+20)])
	}
}

// TestHostileFiles: the refs and reasons in the files of rejected and withheld
// records are escaped, and equal.
func TestHostileFiles(t *testing.T) {
	dir := t.TempDir()
	o, err := output.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.DeadLetter(component.DeadLetter{Ref: hostile, Reason: hostile}); err != nil {
		t.Fatal(err)
	}
	plan := &component.Plan{Streams: []component.StreamPlan{{Name: "documents",
		Ordered: func(func([]byte, error) bool) {},
		Content: func(func(component.Encoded, error) bool) {},
		Withheld: func(yield func(component.Encoded, error) bool) {
			yield(component.Encoded{Ref: hostile, ID: hostile}, nil)
		}}}}
	if err := errors.Join(o.Plan(t.Context(), plan), o.Close()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rejected.ndjson", "withheld.ndjson"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		harmless(t, name, string(b))
		if v, err := codec.Decode(b); err != nil || v["ref"] != hostile {
			t.Errorf("%s: %v\n%q", name, err, b)
		}
	}
}

// TestHostileText (invariant 6): text from outside reaches stdout, stderr and
// the files that CI shows with nothing that steers a terminal or a CI system.
func TestHostileText(t *testing.T) {
	w := newWorld(t, backstagesandbox.Options{Entities: hostileCatalog(t)}, gleansandbox.Options{})
	source, sink := newFront(t, w.backstage.URL()), newFront(t, w.glean.URL())
	w.env["BACKSTAGE_BASE_URL"], w.env["BACKSTAGE_UI_URL"] = source.URL, w.backstage.URL()
	w.env["GLEAN_SERVER_URL"] = sink.URL
	dir := t.TempDir()
	report, folder := filepath.Join(dir, "report.ndjson"), filepath.Join(dir, "out")
	runPage, diffPage := filepath.Join(dir, "run.html"), filepath.Join(dir, "diff.html")
	quick := []string{"--set", "@source.retries.attempts=1", "--set", "@sink.retries.attempts=1", "--set",
		"@sink.requests_per_second=0", "--log-level", "debug"}
	call := func(t *testing.T, args ...string) call {
		t.Helper()
		var c call
		for _, flags := range [][]string{nil, {"--json", "--log-format", "json"}} {
			c = w.pipe(t, slices.Concat(args, flags, quick)...)
			what := strings.Join(slices.Concat(args[:min(3, len(args))], flags), " ")
			harmless(t, what+", stdout", c.stdout)
			harmless(t, what+", stderr", c.stderr)
			if args[0] != "eval" { // prints a text unchanged
				unforged(t, what, c.both())
			}
			if c.stdout == "" && c.stderr == "" {
				t.Errorf("%s says nothing", what)
			}
			if flags != nil {
				if _, err := codec.Decode([]byte(c.stdout)); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
		}
		return c
	}
	saved := write(t, "catalog.json", "["+string(joined(hostileCatalog(t)))+"]")
	commands := [][]string{
		{"run", shipped, "--report", report, "--html", runPage, "--output", folder, "--progress", "plain"},
		{"run", shipped, "--dry-run", "--output", folder, "--progress", "json"},
		{"diff", shipped, "--against", folder, "--html", diffPage},
		{"status", shipped}, {"status", shipped, "component:default/checkout"}, {"doctor", shipped}, {"check", shipped},
		{"show", shipped, "components"}, {"show", shipped, "users"},
		{"explain", shipped, "checkout"}, {"explain", shipped, "odd"}, {"explain", shipped, "--input", saved, "checkout"},
		{"eval", shipped, "metadata.title", "--ref", "checkout"}, {"eval", shipped, "metadata.title"},
		{"eval", shipped, "fail", "--ref", "checkout"},
		{"hide", shipped, "component:default/checkout"}, {"datasource", "plan", shipped},
	}
	for _, args := range commands {
		call(t, args...)
	}
	for name, spoil := range map[string]echo{
		"400": answerWith(400, "text/plain", func(*http.Request) string { return hostile }),
		"JSON": answerWith(500, "application/json", func(*http.Request) string {
			return `{"error":` + string(codec.Quote(nil, hostile)) + `}`
		}),
		"sign-in page": answerWith(200, "text/html", func(*http.Request) string {
			return "<html><title>" + hostile + "</title>"
		}),
		"another shape": answerWith(200, "application/json", func(*http.Request) string {
			return `{"` + "\u202e" + `":` + string(codec.Quote(nil, hostile)) + `}`
		}),
	} {
		for end, f := range map[string]*front{"Backstage": source, "Glean": sink} {
			t.Run(name+" from "+end, func(t *testing.T) {
				f.spoil.Store(&spoil)
				defer f.spoil.Store(nil)
				for _, args := range [][]string{commands[0], {"doctor", shipped}, {"show", shipped, "components"},
					{"status", shipped}} {
					call(t, args...)
				}
			})
		}
	}
	for _, file := range []string{report, runPage, diffPage, filepath.Join(folder, "rejected.ndjson"),
		filepath.Join(folder, "withheld.ndjson")} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		harmless(t, filepath.Base(file), string(b))
	}
}

// joined are entities with commas between them.
func joined(entities [][]byte) []byte {
	var out []byte
	for i, e := range entities {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, e...)
	}
	return out
}

// TestHostileTests: pipe test with hostile text in a failing test.
func TestHostileTests(t *testing.T) {
	// YAML has no pairs of escapes
	quoted := string(display.JSON(codec.Quote(nil, "T"+strings.ReplaceAll(hostile, "\U000e0041", ""))))
	pipeline := edited(t)
	tests := filepath.Join(filepath.Dir(pipeline), "pipeline.test.yaml")
	text := "tests:\n- name: hostile\n  records:\n  - kind: Component\n    metadata:\n      name: a\n      title: " +
		quoted +
		"\n    spec:\n      type: service\n  expect:\n    component:default/a:\n      documents:\n        title: another\n"
	if err := os.WriteFile(tests, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{nil, {"--json"}} {
		c := pipe(t, map[string]string{"CI": "true"}, append([]string{"test", pipeline, "--allow-untested"}, flags...)...)
		harmless(t, "pipe test", c.both())
		unforged(t, "pipe test", c.both())
		if c.code != int(job.Failed) || !strings.Contains(c.stdout, `u202e`) {
			t.Errorf("exit %d\n%s", c.code, c.both())
		}
	}
}

// TestHostilePluginText: hostile text in everything that a plugin returns, prints and
// writes.
func TestHostilePluginText(t *testing.T) {
	record := `{"apiVersion":"v1","kind":"API","metadata":{"name":"a","title":` + string(codec.Quote(nil, hostile)) + `},"spec":{}}`
	script := write(t, "plugin.sh",
		"#!/bin/sh\nprintf '"+strings.NewReplacer("%", "%%", "\n", `\n`, "\r", `\r`).Replace(hostile)+"' >&2\nexec "+os.Args[0]+
			"\n")
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"plugin-hostile", "plugin-noop"} {
		for _, flags := range [][]string{nil, {"--json"}} {
			env := map[string]string{"CI": "true", childVariable: mode, markVariable: filepath.Join(t.TempDir(), "mark")}
			c := fed(t, env, record,
				append([]string{"plugin", "try", script, "--env", childVariable, "--log-level", "debug"}, flags...)...)
			harmless(t, mode, c.both())
			unforged(t, mode, c.both())
			if !strings.Contains(c.stderr, "u202e") {
				t.Errorf("%s: exit %d\n%s", mode, c.code, c.both())
			}
		}
	}
}
