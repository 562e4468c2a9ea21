package changes

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/stage"
)

// Input is what changes are computed from.
type Input struct {
	// Streams are the streams that the run writes, in the order of the plan.
	Streams []Stream
	Stage   *stage.Stage
	// Last compares the stage with the last good run; Snapshot has that run's entries. Both are
	// nil when there was no such run.
	Last     *baseline.Comparison
	Snapshot *baseline.Snapshot
	Journal  *baseline.Journal
	// Attached is what a tightening needs to know about attached items; nil when the model has
	// none.
	Attached *Attached
}

// Stream is a stream and what its items are.
type Stream struct {
	Name string
	What What
}

// What is what the items of a stream are.
type What uint8

// The kinds of streams.
const (
	Documents What = iota // items with permissions
	Users
	Groups
	Members // of groups: one item per group, which names its members
)

// Of returns the changes. Their Told does nothing.
func Of(in Input) (*component.Changes, error) {
	d := newDiffer(in)
	if err := d.find(); err != nil {
		return nil, err
	}
	out := &component.Changes{Each: d.each, Differs: d.differs, Unknown: d.unknown, Told: func(component.Change) {}}
	for step := range component.Steps {
		for _, s := range in.Streams {
			for _, remove := range []bool{true, false} {
				if n := d.counts[counted{step, s.Name, remove}]; n > 0 {
					out.Counts = append(out.Counts, component.StepCount{Step: step, Stream: s.Name, Remove: remove, N: n})
				}
			}
		}
	}
	return out, nil
}

// Intend writes the changes to the journal before they are sent, and makes Told record there
// what the sink acknowledged. Nothing may be sent before Intend has returned nil.
func Intend(c *component.Changes, w *baseline.JournalWriter) error {
	for step := range component.Steps {
		for ch, err := range c.Each(step) {
			if err != nil {
				return err
			}
			if ch.Number == 0 {
				continue
			}
			w.Intend(ch.Number, baseline.Intent{
				Stream: ch.Stream, ID: ch.ID, Ref: ch.Ref, Type: ch.Type, Gone: ch.Remove, Content: ch.Content,
				Substance: ch.Substance, Resolved: ch.Resolved, Grant: ch.Grant,
			})
		}
	}
	c.Told = func(ch component.Change) {
		if ch.Number != 0 {
			w.Told(ch.Number)
		}
	}
	return w.Sync()
}

type counted struct {
	step   component.Step
	stream string
	remove bool
}

type key struct {
	stream string
	id     uint64
}

// differ computes the differences.
type differ struct {
	in      Input
	counts  map[counted]int
	gone    []gone
	unknown int                  // number of deleted items without a known ID
	finals  [component.Steps]int // for each step, the number of changes that are the last of their items
	staged  map[key]bool         // items of the journal that the stage has
	changed map[key]bool         // groups with any difference
	fresh   map[uint64]bool      // principals that the sink may not have yet
	folded  map[string]bool      // IDs of groups that the sink does not have, in lower case
}

func newDiffer(in Input) *differ {
	return &differ{in: in, counts: map[counted]int{}, staged: map[key]bool{}, changed: map[key]bool{},
		fresh: map[uint64]bool{}, folded: map[string]bool{}}
}

// gone is an item to delete.
type gone struct {
	stream, id, ref, typ string
	withheld             bool
	// early means that a group is deleted before other groups are written because one of them
	// differs from it only in case: the sink may not distinguish the two.
	early bool
}

// find counts the changes and finds the items to delete.
func (d *differ) find() error {
	if err := d.findFresh(); err != nil {
		return err
	}
	for _, s := range d.in.Streams {
		for t, err := range d.in.Stage.Tags(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			if id := codec.Hash([]byte(t.ID)); d.in.Journal.Knows(s.Name, id) {
				d.staged[key{s.Name, id}] = true
			}
			is := d.item(s, t)
			if is.steps == 0 {
				continue
			}
			d.finals[is.last()]++
			if s.What == Members {
				d.changed[key{s.Name, codec.Hash([]byte(t.ID))}] = true
			}
			for step := range component.Steps {
				if is.steps&bit(step) != 0 {
					d.counts[counted{step, s.Name, false}]++
				}
			}
			if is.retyped {
				d.counts[counted{component.Narrow, s.Name, true}]++
			}
		}
	}
	if err := d.findGone(); err != nil {
		return err
	}
	for _, g := range d.gone {
		for step := range component.Steps {
			if d.goes(step, g) {
				d.counts[counted{step, g.stream, true}]++
			}
		}
		if final, is := d.lastOfGone(g); is {
			d.finals[final]++
		}
	}
	return nil
}

