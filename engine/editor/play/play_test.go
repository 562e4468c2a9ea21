package play_test

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/editor/play"
	"github.com/pipe-engine/pipe/engine/editor/text"
)

// TestEvaluate: a change of the title, of a rule and of the person changes the document and who finds
// it; a typing error shows at its place and leaves the reason why there is no document.
func TestEvaluate(t *testing.T) {
	w := startSignedIn(t, nil)
	const service = "component:default/booking-service"
	a := w.evaluate(w.text, "ref", service)
	has := func(wanted ...string) {
		t.Helper()
		for _, want := range wanted {
			if !strings.Contains(a.HTML, want) {
				t.Errorf("%q is not in:\n%s", want, a.HTML)
			}
		}
	}
	has(">booking-service</bdi></h2>", "All users of the datasource find it: ", "<strong><bdi>the default</bdi></strong>",
		"Lifecycle <small>(facet)</small>", `data-line="`)
	if a.Why != "" || len(a.Problems) > 0 || a.Ref != service || len(a.Refs) < 50 || len(a.People) < 5 {
		t.Errorf("the shipped file: %s, %v, %s, %d refs, %d people", a.Why, a.Problems, a.Ref, len(a.Refs), len(a.People))
	}
	titled := replaced(t, w.text, "        title: name\n", "        title: '\"Entity \" + upper(name)'\n")
	a = w.evaluate(titled, "ref", service)
	has("<bdi>Entity BOOKING-SERVICE")
	rule := "  rules:\n    - name: services\n      when: kind == \"Component\"\n      allow: owner\n"
	a = w.evaluate(replaced(t, w.text, "  rules:\n", rule), "ref", service, "as", "liam.obrien@larkspur.example")
	has("<strong><bdi>the rule &#34;services&#34;</bdi></strong>", "people find it. Decided by", "O&#39;Brien",
		"does not find it: ")
	a = w.evaluate(replaced(t, w.text, "titlecase(spec.lifecycle)", "titelcase(spec.lifecycle)"))
	if a.HTML != "" || a.Why != "The file has problems." || len(a.Problems) != 1 ||
		a.Problems[0].Code != "unknown-function" || a.Problems[0].Place != "132:22" {
		t.Errorf("a typing error: %+v", a)
	}
	for _, half := range []string{w.text + "\nmapping:\n  x", "", "a: [", w.text[:len(w.text)/2]} {
		if a := w.evaluate(half); a.Why == "" && a.HTML == "" {
			t.Errorf("%.20q: %+v", half, a)
		}
	}
	a = w.evaluate(w.text, "ref", "component:default/none")
	if !strings.Contains(a.HTML, "The sample has no <bdi>component:default/none</bdi>") {
		t.Errorf("an unknown record:\n%s", a.HTML)
	}
	for ref, want := range map[string]string{"user:default/amara.okafor": "A user, amara.okafor@larkspur.example.",
		"group:default/": "has no"} {
		if a := w.evaluate(w.text, "ref", ref); !strings.Contains(a.HTML, want) {
			t.Errorf("%s:\n%s", ref, a.HTML)
		}
	}
}

