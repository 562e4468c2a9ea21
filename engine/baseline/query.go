package baseline

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Remembers reports whether the last good runs recorded a stream.
func (c *Comparison) Remembers(stream string) bool { return c.Of(stream) != nil }

// Of returns the changes of a stream; nil when the baseline does not have it.
func (c *Comparison) Of(stream string) *Changes {
	if c == nil {
		return nil
	}
	return c.streams[stream]
}

// Lost returns the deleted items of a stream, and its groups that lose members.
func (c *Comparison) Lost(stream string) []fault.Change { return c.lost[stream] }

// Earlier returns the items of a stream that the last good run already lacked.
func (c *Comparison) Earlier(stream string) Earlier {
	if c == nil || c.earlier[stream] == nil {
		return Earlier{}
	}
	return *c.earlier[stream]
}

// Change returns what the guards count for an item: its deletion, or that more people find it.
func (c *Comparison) Change(stream string, id uint64) (_ fault.Change, counted bool) {
	if c == nil || c.previous == nil {
		return fault.Change{}, false
	}
	n, known := c.previous.streams.find(stream)
	if !known {
		return fault.Change{}, false
	}
	change, counted := c.changes[itemKey{n, id}]
	return change, counted
}

// AllLost returns the lost items of all streams.
func (c *Comparison) AllLost() []fault.Change {
	var all []fault.Change
	for _, stream := range slices.Sorted(maps.Keys(c.lost)) {
		all = append(all, c.lost[stream]...)
	}
	return all
}

// Members returns, for a stream that is measured by its principals, the number of principals
// before and the number of items that had any.
func (c *Comparison) Members(stream string) (before, filled int, counted bool) {
	r := c.rows[stream]
	if r == nil {
		return 0, 0, false
	}
	return r.before, r.filled, true
}

// Why returns the reasons why items of a stream are deleted, the most frequent first.
func (c *Comparison) Why(stream string) []*display.Examples { return c.gone[stream] }

// SwitchedOff returns the kinds whose items of a stream are deleted because a kind is switched
// off, sorted. only is false when items are deleted for another reason, too.
func (c *Comparison) SwitchedOff(stream string) (kinds []string, only bool) {
	only = true
	for _, x := range c.gone[stream] {
		if kind, off := strings.CutSuffix(x.Why, Off); off {
			kinds = append(kinds, kind)
		} else {
			only = false
		}
	}
	slices.Sort(kinds)
	return kinds, only && len(kinds) > 0
}

// Added returns the number of new documents with an audience.
func (c *Comparison) Added(audience access.Audience) int {
	if c == nil {
		return 0
	}
	return c.added[audience]
}

// Audience returns the number of documents of the last good run by audience, including withheld
// ones.
func (c *Comparison) Audience() map[access.Audience]int { return c.audience }

// Documents returns the number of documents of the last good run, including withheld ones.
func (c *Comparison) Documents() int {
	n := 0
	for _, k := range c.audience {
		n += k
	}
	return n
}

// Wider returns the documents that more people find, by rule and audience, the widest first.
func (c *Comparison) Wider() []*Widening { return c.wider }

// Swapped returns the restricted documents that are deleted while wider ones are new.
func (c *Comparison) Swapped() []*Swap { return c.swapped }

// Renewed reports whether the run replaces the i-th entry of the baseline: it has the item, or
// withholds it.
func (c *Comparison) Renewed(i int) bool {
	row := &c.previous.rows[i]
	return row.again || row.audience == access.Undecided && row.present
}

// Present reports whether the run has the ID of the i-th entry of the baseline.
func (c *Comparison) Present(i int) bool { return c.previous.rows[i].present }

// FloorOf returns the floor of the i-th entry of the baseline, whose item is deleted.
func (c *Comparison) FloorOf(i int, now time.Time) Floor {
	row := &c.previous.rows[i]
	accepted, at := row.accepted(now)
	if accepted.Audience == access.Undecided || accepted.Same(row.granted()) {
		return Floor{}
	}
	return Floor{Grant: accepted, At: at}
}

// HiddenLately returns the number of items of a stream that the sink may still count although
// they were hidden since the last good run.
func (c *Comparison) HiddenLately(stream string) (n int, types map[string]int) {
	if c == nil || c.previous == nil || c.previous.hidden[stream] == nil {
		return 0, nil
	}
	h := c.previous.hidden[stream]
	return h.n, h.types
}
