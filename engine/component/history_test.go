package component

import (
	"testing"
	"time"
)

// TestLatestUpload: Latest returns the most recent complete upload, regardless of the order of
// the list.
func TestLatestUpload(t *testing.T) {
	at := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	old := ListedUpload{Stream: "s", ID: "old", Began: at, Stage: UploadDeletionPaused}
	recent := ListedUpload{Stream: "s", ID: "new", Began: at.Add(time.Hour), Stage: UploadProcessed}
	open := ListedUpload{Stream: "s", ID: "open", Began: at.Add(2 * time.Hour), Stage: UploadOpen}
	other := ListedUpload{Stream: "t", ID: "other", Began: at.Add(2 * time.Hour), Stage: UploadComplete}
	for _, list := range [][]ListedUpload{{old, recent, open, other}, {other, open, recent, old}} {
		if got := (&UploadHistory{Uploads: list}).Latest("s"); got != UploadProcessed {
			t.Errorf("%v: %d", list, got)
		}
	}
	if got := (&UploadHistory{Uploads: []ListedUpload{open}}).Latest("s"); got != UploadOpen {
		t.Errorf("%d", got)
	}
}
