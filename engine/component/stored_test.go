package component

import (
	"slices"
	"testing"
)

// TestStoredNewTo: NewTo returns names that the earlier version lacks, and sets that contain no
// group or set of the earlier version.
func TestStoredNewTo(t *testing.T) {
	before := Stored{Principals: []string{"a"}, AllOf: [][]string{{"b", "c", "d"}}}
	now := Stored{Principals: []string{"a", "e"}, AllOf: [][]string{{"d", "c", "b"}, {"a", "x"}, {"b", "c"}}}
	if got, want := now.NewTo(before), []string{"e", "all of b and c"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := now.NewTo(now); got != nil {
		t.Errorf("the same names are new: %q", got)
	}
}
