package engine

import (
	"context"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/state"
)

// Historian is the optional ability of a session to list uploads.
type Historian interface {
	// History lists what the sink says about uploads; nil when it does not say.
	History(ctx context.Context) (*UploadHistory, error)
}

// UploadHistory is a sink's list of uploads. It may be hours old, and may be
// bounded to the most recent ones.
type UploadHistory struct {
	By      string // the sink's name
	Uploads []ListedUpload
	// Counts is how many items of each stream the sink counts, as far as it says.
	Counts map[string]int
}

// ListedUpload is an upload that replaces a whole stream.
type ListedUpload struct {
	Stream, ID string
	Began      time.Time // zero when it is not known
	Stage      UploadStage
	State      string // the sink's word for the stage
}

// UploadStage is how far the sink has come with an upload.
type UploadStage uint8

// The stages. The first is the zero value: an upload without a known stage
// confirms nothing.
const (
	UploadOpen           UploadStage = iota // not complete, as far as the sink says
	UploadComplete                          // complete, and not processed yet
	UploadProcessed                         // everything in it can be found
	UploadDeletionPaused                    // processed, but what it does not hold is still there
)

// settled is how old a sink's list and counts may be.
const settled = 6 * time.Hour

// find is the upload with an id, nil when it is not listed.
func (h *UploadHistory) find(stream, id string) *ListedUpload {
	if h == nil {
		return nil
	}
	i := slices.IndexFunc(h.Uploads, func(u ListedUpload) bool { return u.Stream == stream && u.ID == id })
	if i < 0 {
		return nil
	}
	return &h.Uploads[i]
}

// latest is the stage of a stream's most recent complete upload; UploadOpen when
// none is listed.
func (h *UploadHistory) latest(stream string) UploadStage {
	var last ListedUpload
	if h != nil {
		for _, u := range h.Uploads {
			if u.Stream == stream && u.Stage != UploadOpen && (last.ID == "" || u.Began.After(last.Began)) {
				last = u
			}
		}
	}
	return last.Stage
}

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
func (h *UploadHistory) fateOf(u state.Upload, now time.Time) fate {
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
	switch found := h.find(u.Stream, u.ID); {
	case found != nil && found.Stage != UploadOpen:
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
