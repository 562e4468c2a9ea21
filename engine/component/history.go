package component

import (
	"context"
	"slices"
	"time"
)

// Historian is the optional capability of a session to list uploads.
type Historian interface {
	// History returns the uploads that the sink lists; nil when it does not list them.
	History(ctx context.Context) (*UploadHistory, error)
}

// UploadHistory is a sink's list of uploads. It may be hours old and limited to recent uploads.
type UploadHistory struct {
	By      string // the sink's name
	Uploads []ListedUpload
	// Counts is the number of items of each stream, as far as the sink reports it.
	Counts map[string]int
}

// ListedUpload is an upload that replaces a whole stream.
type ListedUpload struct {
	Stream, ID string
	Began      time.Time // zero when it is not known
	Stage      UploadStage
	State      string // the sink's word for the stage
}

// UploadStage is how far the sink has processed an upload.
type UploadStage uint8

// The stages. The zero value is UploadOpen: an upload without a known stage confirms nothing.
const (
	UploadOpen           UploadStage = iota // not complete, as far as the sink reports
	UploadComplete                          // complete, but not processed yet
	UploadProcessed                         // everything in it can be found
	UploadDeletionPaused                    // processed, but what it does not hold is still there
)

// Find returns the upload with an id; nil when it is not listed.
func (h *UploadHistory) Find(stream, id string) *ListedUpload {
	if h == nil {
		return nil
	}
	i := slices.IndexFunc(h.Uploads, func(u ListedUpload) bool { return u.Stream == stream && u.ID == id })
	if i < 0 {
		return nil
	}
	return &h.Uploads[i]
}

// Latest returns the stage of a stream's most recent complete upload; UploadOpen when none is
// listed.
func (h *UploadHistory) Latest(stream string) UploadStage {
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
