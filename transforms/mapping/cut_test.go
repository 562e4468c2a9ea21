package mapping_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
)

// TestCut: a field that may be cut is, and the item says so; one that decides
// rejects the record, however long the value is.
func TestCut(t *testing.T) {
	const cutTitle = `
  documents:
    fields:
      id: '"a"'
      title: lower(spec.text)
`
	const longID = `
  documents:
    fields:
      id: lower(spec.text)
      title: '"a"'
`
	const shortTitle = `
  documents:
    fields:
      id: '"a"'
      title: 'hasPrefix(lower(spec.text), "x") ? "x" : "y"'
`
	_, titles := load(t, cutTitle)
	for length, cut := range map[int]bool{100: false, 101: true, 9 << 20: true} {
		m, err := apply(titles, entity("API", map[string]any{"text": strings.Repeat("x", length)}), component.OtherStreams)
		if err != nil || len(m.Items) != 1 {
			t.Fatalf("%d: %v", length, err)
		}
		title, _ := m.Items[0].Fields[1].Value.(string)
		if len(title) > 100 || slices.Contains(m.Items[0].Cut, "title") != cut {
			t.Errorf("%d: %d bytes, cut: %q", length, len(title), m.Items[0].Cut)
		}
	}
	_, short := load(t, shortTitle)
	for length, cut := range map[int]bool{100: false, 9 << 20: true} { // a short value of a record that was cut
		m, err := apply(short, entity("API", map[string]any{"text": strings.Repeat("x", length)}), component.OtherStreams)
		if err != nil || m.Items[0].Fields[1].Value != "x" || slices.Contains(m.Items[0].Cut, "title") != cut {
			t.Errorf("%d: %+v, %v", length, m.Items, err)
		}
	}
	_, ids := load(t, longID)
	if m, err := apply(ids, entity("API", map[string]any{"text": strings.Repeat("x", 9<<20)}),
		component.OtherStreams); err == nil {
		t.Errorf("an id was cut: %d items", len(m.Items))
	}
}
