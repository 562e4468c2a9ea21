package engine

import (
	"slices"
	"testing"
)

// TestAskedFor: the source is asked for refs that a user could find and that
// reading did not bring, and for no others.
func TestAskedFor(t *testing.T) {
	n := night{t, t.TempDir()}
	n.good(func(w *world) {
		components(w, 30, "fine")
		w.add("catalog", "component", "gone", "fine")
		w.add("catalog", "component", "withheld", "private")
		w.add("structure", "system", "gone", "fine")
	})
	w, _ := n.good(func(w *world) { components(w, 30, "fine") })
	slices.Sort(w.asked)
	if want := []string{"component:default/gone", "system:default/gone"}; !slices.Equal(w.asked, want) {
		t.Errorf("asked for %v, want %v", w.asked, want)
	}
}
