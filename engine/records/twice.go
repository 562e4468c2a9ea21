package records

import (
	"fmt"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
)

// Twice collects the refs that more than one record of a file has. The last record of
// each counts.
type Twice struct{ later []string }

// mostTwice is how many refs a sentence names.
const mostTwice = 3

// Add notes a later record with a ref.
func (t *Twice) Add(ref string, later component.Recorded) {
	t.later = append(t.later, fmt.Sprintf("%s at %s", ref, later.Pos))
}

// Sentence says in one line which records count, "" when no ref is there twice.
func (t *Twice) Sentence() string {
	if len(t.later) == 0 {
		return ""
	}
	return "the last of several records with one ref counts: " + display.List(t.later, mostTwice, ", ")
}
