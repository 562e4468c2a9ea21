package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/guard"
)

// remember takes the sink's place for this run and opens what the last good run
// left. A dry run takes nothing: it may run beside another.
func (r *run) remember() error {
	r.owner = baseline.Owner{ID: baseline.NewOwnerID()}
	place := r.p.Sink.Place()
	if r.o.State == "" || place == "" {
		return nil
	}
	var err error
	if r.store, err = baseline.Open(r.o.State, place); err != nil {
		return baseline.Unusable(err)
	}
	if !r.dry() {
		if r.lock, err = baseline.Take(r.store, r.o.RunID); err != nil {
			return err
		}
	}
	hidden, err := baseline.HiddenNow(r.store)
	if err != nil {
		return err
	}
	if !r.showHidden {
		r.hidden = hidden
	}
	if r.base, err = r.store.Load(); err != nil {
		return baseline.Unreadable(err)
	}
	r.last = r.base.Snapshot
	if err := r.hiddenLost(hidden); err != nil {
		return err
	}
	r.hiddenRefs = hidden.HiddenRefs()
	r.owner, err = baseline.OwnerOf(r.store, r.base, !r.dry())
	if err == nil && !r.dry() && r.covered() { // the run that wrote it was killed before it could say so
		err = r.keep()
	}
	return err
}

// hiddenLost is the error for a hidden list that lacks a ref which the last good run
// read on it. A ref that was let back stays on the list until the next good run, so
// the list was removed, replaced by an older one, or begun again.
func (r *run) hiddenLost(list baseline.Hiding) error {
	if r.last == nil {
		return nil
	}
	lost := slices.DeleteFunc(slices.Clone(r.last.Hidden), func(ref string) bool { _, listed := list.Refs[ref]; return listed })
	if len(lost) == 0 {
		return nil
	}
	x := display.Examples{N: len(lost), Refs: lost[:min(len(lost), display.Shown)]}
	return &fault.StateError{Err: fmt.Errorf("the hidden list %s lacks %s that the last good run read on it: %s", r.store.HiddenFile(), display.Plural(len(lost), "document"), x.String()),
		Remedy: "restore the file from a copy; if there is none, hide the documents again with pipe hide FILE REF"}
}

// forgo gives back what remember took.
func (r *run) forgo() {
	if r.last != nil {
		r.last.Close()
	}
	if r.lock != nil {
		if err := r.lock.Release(); err != nil {
			r.o.Log.Warn("the lock was not released", "error", err)
		}
	}
}

// compare puts the plan beside the last good run.
func (r *run) compare() error {
	v := &guard.Review{Pipeline: r.p, Records: r.ledger, Approvals: r.findApprovals(), Refused: map[[2]string]int{}, Stale: func(string, int) bool { return false }}
	r.reviewer = v
	if r.last == nil {
		return nil
	}
	if r.last.Fingerprint != r.p.Fingerprint {
		v.Since = fmt.Sprintf(". The pipeline file changed since the last run (%s)", display.Time(r.last.Finished))
	}
	if time.Since(r.last.Finished) < baseline.YoungCounts {
		v.Stale = func(stream string, said int) bool {
			before, known := r.last.Said[stream]
			return known && before == said
		}
	}
	var err error
	v.Compared, err = baseline.Compare(r.plan, r.last, baseline.Run{
		Stage: r.shelf, Hidden: r.hidden, Fate: r.ledger.Fate, Off: r.p.Off,
		Permissions: func(stream string) bool { s, _ := r.p.Stream(stream); return s.Permissions },
	})
	return err
}

// differences are those of the plan from the last good run.
func (r *run) differences() Differences {
	var d Differences
	if c := r.reviewer.Compared; c != nil {
		d.Widened = c.Widenings()
		d.Gone = c.AllLost()
	}
	return d
}

// fillChanges writes the differences into the report.
func (r *run) fillChanges() {
	if r.reviewer == nil || r.reviewer.Compared == nil {
		return
	}
	c := r.reviewer.Compared
	widened, swapped := c.Widenings(), 0
	for _, s := range c.Swapped() {
		swapped += s.Pairs
	}
	if slices.ContainsFunc(r.p.Streams, func(s component.Stream) bool { return s.Permissions && r.reviewer.Remembers(s.Name) }) {
		r.report.Since = &Since{Run: r.last.Run, Finished: r.last.Finished, SamePipeline: r.last.Fingerprint == r.p.Fingerprint, Audience: c.Audience(), Wider: len(widened), Widened: widened, Swapped: swapped}
	}
	for i := range r.report.Streams {
		r.report.Streams[i].Changes = c.Of(r.report.Streams[i].Name)
	}
	if line := c.Gained(); line != "" {
		r.note("%s", line)
	}
}

// save makes this run the last good one.
func (r *run) save() error {
	if r.store == nil {
		return nil
	}
	err := r.write()
	if err == nil && r.writes() {
		err = r.keep()
	}
	if err == nil && slices.ContainsFunc(r.plan.Streams, func(s component.StreamPlan) bool { d, _ := r.p.Stream(s.Name); return d.Permissions }) {
		err = r.hidden.Settle(r.store)
	}
	if err != nil {
		return unsaved(err)
	}
	return nil
}

// unsaved says that a run delivered everything and that its state is not saved.
func unsaved(err error) error {
	return &fault.Unconfirmed{Reason: "everything was delivered, but what was delivered could not be remembered: " + err.Error(), Remedy: "see that the state folder can be written and run again; until then runs are compared with the one before"}
}

func (r *run) write() error {
	h := baseline.Header{Pipeline: r.p.Name, Run: r.o.RunID, Owner: r.owner.ID, Finished: time.Now().UTC(), Fingerprint: r.p.Fingerprint, Said: r.held.Streams, Streams: map[string]int{}, Types: map[string]map[string]int{}}
	for _, s := range r.plan.Streams {
		h.Streams[s.Name] = s.Count - r.reviewer.Refused[[2]string{s.Name}]
		h.Streams[s.Name] -= r.shelf.HiddenCount(s.Name)
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
	return baseline.Entry{Stream: stream, Ref: ref, Kind: r.ledger.Kind(ref), Audience: access.Nobody.String(), ID: codec.Hash([]byte(id))}
}

// awayFor is how long it is remembered who could find what is not there any more.
const awayFor = 90 * 24 * time.Hour

// entries are what this run delivered and withheld, what it did not write as it
// was before, and who could find what is away: when that comes back it is no new
// document.
func (r *run) entries(w *baseline.Writer) error {
	refused := map[string]bool{} // refs of items with permissions
	for _, s := range r.plan.Streams {
		for t, err := range r.shelf.Tags(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			if r.shelf.WasRefused(s.Name, t.ID) {
				if t.Audience != access.Undecided {
					refused[t.Ref] = true
				}
				continue
			}
			if r.shelf.WasHidden(s.Name, t.ID) {
				w.Add(r.nobodys(s.Name, t.Ref, t.ID))
				continue
			}
			e := baseline.Entry{Stream: s.Name, Ref: t.Ref, Kind: r.ledger.Kind(t.Ref), Type: t.Type, ID: codec.Hash([]byte(t.ID)), Content: t.Content, Names: t.Names}
			if t.Audience != access.Undecided {
				e.Audience = t.Audience.String()
			}
			w.Add(e)
		}
		for u, err := range r.shelf.Withheld(s.Name) {
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
		renewed := r.reviewer.Compared.Renewed(i)
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
