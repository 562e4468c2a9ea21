package changes

import (
	"fmt"
	"iter"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/stage"
)

// Tightened is what a refused run still sends, and what waits for a good run. Refs are those of
// documents.
type Tightened struct {
	// Narrowed are documents that fewer people find by decision, Removed documents that no one
	// finds by decision.
	Narrowed, Removed []string
	// TooMany is the number of documents to remove, when they are more than may be deleted
	// without an approval.
	TooMany int
	// Unsure is the number of documents that would be narrowed or deleted, but not only by a
	// decision: one of their principals is not known in this run or was not known in the last
	// one, other people find them too, or their records are missing.
	Unsure int
}

// Tighten computes which documents were narrowed by decision: the record was read, all its
// principals are known in this run and the last one, and the people who find it now are a part
// of those before; or a rule grants access to no one. An attached document follows its host,
// also when this run does not have it. mayRemove reports whether the given numbers of documents
// may be deleted, by type; if not, none is. Nothing else is sent: no users, groups, members or
// content.
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
	gone   []gone           // by decision
	left   []left           // attached documents to narrow that the stage does not have
	hosts  map[string]*host // of the attached documents that the sink holds
}

func (t *tightening) find(mayRemove func(stream string, byType map[string]int) bool) error {
	t.counts = map[counted]int{}
	if err := t.findHosts(); err != nil {
		return err
	}
	for _, s := range t.d.in.Streams {
		if s.What != Documents {
			continue
		}
		var without []gone // attached documents whose people do not find their hosts
		absent := slices.DeleteFunc(slices.Clone(t.d.gone), func(g gone) bool { return g.stream != s.Name })
		for tag, err := range t.d.in.Stage.Tags(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			is := t.d.item(s, tag)
			old := gone{stream: s.Name, id: tag.ID, ref: tag.Ref, typ: is.told.Type}
			if is.retyped && t.hostOf(tag.Ref) != nil {
				absent = append(absent, old)
				continue
			}
			switch _, end := t.staged(tag, is); end {
			case narrowed:
				t.counts[counted{component.Narrow, s.Name, false}]++
				t.out.Narrowed = append(t.out.Narrowed, tag.Ref)
			case removed:
				without = append(without, old)
			case unsure:
				t.out.Unsure++
			}
		}
		if err := t.findGone(s, absent, without, mayRemove); err != nil {
			return err
		}
	}
	return nil
}

// The results of a tightening for one document.
type result uint8

const (
	stays result = iota
	narrowed
	removed // no one finds it by decision
	unsure
)

// staged returns what becomes of a document of the stage, and who finds it then.
func (t *tightening) staged(tag stage.Tag, is differing) (to access.Grant, end result) {
	if h := t.hostOf(tag.Ref); h != nil {
		if is.retyped { // the sink holds it as a document that the stage does not have
			return to, stays
		}
		to, end = t.follow(h, tag.Grant, is.told)
		if end == stays && is.steps&bit(component.Narrow) != 0 {
			end = unsure
		}
		return to, end
	}
	switch {
	case is.steps&bit(component.Narrow) == 0 && !is.retyped:
		return to, stays
	case t.decided(tag, is):
		return tag.Grant, narrowed
	}
	return to, unsure
}

// findGone finds what becomes of documents that the stage does not have. Those that no one finds
// by decision are removed, together with mine; when they are too many, none is.
func (t *tightening) findGone(s Stream, absent, mine []gone,
	mayRemove func(stream string, byType map[string]int) bool) error {
	byRule := map[uint64]bool{}
	for u, err := range t.d.in.Stage.Withheld(s.Name) {
		if err != nil {
			return fmt.Errorf("read the stage: %w", err)
		}
		if u.Decided {
			byRule[codec.Hash([]byte(u.ID))] = true
		}
	}
	for _, g := range absent {
		to, end := access.Grant{}, unsure
		if g.withheld && byRule[codec.Hash([]byte(g.id))] {
			end = removed
		} else if h := t.hostOf(g.ref); h != nil {
			var err error
			if to, end, err = t.absent(h, g); err != nil {
				return err
			}
		}
		switch end {
		case removed:
			mine = append(mine, g)
		case narrowed:
			t.left = append(t.left, left{g, to})
			t.counts[counted{component.Narrow, s.Name, false}]++
			t.out.Narrowed = append(t.out.Narrowed, g.ref)
		default:
			t.out.Unsure++
		}
	}
	if len(mine) == 0 {
		return nil
	}
	byType := map[string]int{}
	for _, g := range mine {
		byType[g.typ]++
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

// decided reports whether a document was narrowed by decision. Its principals were also known
// in the last run.
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
				grant, end := t.staged(tag, is)
				told, to = is.told, grant
				return end == narrowed
			}) {
				if err != nil {
					yield(component.Change{}, fmt.Errorf("read the stage: %w", err))
					return
				}
				number++
				// The earlier content stays; the new one is not written.
				e.Content, e.Substance = 0, told.Substance
				if !yield(component.Change{Step: step, Stream: s.Name, Encoded: e, Grant: to, To: to, Number: number}, nil) {
					return
				}
			}
			if !t.eachLeft(s, &number, yield) {
				return
			}
		}
	}
}
