package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestLargeFields: a field beyond its limit is cut, and its document is still sent; a note
// names field and entity. Principals are never cut.
func TestLargeFields(t *testing.T) {
	for field, c := range map[string]struct {
		n    int
		note string
	}{
		"definition": {12 << 20, "documents.body in 1 (api:default/large)"},
		"markdown": {12 << 20,
			"documents.body in 1 (component:default/large); documents.summary in 1 (component:default/large)"},
		"tags":   {200_000, "documents.tags in 1 (component:default/large)"},
		"links":  {200_000, "documents.body in 1 (component:default/large)"},
		"owners": {20_000, ""},
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			entities, err := largeCatalog(field, c.n)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, backstagesandbox.Options{Entities: entities}, gleansandbox.Options{})
			got := w.pipe(t, "run", shipped, "--progress", "none", "--json")
			if got.code != 0 {
				t.Fatalf("exit %d\n%s", got.code, got.both())
			}
			var r printedReport
			if err := codec.Unmarshal([]byte(got.stdout), &r); err != nil {
				t.Fatal(err)
			}
			if notes := strings.Join(r.Data.Notes, "\n"); c.note != "" && !strings.Contains(notes, c.note) ||
				(c.note == "") == strings.Contains(notes, "cut to the length limits") {
				t.Errorf("notes:\n%s", notes)
			}
			found := false
			for _, d := range w.index().Documents {
				found = found || strings.HasSuffix(d.ID, "default/large")
			}
			if found == (field == "owners") { // Glean knows no owner, so it is withheld
				t.Errorf("in the index: %v", found)
			}
		})
	}
}

// TestLargeDecisions: members and owners are never cut. A group or a private entity
// whose refs are larger than the limit is rejected, with the limit and the place.
func TestLargeDecisions(t *testing.T) {
	t.Parallel()
	list := func(relation string) string {
		var b strings.Builder
		for i := range 120_000 { // of 80 bytes each
			fmt.Fprintf(&b, `,{"type":%q,"targetRef":"user:default/%s%06d"}`, relation, strings.Repeat("a", 60), i)
		}
		return "[" + b.String()[1:] + "]"
	}
	entities := append(backstagesandbox.Company(),
		fmt.Appendf(nil, `{"kind":"Group","metadata":{"name":"large"},"spec":{"type":"team"},"relations":%s}`, list("hasMember")),
		fmt.Appendf(nil, `{"kind":"Component","metadata":{"name":"large","annotations":{"glean.com/visibility":"owner"}},"spec":{"type":"service"},"relations":%s}`, list("ownedBy")))
	w := newWorld(t, backstagesandbox.Options{Entities: entities}, gleansandbox.Options{})
	w.run(t).expect(t, int(job.Rejected), "mapping, groups.members: too complex: it gives a result larger than 8 MiB",
		"group:default/large",
		"permissions, private to its owners", "component:default/large")
	for _, id := range []string{"group:default/large", "component:default/large"} {
		if _, there := w.index().Document(id); there {
			t.Errorf("%s is in the index", id)
		}
	}
}
