package run

import (
	"slices"
	"testing"
)

// TestAskedFor: the source is asked only for refs that a user could find and that reading did
// not return.
func TestAskedFor(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) {
		w.Components(30, "fine")
		w.Add("catalog", "component", "gone", "fine")
		w.Add("catalog", "component", "withheld", "private")
		w.Add("structure", "system", "gone", "fine")
	})
	w, _ := n.good(func(w *world) { w.Components(30, "fine") })
	slices.Sort(w.Asked)
	if want := []string{"component:default/gone", "system:default/gone"}; !slices.Equal(w.Asked, want) {
		t.Errorf("asked for %v, want %v", w.Asked, want)
	}
}
