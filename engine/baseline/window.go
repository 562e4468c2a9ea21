package baseline

import (
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/stage"
)

// Window is how long losses and widenings add up, over however many runs
// (invariants 4 and 5): what a good run of the window delivered is lost when it goes,
// and a document that went beyond its floor counts until it has not gone further for
// as long.
const Window = 7 * 24 * time.Hour

// within reports whether a time lies in the window, or is still to come.
func within(now, at time.Time) bool { return now.Sub(at) < Window }

// granted is what the sink was last told of who finds an item.
func (p *previousItem) granted() access.Grant {
	return access.Grant{Audience: p.audience, Names: p.names()}
}

// accepted is the floor of an item and the last good run that was within it, the zero
// time for the last one of all. Beyond the floor the audience is accepted once it has
// not widened for the length of the window; not while the item is away.
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

// hide takes the item from everyone and keeps its floor.
func (p *previousItem) hide(now time.Time) {
	floor, at := p.accepted(now)
	more := previousMore{}
	if p.more != nil {
		more = *p.more
	}
	more.floor = Floor{Grant: floor, At: at}
	p.more, p.audience, p.set = &more, access.Nobody, nil
}

// wider reports whether somebody finds an item now whom its floor does not name; not
// when there was no item.
func (p *previousItem) wider(t stage.Tag, now time.Time) bool {
	if p == nil {
		return false
	}
	floor, _ := p.accepted(now)
	return t.WiderThan(floor)
}

// leftIn are the members of a group that went in the window and that no approval
// covered.
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

// members are those of a group that a good run of the window delivered, but for those
// whose going an approval covered.
func (p *previousItem) members(now time.Time) []uint64 {
	left := p.leftIn(now)
	if left == nil {
		return p.names()
	}
	all := append(slices.Clone(p.names()), left...)
	slices.Sort(all)
	return slices.Compact(all)
}

// Accepted is the floor of an item of this run once it is a good one, and when the sink
// was last told something new about it. covered says that an approval covers that more
// people find it. On a nil Comparison everything is new.
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

// beyond reports whether an item goes beyond the floor of an old one. A person who lets
// a document back that was hidden before it was ever sent accepts its audience.
func (c *Comparison) beyond(old *previousItem, t stage.Tag) bool {
	if !old.wider(t, c.previous.now) {
		return false
	}
	floor, _ := old.accepted(c.previous.now)
	return floor.Audience != access.Nobody || !c.previous.hiding.Back(t.Ref, t.ID)
}

// next is the floor that an item has after a run that went beyond it.
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

// KeptFloor is the floor that an item keeps while a person hides it.
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

// Left are the members of a group that went in the window, with those that go now.
// covered says that an approval covers those.
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

// TellsAccess reports whether an item of this run tells the sink something new about who
// finds it, or about who is in a group.
func (c *Comparison) TellsAccess(stream string, t stage.Tag) bool {
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
