package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// renamed is the company with one component more, whose document has the id of an
// annotation.
func renamed(name, id string) [][]byte {
	return append(backstagesandbox.Company(), fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Component","metadata":{"name":%q,"annotations":{"example.com/id":%q}},"spec":{"type":"service","owner":"payments"},"relations":[{"type":"ownedBy","targetRef":"group:default/payments"}]}`, name, id))
}

// TestHideByID: a hidden document that keeps its id under another ref does not come back,
// also if only the hash of its id is known; hide then exits with 7.
func TestHideByID(t *testing.T) {
	t.Parallel()
	file := edited(t, "      fields:\n        id: ref\n",
		"      fields:\n        id: metadata.annotations[\"example.com/id\"] ?? ref\n")
	for name, gone := range map[string]bool{"the source has it": false, "the source has it no more": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
			w.backstage.Replace(renamed("first", "id-1"))
			run := func() call { return w.pipe(t, "run", file, "--progress", "none") }
			run().expect(t, int(job.Done))
			if gone {
				w.backstage.Replace(renamed("second", "id-1"))
				w.pipe(t, "status", file, "component:default/first").expect(t, int(job.Done), "uploaded     unknown",
					"permissions not known", "the id of its document is unknown: ")
				w.pipe(t, "hide", file, "component:default/first", "--no-mentions").expect(t, int(job.Unconfirmed),
					"with an id that is not its ref", "on the hidden list")
				if _, there := w.index().Document("id-1"); !there {
					t.Error("the id was found after all")
				}
			} else {
				w.pipe(t, "hide", file, "component:default/first", "--no-mentions").expect(t, int(job.Done), "deleted, "+
					"and hidden")
				w.pipe(t, "status", file, "component:default/first", "--json").expect(t, int(job.Done), `"id": "id-1"`)
				w.backstage.Replace(renamed("second", "id-1"))
			}
			for range 2 {
				run().expect(t, int(job.Done), "1 document hidden with pipe hide: component:default/second")
				if _, there := w.index().Document("id-1"); there {
					t.Error("it came back under another ref")
				}
			}
			w.pipe(t, "explain", file, "component:default/second").expect(t, int(job.Done), "hidden with pipe hide on",
				"as component:default/first")
			w.pipe(t, "hide", file, "--unhide", "component:default/first").expect(t, int(job.Done))
			run().expect(t, int(job.Done), "0 documents found by more people")
			if _, there := w.index().Document("id-1"); !there {
				t.Error("it did not come back")
			}
		})
	}
}

// TestHideWithoutBaseline: hide works with a damaged or missing baseline, and the list
// stays.
func TestHideWithoutBaseline(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(path string) error{
		"damaged": func(path string) error { return os.WriteFile(path, []byte("pipe-state\t{"), 0o600) },
		"missing": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := keeping(t, gleansandbox.Options{})
			files, _ := filepath.Glob(filepath.Join(k.state, "pipe", "*.state"))
			if len(files) != 1 {
				t.Fatal(files)
			}
			if err := change(files[0]); err != nil {
				t.Fatal(err)
			}
			k.pipe(t, "hide", shipped, scorer, "--no-mentions").expect(t, int(job.Done), scorer+": deleted, and hidden "+
				"until")
			if _, there := k.index().Document(scorer); there {
				t.Error("it is there")
			}
			k.stateFile(t, ".hidden")
			k.pipe(t, "explain", shipped, scorer).expect(t, int(job.Done), "withheld: hidden with pipe hide")
		})
	}
}

// TestHideMentions: the documents that mention the title of a hidden one are listed after it
// was hidden.
func TestHideMentions(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{})
	var want []string
	for id, d := range k.index().Documents {
		if id != scorer && d.Body != nil && strings.Contains(d.Body.TextContent, "fraud-scorer") {
			want = append(want, id)
		}
	}
	if len(want) == 0 {
		t.Fatal("no document mentions it")
	}
	c := k.pipe(t, "hide", shipped, scorer)
	c.expect(t, int(job.Done), append([]string{scorer + ": deleted"}, want...)...)
	if hidden, mentions := strings.Index(c.stdout, ": deleted"),
		strings.Index(c.stdout, " in the text:"); mentions < hidden {
		t.Errorf("mentions come first:\n%s", c.stdout)
	}
	c = k.pipe(t, "hide", shipped, scorer, "--json")
	c.expect(t, int(job.Done), `"title": "fraud-scorer"`, `"mentionedIn": [`, want[0])
	k.pipe(t, "hide", shipped, scorer, "--json", "--no-mentions").expect(t, int(job.Done), `"title": null`)
}

// TestHideProcesses: hide makes Glean process deletions, and reports when Glean does not.
func TestHideProcesses(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{})
	k.pipe(t, "hide", shipped, scorer, "--no-mentions").expect(t, int(job.Done), "!three hours")
	k.pipe(t, "hide", shipped, payments, "--no-mentions").expect(t, int(job.Done), "once in three hours",
		"accepts the next request after "+time.Now().Add(3*time.Hour).Format("15:"))
	k.later(3 * time.Hour)
	k.glean.Fail(gleanfaults.Fault{Path: "processalldocuments", Status: 500})
	k.pipe(t, "hide", shipped, "component:default/booking-service", "--no-mentions").expect(t, int(job.Done),
		"Requesting it now failed: ", "500")
}

// TestHideElsewhere: who else writes to the datasource is named.
func TestHideElsewhere(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{})
	page := `{"uploadId":"copy-documents-01ARZ3NDEKTSV4RRFFQ69G5FAV","datasource":"backstage","isFirstPage":true,"isLastPage":true,"documents":[]}`
	if c := k.ask(t, "bulkindexdocuments", page); c != 200 {
		t.Fatal(c)
	}
	k.pipe(t, "hide", shipped, scorer, "--no-mentions").expect(t, int(job.Done), "deleted, and hidden",
		"others also write to this datasource", "hide the documents there, too: pipeline copy, last upload ")
}
