package run

import (
	"fmt"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// lateItem is an item that was hidden while the run published.
type lateItem struct {
	stream, ref, id string
	sent            bool // it may have been sent, and was deleted again
}

// hiddenSince implements Plan.Hidden: it reads the hidden list again.
func (r *run) hiddenSince() (func(component.Encoded) bool, error) {
	if r.store == nil {
		return nil, nil
	}
	now, err := baseline.HiddenNow(r.store, component.HostsOf(r.p.Model))
	if err != nil {
		// Not a StateError, which would mean that nothing was read or sent.
		return nil, fault.Errorf(fault.Permanent, fault.RemedyOf(err), "read the hidden list again: %v", err)
	}
	r.mu.Lock()
	r.hiddenRefs = now.HiddenRefs()
	r.mu.Unlock()
	now = now.Since(r.hidden)
	if len(now.Refs)+len(now.IDs) == 0 {
		return nil, nil
	}
	return func(e component.Encoded) bool { return now.HasID(e.Ref, e.ID) }, nil
}

// withholdLate implements Plan.Withhold: it withholds a staged item that was hidden after it
// was planned.
func (r *run) withholdLate(stream string, e component.Encoded, sent bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.staged.WithholdLate(stream, e) {
		return
	}
	r.late = append(r.late, lateItem{stream, e.Ref, e.ID, sent})
	r.ledger.WithholdLate(stream, e.Ref, hiddenWhilePublishing)
}

const hiddenWhilePublishing = "hidden with pipe hide while the run published"

// settleLate sets the endings of the records of late items and names them in the report. A
// record with another, delivered item stays delivered.
func (r *run) settleLate() error {
	if len(r.late) == 0 {
		return nil
	}
	still := map[string]bool{}
	for _, l := range r.late {
		still[l.ref] = false
	}
	for _, stream := range r.staged.Names() {
		for t, err := range r.staged.Tags(stream) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			// a refused record is rejected, which takeBack does not change
			if _, late := still[t.Ref]; late && !r.staged.WasHidden(stream, t.ID) {
				still[t.Ref] = true
			}
		}
	}
	for ref, delivered := range still {
		if !delivered {
			r.ledger.TakeBack(ref, hiddenWhilePublishing)
		}
	}
	r.noteLate(false, "and not sent")
	r.noteLate(true, "and hidden again after the upload")
	return nil
}

func (r *run) noteLate(sent bool, what string) {
	var refs []string
	n := 0
	for _, l := range r.late {
		if l.sent != sent {
			continue
		}
		if n++; n <= display.Shown {
			refs = append(refs, l.ref)
		}
	}
	if n == 0 {
		return
	}
	more := ""
	if n > display.Shown {
		more = ", which pipe status lists"
	}
	r.note("%s hidden with pipe hide while the run published, %s: %s%s", display.Plural(n, "document"), what,
		display.FirstOf(refs, n, ", "), more)
}

// noteHidden reports what this run withheld because it is hidden. It is needed because the
// report has only one ending for a record with several items.
func (r *run) noteHidden() error {
	var refs []string
	n := 0
	for _, s := range r.p.Streams {
		for u, err := range r.staged.Withheld(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			if !s.Permissions || !r.hidden.HasID(u.Ref, u.ID) {
				continue
			}
			if n++; n <= display.Shown {
				one, _ := r.hidden.Find(u.Ref, codec.Hash([]byte(u.ID)))
				refs = append(refs, fmt.Sprintf("%s (%s)", u.Ref, one.At.Local().Format(time.DateOnly)))
			}
		}
	}
	if n == 0 {
		return nil
	}
	more := ""
	if n > display.Shown {
		more = ", which pipe status lists"
	}
	r.note("%s hidden with pipe hide: %s%s", display.Plural(n, "document"), display.FirstOf(refs, n, ", "), more)
	return nil
}
