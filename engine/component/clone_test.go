package component

import (
	"slices"
	"testing"
	"unsafe"
)

func TestCloneTexts(t *testing.T) {
	for _, list := range [][]string{nil, {}, {"one"}, {"a", "", "b", "a"}} {
		got := CloneTexts(list)
		if !slices.Equal(got, list) || (got == nil) != (list == nil) {
			t.Errorf("%q: %q", list, got)
		}
		for i := range got {
			if got[i] != "" && unsafe.StringData(got[i]) == unsafe.StringData(list[i]) {
				t.Errorf("%q is the same text", got[i])
			}
		}
	}
}
