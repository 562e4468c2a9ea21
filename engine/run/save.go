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
	"github.com/pipe-engine/pipe/engine/stage"
)

// save makes this run the last good one.
func (r *run) save() error {
	if r.store == nil {
		return nil
	}
	err := r.auditEnd(r.o.clock.Now().UTC())
	if err == nil {
		err = r.write()
	}
	if err == nil {
		err = r.dropJournal()
	}
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

// unsaved returns the error of a run that delivered everything but could not save its state.
func unsaved(err error) error {
	return &fault.Unconfirmed{Reason: "everything was delivered, but the baseline could not be written: " +
		err.Error(),
		Remedy: "make the state folder writable and run again; until then runs are compared with the run before " +
			"this one"}
}

func (r *run) write() error {
	now := r.o.clock.Now().UTC()
	h := baseline.Header{Pipeline: r.p.Name, Run: r.o.RunID, Owner: r.owner.ID, Finished: now,
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
	if r.partial() && r.last != nil { // the other streams were not run with the current file
		h.Fingerprint = r.last.Fingerprint
	}
	h.Hidden = r.hiddenRefs
	r.published(&h, now)
	r.track.header(&h, r.plan)
	r.track.saved = h
	w, err := r.store.Create(h)
	if err != nil {
		return err
	}
	if err := r.entries(w, now); err != nil {
		w.Abort()
		return err
	}
	return w.Commit()
}

// published sets what the next run needs to choose what it sends.
func (r *run) published(h *baseline.Header, now time.Time) {
	if r.changer == nil {
		return
	}
	h.Encoding = r.encoding()
	switch {
	case !r.plan.Only:
		h.Uploaded = r.o.RunID
	case r.last != nil:
		h.Uploaded = r.last.Uploaded
	}
	whole := !r.plan.Only && !r.partial()
	if whole {
		h.Whole = now
		return
	}
	h.Interrupted = r.journal.Interrupted
	if r.last != nil {
		h.Whole, h.Interrupted = r.last.Whole, h.Interrupted || r.last.Interrupted
		if r.partial() { // the other streams were not encoded anew
			h.Encoding = r.last.Encoding
		}
	}
}

// partial reports whether a stream of the sink was left out.
func (r *run) partial() bool {
	return slices.ContainsFunc(r.p.Streams, func(s component.Stream) bool { return r.p.Unwritten(s.Name) != "" })
}

// awayFor is how long the audience of an item that is away is kept.
const awayFor = 90 * 24 * time.Hour

// entries writes what this run delivered and withheld, the unchanged entries of streams that it
// did not write, and the audiences of items that are away: when such an item returns, it is not
// a new document.
func (r *run) entries(w *baseline.Writer, now time.Time) error {
	refused := map[string]bool{} // refs of refused items with permissions
	for _, s := range r.plan.Streams {
		for t, err := range r.staged.Tags(s.Name) {
			switch {
			case err != nil:
				return fmt.Errorf("read the stage: %w", err)
			case r.staged.WasRefused(s.Name, t.ID):
				if t.Audience != access.Undecided {
					refused[t.Ref] = true
				}
			case r.staged.WasHidden(s.Name, t.ID):
				e := r.withheld(s.Name, t.Ref, t.ID, now)
				e.Type, e.Leaving = t.Type, r.changer != nil // pipe hide may have failed to delete it
				w.Add(e)
			default:
				w.Add(r.delivered(s, t, now))
			}
		}
		for u, err := range r.staged.Withheld(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			w.Add(r.withheld(s.Name, u.Ref, u.ID, now))
		}
	}
	return r.earlier(w, refused, now)
}

// delivered returns the entry of an item that was sent.
func (r *run) delivered(s component.StreamPlan, t stage.Tag, now time.Time) baseline.Entry {
	e := r.entry(s.Name, t.Ref, t.ID)
	e.Type, e.Rule, e.Content, e.Substance, e.Names = t.Type, t.Rule, t.Content, t.Substance, t.Names
	e.Resolved = t.Resolved
	if s.Own {
		r.dropRefused(&e, t.ID)
	}
	if t.Audience != access.Undecided {
		e.Audience = t.Audience.String()
	}
	covered := r.covers(s.Name, e.ID)
	e.Floor, e.Told = r.reviewer.Comparison.Accepted(s.Name, t, covered, now)
	if s.Own {
		e.Left = r.reviewer.Comparison.Left(s.Name, t.ID, t.Names, covered, now)
	}
	return e
}

// withheld returns the entry of an item that no one may find. A hidden item keeps its floor.
func (r *run) withheld(stream, ref, id string, now time.Time) baseline.Entry {
	e := r.entry(stream, ref, id)
	e.Audience = access.Nobody.String()
	if r.changer != nil {
		e.Type, e.Leaving = r.reviewer.Comparison.Deletes(stream, id)
	}
	if r.hidden.HasID(ref, id) || r.staged.WasHidden(stream, id) {
		e.Floor = r.reviewer.Comparison.KeptFloor(stream, ref, id, now)
	}
	return e
}

func (r *run) entry(stream, ref, id string) baseline.Entry {
	e := baseline.Entry{Stream: stream, Ref: ref, Kind: r.ledger.Kind(ref), ID: codec.Hash([]byte(id))}
	if id != ref {
		e.ClearID = id
	}
	return e
}

// covers reports whether an approval covers the change of an item.
func (r *run) covers(stream string, id uint64) bool {
	change, counted := r.reviewer.Comparison.Change(stream, id)
	return counted && r.reviewer.Cover.Left(change) == 0
}

// earlier adds the entries of the last good run that this run leaves unchanged, and those of
// items that are away.
func (r *run) earlier(w *baseline.Writer, refused map[string]bool, now time.Time) error {
	if r.last == nil {
		return nil
	}
	i := 0
	for e, err := range r.last.Entries() {
		if err != nil {
			return err
		}
		renewed, floor := r.reviewer.Comparison.Renewed(i), r.reviewer.Comparison.FloorOf(i, now)
		goes, _ := r.reviewer.Comparison.Goes(i)
		i++
		if r.plan.Stream(e.Stream) == nil {
			w.Add(e)
			continue
		}
		if renewed && !refused[e.Ref] {
			continue
		}
		keep := awayFor
		if e.Audience == "" {
			keep = baseline.Window
		}
		s, _ := r.p.Stream(e.Stream)
		e.Leaving = goes && s.Permissions && r.changer != nil
		if e.Away.IsZero() {
			e.Away, e.Delivered, e.Floor = now, r.last.Finished.UTC(), floor
		}
		e.Covered = e.Covered || r.covers(e.Stream, e.ID)
		if now.Sub(e.Away) < keep {
			w.Add(e)
		}
	}
	return nil
}