// TestSamples: the fixtures of the tests come first; a recorded file is in the folder; a comment of the
// file chooses before the page does.
func TestSamples(t *testing.T) {
	w := startSignedIn(t, nil)
	w.write("backstage.test.yaml", "fixtures:\n  x:\n    kind: Component\n    metadata: {name: of-tests}\n"+
		"tests:\n  - name: one\n    fixture: x\n    expect: {}\n")
	w.write("recorded.json", `[{"kind":"API","metadata":{"name":"of-recorded"},"spec":{}}]`)
	for file, want := range map[string]string{"": "component:default/of-tests", "tests": "component:default/of-tests",
		"recorded.json": "api:default/of-recorded"} {
		if a := w.evaluate(w.text, "file", file); a.Ref != want || !strings.Contains(a.HTML, "<h2 id=\"document-title\"") {
			t.Errorf("%s: %s, want %s; %s\n%s", file, a.Ref, want, a.Why, a.HTML)
		}
	}
	w.write("recorded.json", `[{"kind":"API","metadata":{"name":"of-the-change"},"spec":{}}]`)
	if a := w.evaluate(w.text, "file", "recorded.json"); a.Ref != "api:default/of-the-change" {
		t.Errorf("after a change of the recorded file: %+v", a)
	}
	w.write("recorded.json", `[{"kind":"API","metadata":{"name":"of-recorded"},"spec":{}}]`)
	if a := w.evaluate(w.text, "file", "sandbox"); len(a.Refs) < 50 {
		t.Errorf("the sandbox: %+v", a)
	}
	if a := w.evaluate(w.text, "file", "none.json"); !strings.Contains(a.Why, "not a file of at most 4 MiB") {
		t.Errorf("a missing file: %s", a.Why)
	}
	a := w.evaluate("# sample: recorded.json of-recorded\n"+w.text, "file", "sandbox")
	if !a.Fixed || a.File != "recorded.json" || a.Ref != "api:default/of-recorded" {
		t.Errorf("a comment: %+v", a)
	}
}

