package records

import (
	"fmt"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
)

// Twice collects the refs that more than one record of a file has. The last record with a ref
// counts.
type Twice struct{ later []string }

// mostTwice is the number of refs in a sentence.
const mostTwice = 3

// Add records that another record has the same ref.
func (t *Twice) Add(ref string, later component.Recorded) {
	t.later = append(t.later, fmt.Sprintf("%s at %s", ref, later.Pos))
}

// Sentence returns one line that says which records count; "" when no ref is repeated.
func (t *Twice) Sentence() string {
	if len(t.later) == 0 {
		return ""
	}
	return "the last of several records with one ref counts: " + display.List(t.later, mostTwice, ", ")
}
