package baseline

import (
	"time"

	"github.com/pipe-engine/pipe/engine/component"
)

// SettledAfter is how old a sink's list and counts may be.
const SettledAfter = 6 * time.Hour

// Fate is what a sink's list tells about an acknowledged upload.
type Fate uint8

// The fates of an upload.
const (
	Unlisted  Fate = iota // the list may be too old or too short to hold it
	Confirmed             // the sink lists it as complete
	Lost                  // the sink does not have it
)

// Fate judges the upload by what the sink lists now, nil for no list. It is lost when the list, which holds an
// earlier and a later one, passes it over; when an earlier one is all that is
// listed six hours later, or the sink counts nothing then; and when a list that
// must be recent shows it as not complete. Later uploads alone prove nothing,
// since the list may be too short to hold this one.
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
