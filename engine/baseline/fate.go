package baseline

import (
	"time"

	"github.com/pipe-engine/pipe/engine/component"
)

// SettledAfter is the maximum age of a sink's list and counts.
const SettledAfter = 6 * time.Hour

// Fate is the state of an acknowledged upload according to the sink's list.
type Fate uint8

// The fates of an upload.
const (
	Unlisted  Fate = iota // the list may be too old or too short to contain it
	Confirmed             // the sink lists it as complete
	Lost                  // the sink does not have it
)

// Fate returns the state of the upload according to the sink's current list; h is nil without a
// list. The upload is lost in three cases: the list contains an earlier and a later upload but
// not this one; six hours later, the list contains only an earlier upload or the sink counts no
// items; or a list that must be recent shows the upload as incomplete. Later uploads alone
// prove nothing, since the list may be too short to contain this one.
func (u Upload) Fate(h *component.UploadHistory, now time.Time) Fate {
	if h == nil {
		return Unlisted
	}
	late := now.Sub(u.Ended) >= SettledAfter
	earlier, later := false, false
	for _, other := range h.Uploads {
		if other.Stream == u.Stream && other.ID != u.ID && !other.Began.IsZero() {
			earlier = earlier || other.Began.Before(u.Began)
			later = later || other.Began.After(u.Ended)
		}
	}
	n, counted := h.Counts[u.Stream]
	switch found := h.Find(u.Stream, u.ID); {
	case found != nil && found.Stage != component.UploadOpen:
		return Confirmed
	case found != nil && (later || late):
		return Lost
	case found != nil:
		return Unlisted
	case earlier && (later || late), late && counted && n == 0 && u.Items > 0:
		return Lost
	}
	return Unlisted
}
