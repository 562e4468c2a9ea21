package changes

import (
	"fmt"
	"iter"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/stage"
)

// Tightened is what a refused run tells the sink all the same, and what waits for a good
// run. Refs are those of documents.
type Tightened struct {
	// Narrowed are found by fewer people, and Removed by nobody, by decision.
	Narrowed, Removed []string
	// TooMany are to be found by nobody, and more than may go without an approval.
	TooMany int
	// Unsure would be found by fewer people or go, and not by a decision alone: somebody
	// whom they name is not known in this run or was not in the last one, or they are
	// found by others, too, or their records are not there.
	Unsure int
}

// Tighten finds what narrowed by decision: the record was read, everybody whom it names is
// known, in this run as in the last one, and those who find it now are some of those who
// did; or a rule says that nobody finds it. mayRemove reports whether so many documents
// may go, by their types; otherwise none of them does. Nothing else is sent: no users, no
// groups, no members, no content.
func Tighten(in Input, mayRemove func(stream string, byType map[string]int) bool) (*component.Changes, *Tightened,
	error) {
	d := newDiffer(in)
	if err := d.find(); err != nil {
		return nil, nil, err
	}
	t := &tightening{d: d, out: &Tightened{}}
	if err := t.find(mayRemove); err != nil {
		return nil, nil, err
	}
	out := &component.Changes{Each: t.each, Differs: d.differs, Told: func(component.Change) {}}
	for _, s := range in.Streams {
		for _, remove := range []bool{true, false} {
			if n := t.counts[counted{component.Narrow, s.Name, remove}]; n > 0 {
				out.Counts = append(out.Counts,
					component.StepCount{Step: component.Narrow, Stream: s.Name, Remove: remove, N: n})
			}
		}
	}
	return out, t.out, nil
}

type tightening struct {
	d      *differ
	out    *Tightened
	counts map[counted]int
	gone   []gone // by decision
}

func (t *tightening) find(mayRemove func(stream string, byType map[string]int) bool) error {
	t.counts = map[counted]int{}
	for _, s := range t.d.in.Streams {
		if s.What != Documents {
			continue
		}
		for tag, err := range t.d.in.Stage.Tags(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			is := t.d.item(s, tag)
			switch {
			case is.steps&bit(component.Narrow) == 0 && !is.retyped:
			case t.decided(tag, is):
				t.counts[counted{component.Narrow, s.Name, false}]++
				t.out.Narrowed = append(t.out.Narrowed, tag.Ref)
			default:
				t.out.Unsure++
			}
		}
		if err := t.findGone(s, mayRemove); err != nil {
			return err
		}
	}
	return nil
}

// findGone finds what a rule gives to nobody, and drops all of it when it is too much.
func (t *tightening) findGone(s Stream, mayRemove func(stream string, byType map[string]int) bool) error {
	byRule := map[uint64]bool{}
	for u, err := range t.d.in.Stage.Withheld(s.Name) {
		if err != nil {
			return fmt.Errorf("read the stage: %w", err)
		}
		if u.Decided {
			byRule[codec.Hash([]byte(u.ID))] = true
		}
	}
	var mine []gone
	byType := map[string]int{}
	for _, g := range t.d.gone {
		switch {
		case g.stream != s.Name:
		case g.withheld && byRule[codec.Hash([]byte(g.id))]:
			mine = append(mine, g)
			byType[g.typ]++
		default:
			t.out.Unsure++
		}
	}
	if len(mine) == 0 {
		return nil
	}
	if !mayRemove(s.Name, byType) {
		t.out.TooMany += len(mine)
		return nil
	}
	t.gone = append(t.gone, mine...)
	t.counts[counted{component.Narrow, s.Name, true}] = len(mine)
	for _, g := range mine {
		t.out.Removed = append(t.out.Removed, g.ref)
	}
	return nil
}

// decided reports whether a document narrowed by decision. Whom it names was there in the
// last run, too.
func (t *tightening) decided(tag stage.Tag, is differing) bool {
	return len(t.d.known(tag.Grant).Names) == len(tag.Names) && tag.Resolved && is.told.Resolved && is.told.There &&
		!is.retyped && tag.Audience != access.Undecided &&
		is.told.Most.WiderThan(tag.Grant) && !tag.Grant.WiderThan(is.told.Least)
}

func (t *tightening) each(step component.Step) iter.Seq2[component.Change, error] {
	return func(yield func(component.Change, error) bool) {
		if step != component.Narrow {
			return
		}
		number := 0
		for _, g := range t.gone {
			number++
			ch := component.Change{Step: step, Stream: g.stream, Remove: true, Revoke: true, Number: number}
			ch.Encoded = component.Encoded{ID: g.id, Ref: g.ref, Type: g.typ}
			if !yield(ch, nil) {
				return
			}
		}
		for _, s := range t.d.in.Streams {
			if s.What != Documents || t.counts[counted{component.Narrow, s.Name, false}] == 0 {
				continue
			}
			var told baseline.Told
			var to access.Grant
			for e, err := range t.d.in.Stage.Chosen(s.Name, func(tag stage.Tag) bool {
				is := t.d.item(s, tag)
				told, to = is.told, tag.Grant
				return is.steps&bit(component.Narrow) != 0 && t.decided(tag, is)
			}) {
				if err != nil {
					yield(component.Change{}, fmt.Errorf("read the stage: %w", err))
					return
				}
				number++
				// Its content stays what it was, and is not written.
				e.Content, e.Substance = 0, told.Substance
				if !yield(component.Change{Step: step, Stream: s.Name, Encoded: e, Grant: to, To: to, Number: number}, nil) {
					return
				}
			}
		}
	}
}
