package run

import (
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
)

// TestUncounted: when another place provides the groups, a run whose documents name groups
// reports that people were not counted.
func TestUncounted(t *testing.T) {
	team, ann := component.GroupPrincipal("team"), component.UserPrincipal("ann")
	for name, tc := range map[string]struct {
		elsewhere, named, unwritten string
		noted                       string
	}{
		"groups": {"the datasource people provides them", team, "", "3 documents name groups, and the " +
			"datasource people"},
		"people":            {"the datasource people provides them", ann, "", ""},
		"groups of its own": {"", team, "", ""},
		"no documents":      {"the datasource people provides them", team, "documents", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, report := newNight(t).good(func(w *world) {
				both(documents(0, 3, "named "+tc.named), documents(3, 9, "fine"))(w)
				w.P.Streams = append(w.P.Streams,
					component.Stream{Name: "groups", Identities: true, Groups: true, Elsewhere: tc.elsewhere})
				w.P.Unwritten = func(stream string) string {
					if stream == tc.unwritten || stream == "groups" {
						return "not written"
					}
					return ""
				}
			})
			noted := slices.IndexFunc(report.Notes, func(n string) bool {
				return strings.Contains(n, "people were not counted") && strings.Contains(n, tc.noted)
			}) >= 0
			if noted != (tc.noted != "") {
				t.Errorf("%q", report.Notes)
			}
		})
	}
}
