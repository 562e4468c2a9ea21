package baseline

import (
	"slices"
	"time"
)

// Upload is a complete upload that the sink has acknowledged.
type Upload struct {
	Stream string    `json:"stream"`
	ID     string    `json:"id"`
	Run    string    `json:"run"`
	Items  int       `json:"items"`
	Began  time.Time `json:"began"` // when its run began to send
	Ended  time.Time `json:"ended"` // when its last page was acknowledged
}

// Amend rewrites the header of the last good run and keeps its entries. It does nothing without
// an intact baseline. The caller holds the lock.
func (s *Store) Amend(change func(*Header)) error {
	snap, err := s.Load()
	if err != nil || snap.Condition != Intact {
		return err
	}
	defer snap.Close()
	h := snap.Header
	h.Unconfirmed, h.Paused = slices.Clone(h.Unconfirmed), slices.Clone(h.Paused)
	change(&h)
	w, err := s.Create(h)
	if err != nil {
		return err
	}
	for e, err := range snap.Entries() {
		if err != nil {
			w.Abort()
			return err
		}
		w.Add(e)
	}
	return w.Commit()
}
