//go:build backstage

package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestTechDocsOfRealBackstage publishes the sites of a real Backstage: each page is found by
// exactly the people who find its entity. The Backstage has the catalog of testdata/techdocs.
func TestTechDocsOfRealBackstage(t *testing.T) {
	address := os.Getenv("BACKSTAGE_DOCS_URL")
	if address == "" {
		t.Skip("BACKSTAGE_DOCS_URL is not set: there is no real Backstage with documentation")
	}
	l := &library{nights: &nights{}}
	l.world = newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{
		Datasources: []gleanapi.DatasourceConfig{datasourceOf(shipped, address)}})
	l.env["BACKSTAGE_BASE_URL"], l.env["BACKSTAGE_API_TOKEN"] = address, os.Getenv("BACKSTAGE_TOKEN")
	l.env["SYNC_TECHDOCS_ENABLED"] = "true"
	run := func(flags ...string) call {
		c := l.pipe(t, append([]string{"run", shipped, "--progress", "none"}, flags...)...)
		if c.code != int(job.Done) {
			t.Fatalf("exit %d\n%s", c.code, c.both())
		}
		return c
	}
	run().expect(t, int(job.Done), "documentation", "component:default/not-built: Backstage has no site")
	l.same(t, "real Backstage")
	for entity, want := range map[string]int{"docs-site": 3, "private-docs": 3, "no-index": 3, "not-built": 0,
		"part-of-docs": 0} {
		if got := l.pages(thing{kind: "component", ns: "default", name: entity}); len(got) != want {
			t.Errorf("%s has the pages %q", entity, got)
		}
	}
	const start = "techdocs:default/component/no-index/guides/start/"
	d, _ := l.index().Document(start)
	if d.Title != "Getting started" || !strings.Contains(d.Body.TextContent, "make all") ||
		strings.Contains(d.Body.TextContent, "MkDocs") {
		t.Errorf("a page without a search index: %+v", d)
	}
	if who := l.index().WhoFinds("techdocs:default/component/private-docs/"); !slices.Equal(who,
		[]string{"ann@example.com"}) {
		t.Errorf("a private page is found by %v", who)
	}
	run().expect(t, int(job.Done), "sent: nothing, because nothing changed", "9 kept")
	run("--full").expect(t, int(job.Done), "!kept")
	l.same(t, "again")
}