// findFresh finds new users and groups. Until they are written, no item may name them, since a
// sink may refuse unknown principals.
func (d *differ) findFresh() error {
	for _, s := range d.in.Streams {
		if s.What != Users && s.What != Groups {
			continue
		}
		for t, err := range d.in.Stage.Tags(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			told := d.in.Journal.Told(d.in.Last, s.Name, t.ID)
			if s.What == Groups && !told.There {
				d.folded[strings.ToLower(t.ID)] = true
			}
			if t.Principal != "" && !(told.There && told.Sure) {
				d.fresh[codec.Hash([]byte(t.Principal))] = true
			}
		}
	}
	return nil
}

// known returns a grant without the names that the sink may not know yet.
func (d *differ) known(g access.Grant) access.Grant {
	if len(d.fresh) == 0 {
		return g
	}
	fresh := map[uint64]bool{}
	for _, set := range g.Sets {
		if slices.ContainsFunc(set, func(n uint64) bool { return d.fresh[n] }) {
			fresh[access.SetName(set)] = true
		}
	}
	g.Names = slices.DeleteFunc(slices.Clone(g.Names), func(n uint64) bool { return d.fresh[n] || fresh[n] })
	return g
}

// findGone finds items that the sink holds and the run does not have.
func (d *differ) findGone() error {
	any := false
	for i := range d.in.Last.Entries() {
		goes, _ := d.in.Last.Goes(i)
		any = any || goes
	}
	if any {
		i := -1
		for e, err := range d.in.Snapshot.Entries() {
			if err != nil {
				return err
			}
			i++
			goes, withheld := d.in.Last.Goes(i)
			told, said := d.in.Journal.Of(e.Stream, e.ID)
			switch id := e.KnownID(); {
			case !goes || d.what(e.Stream) == none:
			case said && !told.There && !e.Leaving:
			case id == "":
				d.unknown++
			default:
				d.gone = append(d.gone, gone{stream: e.Stream, id: id, ref: e.Ref, typ: cmp.Or(told.Type, e.Type),
					withheld: withheld})
			}
		}
	}
	for t := range d.in.Journal.Items {
		if !t.There || d.what(t.Stream) == none || d.staged[key{t.Stream, codec.Hash([]byte(t.ID))}] {
			continue
		}
		if _, found := d.in.Last.Last(t.Stream, t.ID); !found {
			d.gone = append(d.gone, gone{stream: t.Stream, id: t.ID, ref: t.Ref, typ: t.Type})
		}
	}
	for i := range d.gone {
		g := &d.gone[i]
		g.early = d.what(g.stream) == Groups && d.folded[strings.ToLower(g.id)]
	}
	slices.SortFunc(d.gone, func(a, b gone) int {
		return cmp.Or(cmp.Compare(a.stream, b.stream), cmp.Compare(a.id, b.id))
	})
	return nil
}

// goes reports whether a step has a change of an item to delete.
func (d *differ) goes(step component.Step, g gone) bool {
	switch d.what(g.stream) {
	case Documents:
		return step == component.Narrow
	case Users:
		return step == component.Cut || step == component.Drop
	case Groups:
		return step == component.Cut && g.early || step == component.Drop && !g.early
	}
	return false // the members of a group are deleted with the group
}

// lastOfGone returns the last step with a change of an item to delete; is is false when there
// is none.
func (d *differ) lastOfGone(g gone) (last component.Step, is bool) {
	for step := range component.Steps {
		if d.goes(step, g) {
			last, is = step, true
		}
	}
	return last, is
}

const none What = 255

func (d *differ) what(stream string) What {
	for _, s := range d.in.Streams {
		if s.Name == stream {
			return s.What
		}
	}
	return none
}

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
