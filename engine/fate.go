package engine

import (
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
)

// settled is how old a sink's list and counts may be.
const settled = 6 * time.Hour

// fate is what is known about an acknowledged upload.
type fate uint8

const (
	unknown   fate = iota // the list may be too old or too short to hold it
	confirmed             // the sink lists it as complete
	lost                  // the sink does not have it
)

// fateOf judges an acknowledged upload. It is lost when the list, which holds an
// earlier and a later one, passes it over; when an earlier one is all that is
// listed six hours later, or the sink counts nothing then; and when a list that
// must be recent shows it as not complete. Later uploads alone prove nothing,
// since the list may be too short to hold this one.
func fateOf(h *component.UploadHistory, u baseline.Upload, now time.Time) fate {
	if h == nil {
		return unknown
	}
	late := now.Sub(u.Ended) >= settled
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
		return confirmed
	case found != nil && (later || late):
		return lost
	case found != nil:
		return unknown
	case earlier && (later || late), late && counted && n == 0 && u.Items > 0:
		return lost
	}
	return unknown
}
