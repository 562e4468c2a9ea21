package changes

import (
	"fmt"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/stage"
)

// Attached is what a tightening needs to know about attached items: no one may find one of them
// who does not find its host (invariant 2). The run may not have the items, because they are
// gone, were not read, or are switched off.
type Attached struct {
	HostOf component.Hosts
	// Denied reports whether a rule grants no one access to a host in this run.
	Denied func(host string) bool
	// Keep returns an item that the sink holds, with the permissions of its host in this run. kept
	// is false when the host has none or the sink cannot keep the item.
	Keep func(stream, ref, id, typ string) (e component.Encoded, kept bool, err error)
}

// host is who finds the document of a host.
type host struct {
	// bound is who finds it after the tightening; it is known when the run delivers the document.
	bound   access.Grant
	known   bool
	decided bool // the bound is the decision of this run
}

// left is an attached document that stays in the sink and that the stage does not have.
type left struct {
	gone
	to access.Grant
}

// hostOf returns the host of an attached document; nil for any other document.
func (t *tightening) hostOf(ref string) *host {
	if t.d.in.Attached == nil {
		return nil
	}
	of, attached := t.d.in.Attached.HostOf(ref)
	if !attached {
		return nil
	}
	return t.hosts[of]
}

// findHosts finds the hosts of all attached documents, and who finds their own documents after the
// tightening.
func (t *tightening) findHosts() error {
	t.hosts = map[string]*host{}
	if t.d.in.Attached == nil {
		return nil
	}
	see := func(ref string) {
		if of, attached := t.d.in.Attached.HostOf(ref); attached && t.hosts[of] == nil {
			t.hosts[of] = &host{decided: true}
		}
	}
	for _, g := range t.d.gone {
		see(g.ref)
	}
	if err := t.documents(func(_ Stream, tag stage.Tag) { see(tag.Ref) }); err != nil {
		return err
	}
	if len(t.hosts) == 0 {
		return nil
	}
	return t.documents(func(s Stream, tag stage.Tag) {
		if h := t.hosts[tag.Ref]; h != nil {
			h.add(t.boundOf(tag, t.d.item(s, tag)))
		}
	})
}

// documents calls take with the tags of all documents of the stage.
func (t *tightening) documents(take func(Stream, stage.Tag)) error {
	for _, s := range t.d.in.Streams {
		if s.What != Documents {
			continue
		}
		for tag, err := range t.d.in.Stage.Tags(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			take(s, tag)
		}
	}
	return nil
}

// boundOf returns who finds a document after the tightening, and whether that is the decision of
// this run: otherwise the sink keeps what it was told.
func (t *tightening) boundOf(tag stage.Tag, is differing) (bound access.Grant, decided bool) {
	if !is.told.There || is.steps&bit(component.Narrow) != 0 && t.decided(tag, is) {
		return tag.Grant, true
	}
	return is.told.Least, false
}

// add adds the bound of one of the documents of a host.
func (h *host) add(bound access.Grant, decided bool) {
	if h.known {
		bound = access.Meet(h.bound, bound)
	}
	h.bound, h.known, h.decided = bound, true, h.decided && decided
}

// follow returns what becomes of an attached document, and who finds it then: only people who
// found it before and who find its host, which now has a grant. Nothing is widened.
func (t *tightening) follow(h *host, now access.Grant, told baseline.Told) (to access.Grant, end result) {
	if !told.There || h.known && !told.Most.WiderThan(h.bound) {
		return to, stays
	}
	if !h.known {
		return to, unsure
	}
	to = t.d.known(access.Meet(access.Meet(told.Least, h.bound), now))
	switch {
	case to.Audience < access.Listed, to.Audience == access.Listed && len(to.Names) == 0:
		if h.decided {
			return to, removed
		}
		return to, unsure
	case to.Audience == access.Listed && now.Audience != access.Listed: // the sink has no names for it
		return to, unsure
	}
	return to, narrowed
}

// absent returns what becomes of an attached document that the stage does not have.
func (t *tightening) absent(h *host, g gone) (to access.Grant, end result, err error) {
	of, _ := t.d.in.Attached.HostOf(g.ref)
	if t.d.in.Attached.Denied(of) {
		return to, removed, nil
	}
	e, kept, err := t.d.in.Attached.Keep(g.stream, g.ref, g.id, g.typ)
	if err != nil || !kept {
		return to, unsure, err
	}
	to, end = t.follow(h, grantOf(e), t.d.in.Journal.Told(t.d.in.Last, g.stream, g.id))
	if end == stays { // it would be deleted, but not by a decision
		end = unsure
	}
	return to, end, nil
}

// eachLeft yields the narrowings of attached documents of a stream that the stage does not have.
func (t *tightening) eachLeft(s Stream, number *int, yield func(component.Change, error) bool) bool {
	for _, l := range t.left {
		if l.stream != s.Name {
			continue
		}
		e, kept, err := t.d.in.Attached.Keep(l.stream, l.ref, l.id, l.typ)
		if err == nil && !kept {
			err = fmt.Errorf("%s has no permissions any more: this is a defect in pipe", l.ref)
		}
		if err != nil {
			yield(component.Change{}, err)
			return false
		}
		*number++
		e.Content, e.Substance = 0, t.d.in.Journal.Told(t.d.in.Last, l.stream, l.id).Substance
		if !yield(component.Change{Step: component.Narrow, Stream: s.Name, Encoded: e, Grant: l.to, To: l.to,
			Number: *number}, nil) {
			return false
		}
	}
	return true
}

// grantOf returns who finds an item.
func grantOf(e component.Encoded) access.Grant {
	sets := access.HashSets(e.AllOf)
	return access.Grant{Audience: e.Audience, Names: access.UnpackNames(access.PackNames(e.Principals, sets)), Sets: sets}
}
