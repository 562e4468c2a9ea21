package changes

import (
	"fmt"
	"iter"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/stage"
)

// differs reports whether an item has any difference.
func (d *differ) differs(stream, id string) bool {
	return d.changed[key{stream, codec.Hash([]byte(id))}]
}

// each returns the changes of a step.
func (d *differ) each(step component.Step) iter.Seq2[component.Change, error] {
	return func(yield func(component.Change, error) bool) {
		number := 0
		for s := range step {
			number += d.finals[s]
		}
		next := func(final bool) int {
			if !final {
				return 0
			}
			number++
			return number
		}
		for _, s := range d.in.Streams {
			if !d.eachGone(step, s, next, yield) || !d.eachStaged(step, s, next, yield) {
				return
			}
		}
	}
}

// eachGone yields the changes of a step for items to delete. It returns false when yield does.
func (d *differ) eachGone(step component.Step, s Stream, next func(final bool) int,
	yield func(component.Change, error) bool) bool {
	for _, g := range d.gone {
		if g.stream != s.Name || !d.goes(step, g) {
			continue
		}
		last, _ := d.lastOfGone(g)
		ch := component.Change{Step: step, Stream: s.Name, Remove: true, Revoke: g.withheld, Number: next(step == last)}
		ch.Encoded = component.Encoded{ID: g.id, Ref: g.ref, Type: g.typ}
		if !yield(ch, nil) {
			return false
		}
	}
	return true
}

// eachStaged yields the changes of a step for items of the stage.
func (d *differ) eachStaged(step component.Step, s Stream, next func(final bool) int,
	yield func(component.Change, error) bool) bool {
	retyped := step == component.Narrow && d.counts[counted{step, s.Name, true}] > 0
	if d.counts[counted{step, s.Name, false}] == 0 && !retyped {
		return true
	}
	var is differing
	var names access.Grant
	for e, err := range d.in.Stage.Chosen(s.Name, func(t stage.Tag) bool {
		is, names = d.item(s, t), t.Grant
		return is.steps&bit(step) != 0 || step == component.Narrow && is.retyped
	}) {
		if err != nil {
			yield(component.Change{}, fmt.Errorf("read the stage: %w", err))
			return false
		}
		if step == component.Narrow && is.retyped {
			old := component.Change{Step: step, Stream: s.Name, Remove: true,
				Encoded: component.Encoded{ID: e.ID, Ref: e.Ref, Type: is.told.Type}}
			if !yield(old, nil) {
				return false
			}
		}
		if is.steps&bit(step) == 0 {
			continue
		}
		ch := component.Change{Step: step, Stream: s.Name, Encoded: e, Grant: names, To: names}
		ch.Number = next(step == is.last())
		if step == component.Narrow || step == component.Cut {
			ch.To = is.to
		}
		if !yield(ch, nil) {
			return false
		}
	}
	return true
}
