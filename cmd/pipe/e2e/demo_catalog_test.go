package e2e

import (
	"os"
	"strings"
	"testing"

	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// demoCatalog is the public demo catalog of Backstage.
func demoCatalog(t testing.TB) [][]byte {
	t.Helper()
	const variable = "BACKSTAGE_DEMO_CATALOG"
	path := os.Getenv(variable)
	if path == "" {
		t.Skipf("%s does not name Backstage's demo catalog", variable)
	}
	raw, _, err := backstagesandbox.FromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestDemoCatalog: every entity of the public demo catalog is in the index, or
// is not for a reason that is counted under its name.
func TestDemoCatalog(t *testing.T) {
	t.Parallel()
	raw := demoCatalog(t)
	longest := 0
	for _, one := range raw {
		longest = max(longest, len(one))
	}
	if len(raw) != 75 || longest < 395_000 {
		t.Errorf("%d entities, the longest of %d bytes: not the catalog this test knows", len(raw), longest)
	}
	w := newWorld(t, backstagesandbox.Options{Entities: raw}, gleansandbox.Options{})
	c := w.pipe(t, "run", "--json", shipped)
	if c.code != 0 {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	r, index, catalog := runReport(t, c), w.index(), catalogOf(t, raw)
	catalog.account(t, index, r)
	catalog.access(t, index)
	if n := r.Data.Endings["merged"]; n != 1 {
		t.Errorf("%d merged, and two users have one e-mail", n)
	}
	if !strings.Contains(strings.Join(r.Data.Notes, "\n"),
		"user:default/guest and user:development/guest have the same e-mail") {
		t.Errorf("no note says that two users became one: %q", r.Data.Notes)
	}
}
