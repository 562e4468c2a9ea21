package changes

import (
	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/stage"
)

// differing is the difference of one item of the stage.
type differing struct {
	steps   uint8        // one bit per step
	to      access.Grant // after Narrow, Widen and Cut
	told    baseline.Told
	retyped bool // the sink holds the item as another type
}

func bit(s component.Step) uint8 { return 1 << s }

// last returns the last step of an item.
func (d differing) last() component.Step {
	for s := component.Steps; s > 0; s-- {
		if d.steps&bit(s-1) != 0 {
			return s - 1
		}
	}
	return component.Steps
}

// item returns the difference of an item.
func (d *differ) item(s Stream, t stage.Tag) differing {
	told := d.in.Journal.Told(d.in.Last, s.Name, t.ID)
	switch s.What {
	case Documents:
		return d.document(t, told)
	case Members:
		if !d.keeps(t.ID) {
			told.Least.Names, told.Content = nil, 0
		}
		return d.members(t, told)
	}
	is := differing{told: told}
	switch {
	case told.Content == t.Content: // Content is 0 for an item that is not there or not sure
	case s.What == Users && t.Principal == "", s.What == Groups && told.There:
		is.steps = bit(component.Cut) // a group that may be there is written before its members are cut
	default:
		is.steps = bit(component.Grow)
	}
	return is
}

// document returns the difference of an item with permissions.
func (d *differ) document(t stage.Tag, told baseline.Told) differing {
	is := differing{told: told, to: t.Grant}
	if t.Kept {
		return d.kept(t, is)
	}
	if !told.There {
		is.steps = bit(component.Write)
		return is
	}
	narrower, wider := told.Most.WiderThan(t.Grant), t.Grant.WiderThan(told.Least)
	if is.retyped = told.Type != t.Type; is.retyped {
		is.steps = bit(component.Write)
		return is
	}
	if narrower {
		is.steps = bit(component.Narrow)
		meet := access.Meet(told.Least, t.Grant)
		is.to = d.known(meet)
		wider = wider || len(is.to.Names) < len(meet.Names)
	}
	switch {
	case told.Substance != t.Substance: // Substance is 0 when it is not sure
		is.steps |= bit(component.Write)
	case wider, !narrower && !told.Least.Same(t.Grant): // the same people may be named differently
		is.steps |= bit(component.Widen)
	}
	return is
}

// kept returns the difference of an item whose content this run does not have: it is narrowed and
// widened, and never written.
func (d *differ) kept(t stage.Tag, is differing) differing {
	if !is.told.There {
		return is
	}
	narrower, wider := is.told.Most.WiderThan(t.Grant), t.Grant.WiderThan(is.told.Least)
	if narrower {
		is.steps = bit(component.Narrow)
		meet := access.Meet(is.told.Least, t.Grant)
		is.to = d.known(meet)
		wider = wider || len(is.to.Names) < len(meet.Names)
	}
	if wider || !narrower && !is.told.Least.Same(t.Grant) {
		is.steps |= bit(component.Widen)
	}
	return is
}

// keeps reports whether the sink has certainly kept a group since its members were sent: when a
// group is deleted, its members are lost with it.
func (d *differ) keeps(group string) bool {
	for _, s := range d.in.Streams {
		if s.What == Groups && d.in.Journal.Knows(s.Name, codec.Hash([]byte(group))) {
			told := d.in.Journal.Told(d.in.Last, s.Name, group)
			return told.There && told.Sure
		}
	}
	return true
}

// members returns the difference of the members of a group.
func (d *differ) members(t stage.Tag, told baseline.Told) differing {
	is := differing{told: told, to: t.Grant}
	if !told.There {
		is.steps = bit(component.Grow)
		return is
	}
	lost, won := access.Missing(told.Most.Names, t.Names), access.Missing(t.Names, told.Least.Names)
	if lost > 0 {
		is.steps = bit(component.Cut)
		meet := access.Meet(told.Least, t.Grant)
		is.to = d.known(meet) // a refused member was sent, but the sink does not know it
		won += len(meet.Names) - len(is.to.Names)
	}
	if won > 0 || lost == 0 && told.Content != t.Content {
		is.steps |= bit(component.Grow)
	}
	return is
}
