package run

import (
	"fmt"
	"maps"
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
	err := r.stillHeld() // another run may have written the baseline since
	if err == nil {
		err = r.auditEnd(r.o.clock.Now().UTC())
	}
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
	return &fault.Unsaved{Unconfirmed: fault.Unconfirmed{
		Reason: "everything was delivered, but the baseline could not be written: " + err.Error(),
		Remedy: "run again when the state can be written; until then runs are compared with the run before " +
			"this one"}}
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
	held := map[string]int{} // delivered records by host
	add := func(e baseline.Entry) {
		if host, attached := r.attachedTo(e.Ref); attached && e.Away.IsZero() && e.Audience != access.Nobody.String() {
			held[host]++
		}
		w.Add(e)
	}
	if err := r.entries(add, now); err != nil {
		w.Abort()
		return err
	}
	if err := r.writeMarks(w, func(host string) int { return held[host] }); err != nil {
		w.Abort()
		return err
	}
	return w.Commit()
}

// writeMarks writes what was read of the attached records of each host. A run that did not read
// them keeps the marks of the last good run.
func (r *run) writeMarks(w *baseline.Writer, delivered func(host string) int) error {
	if r.attachments == nil {
		return nil
	}
	marks := r.attachments.Marks(delivered)
	if r.last != nil && r.partial() {
		before, err := r.last.Marks()
		if err != nil {
			return err
		}
		for host, m := range before {
			if _, read := marks[host]; !read {
				marks[host] = m
			}
		}
	}
	for _, host := range slices.Sorted(maps.Keys(marks)) {
		w.Mark(host, marks[host])
	}
	return nil
}

// attachedTo returns the host of an attached record.
func (r *run) attachedTo(ref string) (host string, attached bool) {
	return component.HostsOf(r.p.Model)(ref)
}

// spoil makes the next run read the host of an attached record.
func (r *run) spoil(ref string) {
	if host, attached := r.attachedTo(ref); attached && r.attachments != nil {
		r.attachments.Spoil(host)
	}
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
	if r.plan.Only && r.keptItems() > 0 && r.last != nil { // sending everything is still due
		h.Encoding = r.last.Encoding
	}
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
func (r *run) entries(add func(baseline.Entry), now time.Time) error {
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
				r.spoil(t.Ref)
			case r.staged.WasHidden(s.Name, t.ID):
				r.spoil(t.Ref)
				e := r.withheld(s.Name, t.Ref, t.ID, now)
				e.Type, e.Leaving = t.Type, r.changer != nil // pipe hide may have failed to delete it
				add(e)
			default:
				add(r.delivered(s, t, now))
			}
		}
		for u, err := range r.staged.Withheld(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			add(r.withheld(s.Name, u.Ref, u.ID, now))
		}
	}
	return r.earlier(add, refused, now)
}

// delivered returns the entry of an item that was sent.
func (r *run) delivered(s component.StreamPlan, t stage.Tag, now time.Time) baseline.Entry {
	e := r.entry(s.Name, t.Ref, t.ID)
	e.Type, e.Rule, e.Content, e.Substance, e.Names = t.Type, t.Rule, t.Content, t.Substance, t.Names
	e.Resolved = t.Resolved
	if s.Own {
		r.dropRefused(&e, t.ID)
	}
	if t.Kept { // what was sent last must be certain, since this run did not send it
		if told := r.journal.Told(r.reviewer.Comparison, s.Name, t.ID); !told.There || !told.Sure {
			e.Content, e.Substance = 0, 0
			r.spoil(t.Ref)
		}
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
func (r *run) earlier(add func(baseline.Entry), refused map[string]bool, now time.Time) error {
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
			add(e)
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
			add(e)
		}
	}
	return nil
}
