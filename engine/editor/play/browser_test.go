//go:build browser

package play_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/editor/play"
	"github.com/pipe-engine/pipe/engine/serve/browsertest"
)

// selected puts the cursor on a text of the editor: from | to |, or at |.
func selected(b *browsertest.Tab, marked string) {
	before, rest, _ := strings.Cut(marked, "|")
	inside, after, two := strings.Cut(rest, "|")
	if !two {
		inside, after = "", rest
	}
	b.Wait(fmt.Sprintf(`(() => {
const editor = document.querySelector("#text"), at = editor.value.indexOf(%q)
if (at < 0) return false
editor.focus()
editor.setSelectionRange(at + %d, at + %d)
return true
})()`, before+inside+after, len(before), len(before+inside)))
}

// meanwhile changes the text above the cursor, presses a button or key before the page has the answer for
// the new text, and returns that text with the change taken back.
func meanwhile(b *browsertest.Tab, press string) string {
	return b.Text(fmt.Sprintf(`(() => {
const editor = document.querySelector("#text")
const write = text => { editor.value = text; editor.dispatchEvent(new Event("input")) }
const at = editor.selectionStart, above = "# typed\n# meanwhile\n"
write(above + editor.value)
%s
const after = editor.value
write(after.slice(above.length))
editor.setSelectionRange(at, at)
return after.slice(above.length)
})()`, press))
}

// TestPlayInBrowser: a person changes the title and sees the document change, adds a rule and sees who
// finds it change, mistypes and sees the problem at its place, applies the fix, completes a name, and
// saves; a fix and a completion of an older text change nothing; the page fits a phone and a desktop
// screen in both colours.
func TestPlayInBrowser(t *testing.T) {
	b := browsertest.New(t, 2*time.Minute)
	w := start(t, nil, play.Options{})
	b.Open(w.server.Link())
	b.Wait(`document.querySelector("#document-title") !== null`)
	b.Focus("component:default/")
	b.Press("component:default/booking-service")
	const title = `document.querySelector("#document-title")?.innerText`
	b.Wait(title + ` === "booking-service"`)
	b.Look("play")

	selected(b, "        title: |name|\n        viewURL: page\n        summary: description\n")
	b.Press(`upper(name)`)
	pressed := time.Now()
	b.Wait(title + ` === "BOOKING-SERVICE"`)
	t.Logf("the document after %v", time.Since(pressed))
	b.Wait(`document.querySelector("#saved").innerText === "Not saved"`)

	const finds = `document.querySelector("#finds")?.innerText`
	b.Wait(finds + `.startsWith("All users of the datasource find it: ")`)
	selected(b, "  rules:|\n")
	b.Press(browsertest.Enter, "- name: services", browsertest.Enter, `when: kind == "Component"`, browsertest.Enter,
		"allow: owner")
	b.Wait(finds + `.includes('people find it. Decided by the rule "services"')`)
	b.Focus("search-as")
	b.Press("Liam")
	b.Wait(`document.querySelector(".answer.warn")?.innerText.includes("does not find it")`)
	b.Look("play-rule")

	selected(b, "lifecycle: |titlecase|(spec")
	b.Press("titelcase")
	b.Wait(`document.querySelector("#problems .place")?.innerText === "132:22"`)
	b.Wait(`document.querySelector("#why").innerText.startsWith("The file has problems.")`)
	if got := b.Text(title); got != "BOOKING-SERVICE" || b.Text(`document.querySelector("#result").className`) != "stale" {
		t.Errorf("the last document is not there: %s", got)
	}
	b.Wait(`document.querySelector("#problems .fix") !== null`)
	b.Look("play-problem")
	b.Focus("132:22")
	b.Press(browsertest.Enter)
	if got := b.Text(`(() => { const e = document.activeElement; return e.value.slice(e.selectionStart, e.selectionEnd) })()`); got !=
		"titelcase" {
		t.Errorf("the place of the problem is %q", got)
	}
	mistyped := b.Text(`document.querySelector("#text").value`)
	if got := meanwhile(b, `const old = document.querySelector("#problems .fix")
old.dataset.old = "true"
old.click()`); got != mistyped {
		t.Errorf("the fix of an older text has changed\n%s", got)
	}
	b.Wait(`document.querySelector("#problems .fix:not([data-old])") !== null`)
	b.Focus("Change to titlecase")
	b.Press(browsertest.Enter)
	b.Wait(`document.querySelector("#problems-title").innerText === "No problems"`)
	b.Wait(`document.querySelector("#result").className === ""`)

	selected(b, "lifecycle: |titlecase|(spec")
	b.Press("titlec", browsertest.Ctrl+" ")
	b.Wait(`!document.querySelector("#popup").hidden`)
	b.Look("play-completion")
	half := b.Text(`document.querySelector("#text").value`)
	if got := meanwhile(b, `editor.dispatchEvent(new KeyboardEvent("keydown", {key: "Tab"}))`); got != half {
		t.Errorf("the completion of an older text has changed\n%s", got)
	}
	b.Press(browsertest.Ctrl + " ")
	b.Wait(`!document.querySelector("#popup").hidden`)
	b.Press(browsertest.Enter)
	b.Wait(`document.querySelector("#popup").hidden`)
	b.Wait(`document.querySelector("#text").value.includes("lifecycle: titlecase(spec")`)
	if w.read() != w.text {
		t.Error("the file has changed without Save")
	}
	b.Focus("Save save")
	b.Press(browsertest.Enter)
	b.Wait(`document.querySelector("#saved").innerText === "Saved"`)
	want := replaced(t, w.text, "        title: name\n", "        title: upper(name)\n")
	want = replaced(t, want, "  rules:\n",
		"  rules:\n    - name: services\n      when: kind == \"Component\"\n      allow: owner\n")
	if got := w.read(); got != want {
		t.Errorf("the file is\n%s", got)
	}
	w.write("recorded.json", `[{"kind":"API","metadata":{"name":"of-recorded"},"spec":{}}]`)
	b.Focus("sample-from")
	b.Press("a recorded")
	b.Wait(`document.querySelector("#why").innerText.startsWith("Name a recorded file.")`)
	b.Press(browsertest.Next)
	b.Wait(`document.activeElement.id === "recorded"`)
	b.Press("recorded.json")
	b.Wait(title + ` === "OF-RECORDED"`)
	b.Allow("409")
	w.write("backstage.yaml", w.text)
	selected(b, "version: |1")
	b.Press(" ", browsertest.Ctrl+"s")
	b.Wait(`document.querySelector("#saved").innerText.includes("changed on disk")`)
	if w.read() != w.text {
		t.Error("another one's change was overwritten")
	}
}
