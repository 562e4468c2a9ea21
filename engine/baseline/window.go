package baseline

import (
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/stage"
)

// Window is how long losses and widenings add up over all runs (invariants 4 and 5). An item
// that a good run of the window delivered counts as lost when it is deleted. A document beyond
// its floor counts until it has not widened further for this long.
const Window = 7 * 24 * time.Hour

// within reports whether a time is in the window or in the future.
func within(now, at time.Time) bool { return now.Sub(at) < Window }

// granted returns the audience that was last sent for an item.
func (p *previousItem) granted() access.Grant {
	return access.Grant{Audience: p.audience, Names: p.names()}
}

// accepted returns the floor of an item and the last good run that was within it; the zero time
// means the last good run. An audience beyond the floor is accepted once it has not widened for
// the length of the window, but not while the item is away.
func (p *previousItem) accepted(now time.Time) (access.Grant, time.Time) {
	if p.more == nil {
		return p.granted(), time.Time{}
	}
	if p.more.floor.Audience == access.Undecided {
		return p.granted(), p.more.delivered
	}
	if f := p.more.floor; f.Further.IsZero() || within(now, f.Further) {
		return f.Grant, f.At
	}
	return p.granted(), time.Time{}
}

// hide sets the audience to access.Nobody and keeps the floor.
func (p *previousItem) hide(now time.Time) {
	floor, at := p.accepted(now)
	more := previousMore{}
	if p.more != nil {
		more = *p.more
	}
	more.floor = Floor{Grant: floor, At: at}
	p.more, p.audience, p.set = &more, access.Nobody, nil
}

// wider reports whether an item is found by more people than the floor of p allows; false when
// p is nil.
func (p *previousItem) wider(t stage.Tag, now time.Time) bool {
	if p == nil {
		return false
	}
	floor, _ := p.accepted(now)
	return t.WiderThan(floor)
}

// leftIn returns the members who left a group in the window without an approval.
func (p *previousItem) leftIn(now time.Time) []uint64 {
	if p.more == nil {
		return nil
	}
	var out []uint64
	for _, l := range p.more.left {
		if !l.Covered && within(now, l.At) {
			out = append(out, l.Name)
		}
	}
	slices.Sort(out)
	return out
}

// members returns the members of a group that a good run of the window delivered, without those
// whose removal an approval covered.
func (p *previousItem) members(now time.Time) []uint64 {
	left := p.leftIn(now)
	if left == nil {
		return p.names()
	}
	all := append(slices.Clone(p.names()), left...)
	slices.Sort(all)
	return slices.Compact(all)
}

// Accepted returns the floor of an item after this run, if it is good, and when something new
// about the item was last sent. covered means that an approval covers that more people find it.
// On a nil Comparison everything is new.
func (c *Comparison) Accepted(stream string, t stage.Tag, covered bool, now time.Time) (floor Floor, told time.Time) {
	if c == nil || c.previous == nil {
		return Floor{}, now
	}
	n, known := c.previous.streams.find(stream)
	if !known {
		return Floor{}, now
	}
	byRef, byID, _ := c.previous.find(n, t.Ref, t.ID)
	told = now
	if byID != nil && byID.content == t.Content && byID.granted().Same(t.Grant) && !byID.away && byID.told != 0 {
		told = time.Unix(int64(byID.told), 0).UTC()
	}
	if covered {
		return Floor{}, told
	}
	for _, old := range []*previousItem{byRef, byID} {
		if !c.beyond(old, t) {
			continue
		}
		next := old.next(t, c.previous.finished(), now)
		if floor.Audience != access.Undecided {
			next.Grant = access.Meet(floor.Grant, next.Grant)
		}
		floor = next
	}
	return floor, told
}

// beyond reports whether an item exceeds the floor of an old one. Letting back a document that
// was hidden before it was ever sent accepts its audience.
func (c *Comparison) beyond(old *previousItem, t stage.Tag) bool {
	if !old.wider(t, c.previous.now) {
		return false
	}
	floor, _ := old.accepted(c.previous.now)
	return floor.Audience != access.Nobody || !c.previous.hiding.Back(t.Ref, t.ID)
}

// next returns the floor of an item after a run that exceeded it.
func (p *previousItem) next(t stage.Tag, finished, now time.Time) Floor {
	accepted, at := p.accepted(now)
	if at.IsZero() {
		at = finished
	}
	next := Floor{Grant: access.Meet(accepted, t.Grant), At: at, Further: now}
	if p.more != nil && within(now, p.more.floor.Further) && !t.WiderThan(p.granted()) {
		next.Further = p.more.floor.Further // no further than before
	}
	return next
}

// KeptFloor returns the floor that an item keeps while it is hidden.
func (c *Comparison) KeptFloor(stream, ref, id string, now time.Time) Floor {
	if c == nil || c.previous == nil {
		return Floor{}
	}
	n, known := c.previous.streams.find(stream)
	if !known {
		return Floor{}
	}
	old := c.previous.byRef(n, ref)
	if old == nil {
		old = c.previous.byID(n, id)
	}
	if old == nil {
		return Floor{}
	}
	floor, at := old.accepted(now)
	if at.IsZero() {
		at = c.previous.finished()
	}
	return Floor{Grant: access.Grant{Audience: floor.Audience, Names: floor.Names}, At: at}
}

// Left returns the members who left a group in the window, including those who leave now.
// covered means that an approval covers the latter.
func (c *Comparison) Left(stream, id string, members []uint64, covered bool, now time.Time) []Left {
	if c == nil || c.previous == nil {
		return nil
	}
	n, known := c.previous.streams.find(stream)
	if !known {
		return nil
	}
	old := c.previous.byID(n, id)
	if old == nil {
		return nil
	}
	var out []Left
	is := func(name uint64) bool { _, found := slices.BinarySearch(members, name); return found }
	if old.more != nil {
		for _, l := range old.more.left {
			if within(now, l.At) && !is(l.Name) {
				l.Covered = l.Covered || covered
				out = append(out, l)
			}
		}
	}
	for _, name := range old.names() {
		if !is(name) && !old.away {
			out = append(out, Left{Name: name, At: c.previous.finished(), Covered: covered})
		}
	}
	return out
}

func (p *previous) finished() time.Time { return p.snap.Finished.UTC() }

// ChangesAccess reports whether an item of this run changes who finds it, or who is in a group,
// compared with what was last sent.
func (c *Comparison) ChangesAccess(stream string, t stage.Tag) bool {
	if c == nil || c.previous == nil {
		return true
	}
	n, known := c.previous.streams.find(stream)
	if !known {
		return true
	}
	old := c.previous.byID(n, t.ID)
	return old == nil || old.away || !old.granted().Same(t.Grant)
}
