package read

import (
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/expression"
)

// TestFind: an entry that was read is found as it was read; only a ref that was not read is
// fetched.
func TestFind(t *testing.T) {
	records, fetched := component.Entry{Ref: "a", Title: "read"}, component.Entry{Ref: "b", Title: "fetched"}
	asked := ""
	fetch := func(ref string) (component.Entry, bool) { asked += ref; return fetched, ref == "b" }
	for name, tc := range map[string]struct {
		fetch func(string) (component.Entry, bool)
		ref   string
		want  component.Entry
		found bool
		asked string
	}{
		"read":                 {nil, "a", records, true, ""},
		"not read":             {nil, "b", component.Entry{}, false, ""},
		"read, fetching":       {fetch, "a", records, true, ""},
		"not read, fetching":   {fetch, "b", fetched, true, "b"},
		"not read and nowhere": {fetch, "c", fetched, false, "c"},
	} {
		x := newIndex(refs{})
		x.fetch, asked = tc.fetch, ""
		x.add(records)
		if _, found := x.find("a"); found == expression.Present && tc.fetch == nil {
			t.Errorf("%s: found before its phase is sealed", name)
		}
		x.seal()
		asked = ""
		if e, presence := x.find(tc.ref); (presence == expression.Present) != tc.found || tc.found && e != tc.want ||
			asked != tc.asked {
			t.Errorf("%s: %+v %v, asked for %q", name, e, presence, asked)
		}
	}
}

// refs is a grammar whose refs contain no kind.
type refs struct{ component.Refs }

func (refs) KindOf(string) string { return "" }
