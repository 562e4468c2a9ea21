package read

import (
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
)

// TestCutNote: the note counts the cut values of each field and names the first refs.
func TestCutNote(t *testing.T) {
	c := cuts{}
	if note := c.note(); note != "" {
		t.Error(note)
	}
	for i := range 12 {
		c.add("documents", &component.Encoded{Ref: string(rune('a' + i)), Cut: []string{"body"}})
	}
	c.add("documents", &component.Encoded{Ref: "x", Cut: []string{"customProperties.type", "title"}})
	const want = "cut to the length limits of their fields: documents.body in 12 (a, b, c, d, e, f, g, h, i, j " +
		"and 2 more); documents.customProperties.type in 1 (x); documents.title in 1 (x)"
	if note := c.note(); note != want {
		t.Errorf("%s", note)
	}
}
