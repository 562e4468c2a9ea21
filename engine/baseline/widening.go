package baseline

import (
	"fmt"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/stage"
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

// exposure records a document that more people find than its floor allows (invariant 5). A
// document is not new because its ref or its ID has changed, or because it was away for some
// runs.
func (c *comparer) exposure(n uint8, t stage.Tag, byRef, byID *previousItem) {
	old := byRef
	if !c.beyond(old, t) {
		old = byID
	}
	if !c.beyond(old, t) {
		if c.Strict && !delivered(byRef) && !delivered(byID) {
			c.widen(n, t, Widening{From: access.Nobody, Night: c.previous.finished(), Tonight: true, Absent: true},
				fault.Gone)
		}
		return
	}
	floor, night := old.accepted(c.Now)
	if night.IsZero() {
		night = c.previous.finished()
	}
	c.widen(n, t, Widening{From: floor.Audience, Night: night, Tonight: old.away || t.WiderThan(old.granted())},
		access.AudienceText(floor.Audience.String(), floor.Names))
}

// delivered reports whether the last good run had the item of an entry.
func delivered(old *previousItem) bool { return old != nil && !old.away }

// widen records that more people find a document than before.
func (c *comparer) widen(n uint8, t stage.Tag, as Widening, before string) {
	as.Rule, as.To = t.Rule, t.Audience
	i := slices.IndexFunc(c.wider, func(w *Widening) bool {
		return w.Rule == as.Rule && w.From == as.From && w.To == as.To && w.Night.Equal(as.Night) &&
			w.Tonight == as.Tonight && w.Absent == as.Absent
	})
	if i < 0 {
		i = len(c.wider)
		c.wider = append(c.wider, &as)
	}
	id := codec.Hash([]byte(t.ID))
	change := fault.Change{
		Stream: c.streams.word(n), ID: fault.HexID(id), Ref: t.Ref,
		Before: before, After: access.AudienceText(t.Audience.String(), t.Names), N: 1,
	}
	c.wider[i].Changes = append(c.wider[i].Changes, change)
	c.changes[itemKey{n, id}] = change
}