// TestOtherSource: a pipeline that has no sandbox shows the records of its tests and of files.
func TestOtherSource(t *testing.T) {
	const file = "../../../pipelines/examples/files/handbook.yaml"
	w := start(t, nil, play.Options{File: file})
	if body := w.signIn(); !strings.Contains(body, ">handbook.test.yaml: fixtures</option>") {
		t.Errorf("the page:\n%s", body)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if a := w.evaluate(string(b)); len(a.Refs) != 4 {
		t.Errorf("the records of the tests: %s, %v", a.Why, a.Refs)
	}
	a := w.evaluate(string(b), "file", "handbook.ndjson", "ref", "welcome", "as", "bob")
	for _, want := range []string{`id="document-title"><bdi>Welcome</bdi>`, "How we work.", "</bdi> finds it: "} {
		if !strings.Contains(a.HTML, want) {
			t.Errorf("%q is not in: %s\n%s", want, a.Why, a.HTML)
		}
	}
	if a := w.evaluate(string(b), "file", "sandbox"); !strings.Contains(a.HTML, "The sample has no records.") {
		t.Errorf("without a sandbox: %s\n%s", a.Why, a.HTML)
	}
}

// TestPushed: a pipeline of pushed records shows those of a file.
func TestPushed(t *testing.T) {
	w := startSignedIn(t, func(text string) string {
		before, rest, _ := strings.Cut(text, "\nsource:\n")
		_, after, _ := strings.Cut(rest, "\ntransforms:")
		return before + "\nsource:\n  push:\n    store: s.db\n    model: {backstage: {ui_url: https://b.example.com}}\n" +
			"\ntransforms:" + after
	})
	w.write("pushed.json", `{"apiVersion":"backstage.io/v1alpha1","kind":"Component",`+
		`"metadata":{"name":"shop","namespace":"default","description":"sells zebras"},`+
		`"spec":{"type":"service","lifecycle":"production","owner":"red"}}`)
	a := w.evaluate(w.text, "file", "pushed.json")
	if len(a.Refs) != 1 || !strings.Contains(a.HTML, "sells zebras") {
		t.Errorf("%s, %v, %v\n%s", a.Why, a.Problems, a.Refs, a.HTML)
	}
}

// TestFixes: a fix leads back to a text without problems.
func TestFixes(t *testing.T) {
	w := startSignedIn(t, nil)
	typo := replaced(t, w.text, "titlecase(spec.lifecycle)", "titelcase(spec.lifecycle)")
	code, body := w.post("/fixes", "text", typo)
	var fixes []struct {
		Title string `json:"title"`
		Edits []struct {
			From text.Position `json:"from"`
			To   text.Position `json:"to"`
			New  string        `json:"new"`
		} `json:"edits"`
	}
	w.decode(body, &fixes)
	if code != http.StatusOK || len(fixes) != 1 || fixes[0].Title != "Change to titlecase" {
		t.Fatalf("%d: %s", code, body)
	}
	d := text.New(typo)
	var edits []text.Edit
	for _, e := range fixes[0].Edits {
		edits = append(edits, text.Edit{From: d.Offset(e.From), To: d.Offset(e.To), New: e.New})
	}
	if text.Apply(typo, edits) != w.text {
		t.Errorf("the fixed text: %s", body)
	}
}

// TestComplete: names and functions that begin with what was typed.
func TestComplete(t *testing.T) {
	w := startSignedIn(t, nil)
	typed := replaced(t, w.text, "lifecycle: titlecase(spec.lifecycle)", "lifecycle: titlec")
	at := text.New(typed).Position(strings.Index(typed, "lifecycle: titlec") + len("lifecycle: titlec"))
	code, body := w.post("/complete", "text", typed, "line", fmt.Sprint(at.Line), "character", fmt.Sprint(at.Character))
	if code != http.StatusOK || !strings.Contains(body, `"label":"titlecase"`) || strings.Contains(body, `"label":"lower"`) {
		t.Errorf("%d: %s", code, body)
	}
	if code, _ := w.post("/complete", "text", typed, "line", "x", "character", "0"); code != http.StatusBadRequest {
		t.Errorf("no place: %d", code)
	}
}

// TestSave: the file has the text, with its own ends of lines and mode.
func TestSave(t *testing.T) {
	for _, eol := range []string{"\n", "\r\n"} {
		w := startSignedIn(t, func(text string) string { return strings.ReplaceAll(text, "\n", eol) })
		body := w.signIn()
		if strings.Contains(body, "\r") || !strings.Contains(body, `id="save"`) {
			t.Errorf("the page:\n%s", body)
		}
		code, body := w.post("/save", "text", "version: 1\nname: x\n", "hash", w.hash)
		var saved struct {
			Hash string `json:"hash"`
		}
		w.decode(body, &saved)
		if code != http.StatusOK || w.read() != "version: 1"+eol+"name: x"+eol {
			t.Errorf("%d: %s, the file: %q", code, body, w.read())
		}
		if info, err := os.Stat(w.path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
			t.Errorf("the mode: %v, %v", info.Mode(), err)
		}
		w.signIn()
		if saved.Hash != w.hash {
			t.Errorf("hash %s, that of the page is %s", saved.Hash, w.hash)
		}
		if code, body = w.post("/save", "text", "version: 2\n", "hash", saved.Hash); code != http.StatusOK {
			t.Errorf("again: %d %s", code, body)
		}
	}
}

// BenchmarkEvaluate: from a request with a changed text of the shipped file to its answer, on the
// sandbox's company. A key press takes 60 ms longer, for which the page waits.
func BenchmarkEvaluate(b *testing.B) {
	w := startSignedIn(b, nil)
	i := 0
	for b.Loop() {
		i++
		a := w.evaluate(strings.Replace(w.text, "        title: name\n", fmt.Sprintf("        title: name + \"%d\"\n", i), 1))
		if a.HTML == "" {
			b.Fatal(a.Why)
		}
	}
}

// BenchmarkFixes: the fixes of a typing error in the shipped file.
func BenchmarkFixes(b *testing.B) {
	w := startSignedIn(b, nil)
	i := 0
	for b.Loop() {
		i++
		typo := strings.Replace(w.text, "titlecase(spec.lifecycle)", fmt.Sprintf("titelcase(spec.lifecycle) + \"%d\"", i), 1)
		if code, body := w.post("/fixes", "text", typo); code != http.StatusOK {
			b.Fatal(body)
		}
	}
}
