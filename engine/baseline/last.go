package baseline

import (
	"github.com/pipe-engine/pipe/engine/access"
)

// Last is what the last good run told the sink of an item.
type Last struct {
	Type               string
	Content, Substance uint64
	Resolved           bool
	access.Grant
}

// Last is what the last good run told the sink of an item; found is false when the sink
// was told nothing of it, or that it goes.
func (c *Comparison) Last(stream, id string) (last Last, found bool) {
	if c == nil || c.previous == nil {
		return Last{}, false
	}
	n, known := c.previous.streams.find(stream)
	if !known {
		return Last{}, false
	}
	row := c.previous.byID(n, id)
	if row == nil || !row.sent {
		return Last{}, false
	}
	return Last{
		Type: c.previous.types.word(row.typ), Content: row.content, Substance: row.substance,
		Resolved: row.resolved,
		Grant:    row.granted(),
	}, true
}

// Goes reports whether the sink is to be told that the item of the i-th entry of the
// baseline goes: it was told of it and the run does not have it, or it has not confirmed
// an earlier deletion. withheld says that the run has the record, and nobody may find the
// item.
func (c *Comparison) Goes(i int) (goes, withheld bool) {
	row := &c.previous.rows[i]
	if !row.sent && !row.leaving {
		return false, false
	}
	holder := c.previous.ids.find(itemKey{row.stream, row.id})
	return holder == nil || !holder.present, row.again
}

// Sent reports whether the last good run told the sink of the item of the i-th entry.
func (c *Comparison) Sent(i int) bool { return c.previous.rows[i].sent }

// Confirm notes that the sink no longer has the item of the i-th entry.
func (c *Comparison) Confirm(i int) { c.previous.rows[i].leaving = false }

// Leaving reports whether the sink has not confirmed the deletion of the i-th entry.
func (c *Comparison) Leaving(i int) bool { return c.previous.rows[i].leaving }

// Entries is how many entries the baseline has, 0 for a nil Comparison.
func (c *Comparison) Entries() int {
	if c == nil || c.previous == nil {
		return 0
	}
	return len(c.previous.rows)
}

// Deletes reports whether the sink is told, or has not confirmed, that an item goes which
// the run withholds, and the type that the sink knows it as.
func (c *Comparison) Deletes(stream, id string) (typ string, leaving bool) {
	if c == nil || c.previous == nil {
		return "", false
	}
	n, known := c.previous.streams.find(stream)
	if !known {
		return "", false
	}
	row := c.previous.byID(n, id)
	if row == nil || row.present || !row.sent && !row.leaving {
		return "", false
	}
	return c.previous.types.word(row.typ), true
}
