package read

import (
	"context"
	"iter"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Earlier is the output of an earlier run.
type Earlier struct {
	// Streams are the names of its streams in the order of its plan. Own are the streams that
	// its session derived.
	Streams []string
	Own     map[string]bool
	// Items returns the items of a stream with everything except Content; the Body of an item
	// is valid until the next one. Withheld returns the refs and IDs of withheld items.
	Items, Withheld func(stream string) iter.Seq2[EarlierItem, error]
}

// EarlierItem is an item and the kind of its record.
type EarlierItem struct {
	component.Encoded
	Kind string
}

// Restore is the first act of a run that publishes the output of an earlier run: it stages the
// earlier items and does not read the source. Items that are hidden by now are withheld.
func Restore(ctx context.Context, o Options, e Earlier) error {
	a := &reading{p: o.Pipeline, ledger: o.Ledger, stage: o.Stage, watch: o.Observer, cuts: cuts{}}
	for _, stream := range e.Streams {
		if e.Own[stream] && !writesGroups(o.Pipeline) {
			continue
		}
		for item, err := range e.Items(stream) {
			if err == nil && ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			if err == nil {
				err = a.restore(o, stream, item, e.Own[stream])
			}
			if err != nil {
				return err
			}
		}
		for item, err := range e.Withheld(stream) {
			if err == nil {
				a.enter(item)
				err = a.withhold(stream, item, "withheld in that run")
			}
			if err != nil {
				return err
			}
		}
		o.Tick(a.ledger.kindsRead())
	}
	return nil
}

// writesGroups reports whether a run writes groups and their members.
func writesGroups(p *component.Pipeline) bool {
	for _, s := range p.Streams {
		if s.Groups && p.Unwritten(s.Name) != "" {
			return false
		}
	}
	return true
}

func (a *reading) enter(item EarlierItem) {
	if !a.ledger.Knows(item.Ref) {
		a.ledger.Enter(item.Ref, item.Kind)
	}
}

func (a *reading) withhold(stream string, item EarlierItem, why string) error {
	if unwritten := a.p.Unwritten(stream); unwritten != "" {
		a.ledger.endItem(stream, item.Ref, component.Filtered, unwritten)
		return nil
	}
	a.ledger.endItem(stream, item.Ref, component.Withheld, why)
	return a.stage.Withhold(stream, item.Ref, item.ID, false) // used only when the run tightens
}

// restore stages an item.
func (a *reading) restore(o Options, stream string, item EarlierItem, own bool) error {
	substance := item.Substance
	item.Hash()
	item.Substance = substance
	if own {
		other, err := a.stage.Put(stream, item.Encoded, len(item.Principals), func(string) bool { return false })
		if err == nil && other != "" {
			err = fault.Errorf(fault.Permanent, "", "%s has %q twice", stream, item.ID)
		}
		return err
	}
	a.enter(item)
	declared, _ := a.p.Stream(stream)
	switch why := a.p.Unwritten(stream); {
	case why != "":
		a.ledger.endItem(stream, item.Ref, component.Filtered, why)
		return nil
	case declared.Permissions && o.Hidden.HasID(item.Ref, item.ID):
		return a.withhold(stream, item, o.Hidden.Why(item.Ref, item.ID))
	}
	_, err := a.keep(stream, item.Encoded)
	return err
}
