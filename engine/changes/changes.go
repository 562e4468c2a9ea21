package changes

import (
	"cmp"
	"fmt"
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
