package run

import (
	"fmt"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// save makes this run the last good one.
func (r *run) save() error {
	if r.store == nil {
		return nil
	}
	err := r.write()
	if err == nil && r.writes() {
		err = r.keep()
	}
	if err == nil && slices.ContainsFunc(r.plan.Streams, func(s component.StreamPlan) bool {
		d, _ := r.p.Stream(s.Name)
		return d.Permissions
	}) {
		err = r.hidden.Settle(r.store)
	}
	if err != nil {
		return unsaved(err)
	}
	return nil
}

// unsaved says that a run delivered everything and that its state is not saved.
func unsaved(err error) error {
	return &fault.Unconfirmed{Reason: "everything was delivered, but what was delivered could not be remembered: " +
		err.Error(),
		Remedy: "see that the state folder can be written and run again; until then runs are compared with the one before"}
}

func (r *run) write() error {
	h := baseline.Header{Pipeline: r.p.Name, Run: r.o.RunID, Owner: r.owner.ID, Finished: time.Now().UTC(),
		Fingerprint: r.p.Fingerprint, Said: r.held.Streams, Streams: map[string]int{}, Types: map[string]map[string]int{}}
	for _, s := range r.plan.Streams {
		h.Streams[s.Name] = s.Count - r.reviewer.Refused[[2]string{s.Name}]
		h.Streams[s.Name] -= r.staged.HiddenCount(s.Name)
		if len(s.Types) > 1 || s.Types[""] == 0 {
			h.Types[s.Name] = s.Types
		}
	}
	if r.last != nil {
		for stream, n := range r.last.Streams {
			if r.plan.Stream(stream) == nil {
				h.Streams[stream] = n
				if types := r.last.Types[stream]; types != nil {
					h.Types[stream] = types
				}
			}
		}
	}
	if r.partial() && r.last != nil { // what the file says of the others was not run
		h.Fingerprint = r.last.Fingerprint
	}
	h.Hidden = r.hiddenRefs
	r.track.header(&h, r.plan)
	r.track.saved = h
	w, err := r.store.Create(h)
	if err != nil {
		return err
	}
	if err := r.entries(w); err != nil {
		w.Abort()
		return err
	}
	return w.Commit()
}

// partial tells whether a stream of the sink was left out.
func (r *run) partial() bool {
	return slices.ContainsFunc(r.p.Streams, func(s component.Stream) bool { return r.p.Unwritten(s.Name) != "" })
}

// nobodys is what is remembered of an item that was withheld.
func (r *run) nobodys(stream, ref, id string) baseline.Entry {
	return baseline.Entry{Stream: stream, Ref: ref, Kind: r.ledger.Kind(ref), Audience: access.Nobody.String(),
		ID: codec.Hash([]byte(id))}
}

// awayFor is how long it is remembered who could find what is not there any more.
const awayFor = 90 * 24 * time.Hour

// entries are what this run delivered and withheld, what it did not write as it
// was before, and who could find what is away: when that comes back it is no new
// document.
func (r *run) entries(w *baseline.Writer) error {
	refused := map[string]bool{} // refs of items with permissions
	for _, s := range r.plan.Streams {
		for t, err := range r.staged.Tags(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			if r.staged.WasRefused(s.Name, t.ID) {
				if t.Audience != access.Undecided {
					refused[t.Ref] = true
				}
				continue
			}
			if r.staged.WasHidden(s.Name, t.ID) {
				w.Add(r.nobodys(s.Name, t.Ref, t.ID))
				continue
			}
			e := baseline.Entry{Stream: s.Name, Ref: t.Ref, Kind: r.ledger.Kind(t.Ref), Type: t.Type,
				ID: codec.Hash([]byte(t.ID)), Content: t.Content, Names: t.Names}
			if t.Audience != access.Undecided {
				e.Audience = t.Audience.String()
			}
			w.Add(e)
		}
		for u, err := range r.staged.Withheld(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			w.Add(r.nobodys(s.Name, u.Ref, u.ID))
		}
	}
	if r.last == nil {
		return nil
	}
	now, i := time.Now().UTC(), 0
	for e, err := range r.last.Entries() {
		if err != nil {
			return err
		}
		renewed := r.reviewer.Comparison.Renewed(i)
		i++
		if r.plan.Stream(e.Stream) == nil {
			w.Add(e)
			continue
		}
		if e.Audience == "" || renewed && !refused[e.Ref] {
			continue
		}
		if e.Away.IsZero() {
			e.Away = now
		}
		if now.Sub(e.Away) < awayFor {
			w.Add(e)
		}
	}
	return nil
}
