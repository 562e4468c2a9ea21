package e2e

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestSourceIsOnlyRead (invariant 8): for every command, Backstage receives only reads of
// the catalog's paths. The connection's tests show that it refuses everything else.
func TestSourceIsOnlyRead(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	w := newWorld(t, backstagesandbox.Options{Prefix: "/portal", Observe: func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.Method+" "+r.URL.Path]++
	}}, gleansandbox.Options{})
	for _, tc := range []struct {
		args string
		asks bool // something of Backstage
	}{
		{"check " + shipped, false},
		{"config " + shipped, false},
		{"version", false},
		{"datasource apply " + shipped, false},
		{"doctor " + shipped, true},
		{"show " + shipped + " components", true},
		{"show " + shipped + " users --json", true},
		{"run --dry-run " + shipped, true},
		{"run --only users " + shipped, true},
		{"run " + shipped, true},
	} {
		clear(seen)
		if c := w.pipe(t, strings.Fields(tc.args)...); c.code != 0 {
			t.Errorf("%s: exit %d\n%s", tc.args, c.code, c.both())
		}
		if asked := len(seen) > 0; asked != tc.asks {
			t.Errorf("%s: asked of Backstage: %v", tc.args, seen)
		}
		for request := range seen {
			if request != "GET /portal/api/catalog/entities/by-query" &&
				!strings.HasPrefix(request, "GET /portal/api/catalog/entities/by-name/") {
				t.Errorf("%s: %s", tc.args, request)
			}
		}
	}
}
