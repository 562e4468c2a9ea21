package sandbox

import (
	"net/http"
	"time"
)

// entry is one stored thing. Keys are what the server compares, ids what it was
// given; ids of users and documents are compared without regard to case.
type entry[T any] struct {
	key, id string
	at      int64 // when it was uploaded last, epoch seconds
	since   int64 // when it was uploaded first, since it is there
	version int64
	value   T
}

// collection is what one upload replaces: the live set, and at most one open
// upload.
type collection[T any] struct {
	live map[string]entry[T]
	open *upload[T]
}

type upload[T any] struct {
	record *Upload
	before int // size of the live set when it began
	items  map[string]entry[T]
}

// staleShare is the share of a live set above which its deletion is paused.
const staleShare = 0.20

// take does one page. removed are the entries that the end of an upload
// deleted. A page that is refused changes nothing.
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
	for _, e := range entries {
		e.at, e.since = now.Unix(), now.Unix()
		if old, known := c.live[e.key]; known {
			e.since = old.since
		}
		u.items[e.key] = e
		if r.VisibleBeforeLastPage {
			c.live[e.key] = e
		}
	}
	if p.IsLastPage {
		removed = c.close(guarded && !p.unguarded, now)
		if p.stream == "documents" {
			ended(x, u.items, removed, now)
		}
	}
	return removed, nil
}

// drop forgets the open upload when its record is u.
func (c *collection[T]) drop(u *Upload) {
	if c.open != nil && c.open.record == u {
		c.open = nil
	}
}

// close makes the open upload the live set, less or with what it lacks.
func (c *collection[T]) close(guarded bool, now time.Time) map[string]entry[T] {
	u := c.open
	stale := map[string]entry[T]{}
	for k, e := range c.live {
		if _, kept := u.items[k]; !kept {
			stale[k] = e
		}
	}
	u.record.Items, u.record.Ended = len(u.items), now
	if guarded && float64(len(stale)) > staleShare*float64(u.before) {
		u.record.Paused = len(stale)
		for k, e := range stale {
			u.items[k] = e
		}
		stale = nil
	}
	u.record.Deleted = len(stale)
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
