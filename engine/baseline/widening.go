package baseline

import (
	"fmt"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Widening is the documents that one rule lets more people find than their floor allows.
type Widening struct {
	Rule     string
	From, To access.Audience
	// Night is the last good run that was within the floor.
	Night time.Time
	// Tonight means that the audience is wider than that of the last good run.
	Tonight bool
	// Absent means that the last good run delivered none of the documents; see Run.Strict.
	Absent  bool
	Changes []fault.Change
}

// List returns the first refs, and the number of the others.
func (w *Widening) List() string {
	x := display.Examples{}
	for _, ch := range w.Changes {
		x.Add(ch.Ref)
	}
	return x.String()
}

// Widenings returns all documents that more people find than after the last good run.
func (c *Comparison) Widenings() []Widened {
	var out []Widened
	for _, w := range c.wider {
		if !w.Tonight {
			continue
		}
		for _, ch := range w.Changes {
			out = append(out, Widened{Ref: ch.Ref, Rule: w.Rule, Before: w.From, After: w.To})
		}
	}
	return out
}

// Gained returns the groups with more members than before; "" when there is none.
func (c *Comparison) Gained() string {
	if len(c.gains) == 0 {
		return ""
	}
	parts := make([]string, 0, display.Shown)
	for _, g := range c.gains[:min(display.Shown, len(c.gains))] {
		parts = append(parts, fmt.Sprintf("%s +%d", g.ref, g.n))
	}
	return "groups with more members than before: " + display.FirstOf(parts, len(c.gains), ", ")
}

// Widened is a document that more people find than after the last good run.
type Widened struct {
	Ref    string          `json:"ref"`
	Rule   string          `json:"rule"`
	Before access.Audience `json:"before"`
	After  access.Audience `json:"after"`
}
