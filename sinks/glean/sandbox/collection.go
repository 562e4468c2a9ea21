package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// entry is one stored item. Keys are compared, ids are kept as received; ids of users and
// documents are compared without regard to case.
type entry[T any] struct {
	key, id string
	at      time.Time // when it was uploaded last
	indexed time.Time // when this version took effect; zero in the received state
	version int64
	value   T
}

// collection is what one upload replaces: the live set that requests have produced, at most
// one open upload, and the set in effect for searches. live and effective are nil before the
// first upload.
type collection[T any] struct {
	live      map[string]entry[T]
	open      *upload[T]
	effective map[string]entry[T]
	pending   *pending
	paused    *pause[T]                             // of the last upload; nil when it deleted what it did not have
	note      func(key, event string, at time.Time) // events of documents; nil for identities
}

// in returns the received entries, or those in effect.
func (c *collection[T]) in(s state) map[string]entry[T] {
	if s == inEffect {
		return c.effective
	}
	return c.live
}

// state is one of the two that a server holds of a datasource.
type state uint8

const (
	told     state = iota // by requests that were acknowledged
	inEffect              // for who finds what
)

// store makes entries effective after the collection's delay. events is false for pages
// of an upload that is not closed.
func (c *collection[T]) store(entries []entry[T], now time.Time, events bool) {
	if events {
		c.happened(entries, api.EventUploaded, now)
	}
	c.pending.add(now, func(at time.Time) {
		if c.effective == nil {
			c.effective = make(map[string]entry[T], len(entries))
		}
		for _, e := range entries {
			e.indexed = at
			c.effective[e.key] = e
		}
		if events {
			c.happened(entries, api.EventIndexed, at)
		}
	})
}

// discard removes entries from the effective state after the collection's delay.
func (c *collection[T]) discard(entries []entry[T], now time.Time) {
	c.happened(entries, api.EventDeletionRequested, now)
	c.pending.add(now, func(at time.Time) {
		for _, e := range entries {
			delete(c.effective, e.key)
		}
		c.happened(entries, api.EventDeleted, at)
	})
}

// clear removes all entries, as before the first upload.
func (c *collection[T]) clear(now time.Time) {
	c.live = nil
	c.pending.add(now, func(time.Time) { c.effective = nil })
}

func (c *collection[T]) happened(entries []entry[T], event string, at time.Time) {
	if c.note == nil {
		return
	}
	for _, e := range entries {
		c.note(e.key, event, at)
	}
}

type upload[T any] struct {
	record *Upload
	before int // size of the live set when it began
	items  map[string]entry[T]
}

// staleShare is the share of a live set above which its deletion is paused.
const staleShare = 0.20

// take applies one page. removed are the entries that the end of an upload deleted. A
// refused page changes nothing.
func (c *collection[T]) take(p page, entries []entry[T], guarded bool, x *source, r Rules,
	now time.Time) (removed map[string]entry[T], err error) {
	u := c.open
	if other := x.inTheWay(p, r); other != nil && p.IsFirstPage && !p.ForceRestartUpload {
		status := http.StatusConflict
		if r.ConflictIsBadRequest {
			status = http.StatusBadRequest
		}
		return nil, refuse(status, "Upload %q is already in progress for datasource %s", other.ID, p.Datasource)
	}
	switch {
	case p.IsFirstPage && r.RefuseReusedUploadIDs && x.closed(p.UploadID):
		return nil, bad("Upload id %q was already used", p.UploadID)
	case !p.IsFirstPage && (u == nil || u.record.ID != p.UploadID):
		return nil, bad("Upload %q is not in progress for datasource %s", p.UploadID, p.Datasource)
	}
	if p.IsFirstPage {
		u = &upload[T]{before: len(c.live), items: map[string]entry[T]{}}
	}
	if r.StrictIDs {
		if err := u.duplicates(entries); err != nil {
			return nil, err
		}
	}
	if p.IsFirstPage {
		x.discard(p, r, now)
		u.record = x.begin(p, now)
		c.open = u
	}
	u.record.Pages++
	if c.live == nil {
		c.live = map[string]entry[T]{}
	}
	for i := range entries {
		entries[i].at = now
		u.items[entries[i].key] = entries[i]
		if r.VisibleBeforeLastPage {
			c.live[entries[i].key] = entries[i]
		}
	}
	if r.VisibleBeforeLastPage {
		c.store(entries, now, false)
	}
	if p.IsLastPage {
		removed = c.close(guarded && !p.unguarded, now)
	}
	return removed, nil
}

// drop forgets the open upload when its record is u.
func (c *collection[T]) drop(u *Upload) {
	if c.open != nil && c.open.record == u {
		c.open = nil
	}
}

// close makes the open upload the live set and returns the deleted items. If the deletion is
// paused, items that the upload lacks stay in the live set.
func (c *collection[T]) close(guarded bool, now time.Time) map[string]entry[T] {
	u := c.open
	c.store(slices.Collect(maps.Values(u.items)), now, true)
	stale := map[string]entry[T]{}
	for k, e := range c.live {
		if _, kept := u.items[k]; !kept {
			stale[k] = e
		}
	}
	u.record.Items, u.record.Ended, c.paused = len(u.items), now, nil
	if guarded && float64(len(stale)) > staleShare*float64(u.before) {
		u.record.Paused, c.paused = len(stale), &pause[T]{u.record, stale}
		for k, e := range stale {
			u.items[k] = e
		}
		stale = nil
	}
	u.record.Deleted = len(stale)
	c.discard(slices.Collect(maps.Values(stale)), now)
	c.pending.add(now, func(at time.Time) { u.record.processed = at })
	c.live, c.open = u.items, nil
	return stale
}

// duplicates refuses an id twice in a page, and one that differs from an
// earlier page's in case only; the same id in a later page is a retry.
func (u *upload[T]) duplicates(entries []entry[T]) error {
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		earlier, ok := u.items[e.key]
		if seen[e.key] || ok && earlier.id != e.id {
			return bad("Duplicate id %q in upload", e.id)
		}
		seen[e.key] = true
	}
	return nil
}
