package baseline

import (
	"github.com/pipe-engine/pipe/engine/access"
)

// Last is what the last good run sent for an item.
type Last struct {
	Type               string
	Content, Substance uint64
	Resolved           bool
	access.Grant
}

// Last returns what the last good run sent for an item; found is false when it sent nothing or
// deleted the item.
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

// Goes reports whether the item of the i-th entry of the baseline is to be deleted: it was sent
// and the run does not have it, or the sink has not confirmed an earlier deletion. withheld
// reports that the run has the record, but no one may find the item.
func (c *Comparison) Goes(i int) (goes, withheld bool) {
	row := &c.previous.rows[i]
	if !row.sent && !row.leaving {
		return false, false
	}
	holder := c.previous.ids.find(itemKey{row.stream, row.id})
	return holder == nil || !holder.present, row.again
}

// Sent reports whether the last good run sent the item of the i-th entry.
func (c *Comparison) Sent(i int) bool { return c.previous.rows[i].sent }

// Confirm records that the sink no longer has the item of the i-th entry.
func (c *Comparison) Confirm(i int) { c.previous.rows[i].leaving = false }

// Leaving reports whether the sink has not confirmed the deletion of the i-th entry.
func (c *Comparison) Leaving(i int) bool { return c.previous.rows[i].leaving }

// Entries returns the number of entries of the baseline; 0 for a nil Comparison.
func (c *Comparison) Entries() int {
	if c == nil || c.previous == nil {
		return 0
	}
	return len(c.previous.rows)
}

// Deletes reports whether an item that the run withholds is deleted or its deletion is not
// confirmed, and the type under which the sink knows it.
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
