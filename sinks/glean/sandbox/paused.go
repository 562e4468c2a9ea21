package sandbox

import (
	"maps"
	"slices"
	"time"
)

// pause is a deletion that is paused.
type pause[T any] struct {
	record *Upload
	stale  map[string]entry[T]
}

// FinishDeletions deletes what the paused deletions of a datasource are about, as Glean does after
// seven days or when its support is asked to. Items that were uploaded again since stay.
func (s *Server) FinishDeletions(datasource string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.source(datasource)
	if err != nil {
		return err
	}
	now := s.options.Now()
	x.documents.finish(now)
	x.forgetUsers(x.users.finish(now), now)
	x.forgetGroups(x.groups.finish(now), now)
	x.count(s.options.Rules, now)
	return nil
}

// finish ends the pause of a collection and returns what it deleted.
func (c *collection[T]) finish(now time.Time) map[string]entry[T] {
	gone := map[string]entry[T]{}
	if c.paused == nil {
		return gone
	}
	for k, e := range c.paused.stale {
		if l, there := c.live[k]; there && l.at.Equal(e.at) && l.version == e.version {
			gone[k] = e
			delete(c.live, k)
		}
	}
	c.paused.record.Paused, c.paused.record.Deleted = 0, len(gone)
	c.paused = nil
	c.discard(slices.Collect(maps.Values(gone)), now)
	return gone
}
