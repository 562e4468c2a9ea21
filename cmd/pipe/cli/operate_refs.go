package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/fault"
)

// wholeRefs takes a part of a ref for the one that it can mean among the documents
// of the last good run and what is hidden.
func (o *operating) wholeRefs() error {
	var known []string
	for i, ref := range o.refs {
		if whole, ok := o.Definition.Model.ParseRef(ref); ok {
			o.refs[i] = whole
			continue
		}
		if known == nil {
			known = o.delivered()
			_, hidden, err := o.remembered()
			if err != nil {
				return err
			}
			for _, h := range hidden {
				known = append(known, h.Ref)
			}
			slices.Sort(known)
			known = slices.Compact(known)
		}
		whole, near := explain.NewMatcher(o.Definition.Model, ref).Pick(known)
		if whole == "" {
			hint := "write " + o.Definition.Model.RefHint(ref, "")
			if len(near) > 0 {
				hint = "write one of: " + print.List(near)
			}
			return usage{ref + " is not the ref of an entity", hint}
		}
		o.refs[i] = whole
	}
	return nil
}

// isIdentity tells whether a ref is one of the people and groups of the source.
func (o *operating) isIdentity(ref string) bool {
	kind := o.Definition.Model.KindOf(ref)
	return slices.ContainsFunc(o.Definition.Model.Phases(), func(ph component.Phase) bool {
		return ph.Identities && slices.ContainsFunc(ph.Kinds, func(k component.Kind) bool { return strings.EqualFold(k.Name, kind) })
	})
}

// haveDocuments refuses refs of people and groups of which the pipeline makes no
// document.
func (o *operating) haveDocuments() error {
	for _, ref := range o.refs {
		kind := o.Definition.Model.KindOf(ref)
		mapped := slices.ContainsFunc(o.Definition.Facts, func(f component.MappingFacts) bool {
			return slices.ContainsFunc(o.Definition.Streams, func(s component.Stream) bool { return s.Name == f.Stream && s.Permissions }) &&
				slices.ContainsFunc(f.Kinds, func(k string) bool { return strings.EqualFold(k, kind) })
		})
		if o.isIdentity(ref) && !mapped {
			return usage{fmt.Sprintf("%s: a %s has no document, and nothing was changed", ref, kind), "name the documents that are meant; who is a user of Glean is for the source to say"}
		}
	}
	return nil
}

// unknownRef is that nobody has a ref.
func (o *operating) unknownRef(ref string) error {
	remedy := "pipe hide --unseen remembers it all the same, for when it comes"
	if _, near := explain.NewMatcher(o.Definition.Model, ref).Pick(o.delivered()); len(near) > 0 {
		remedy = "did you mean " + print.List(near) + "? " + remedy
	}
	return fault.Errorf(fault.Permanent, remedy, "neither the last good run, nor the source, nor Glean has it, and it was not remembered")
}

// delivered are the refs of the documents of the last good run, sorted; none where
// it is not remembered.
func (o *operating) delivered() []string {
	if o.State == "" || o.Pipeline.Sink.Place() == "" {
		return nil
	}
	store, err := baseline.Open(o.State, o.Pipeline.Sink.Place())
	if err != nil {
		return nil
	}
	base, err := store.Load()
	if err != nil || base.Condition != baseline.Intact {
		return nil
	}
	defer base.Close()
	var out []string
	for e, err := range base.Entries() {
		if err != nil {
			return nil
		}
		if e.Audience != "" && e.Away.IsZero() {
			out = append(out, e.Ref)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
