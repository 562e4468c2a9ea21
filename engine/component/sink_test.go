package component

import (
	"testing"
	"time"
)

// TestUploadText: an upload is named with its start when the sink says it.
func TestUploadText(t *testing.T) {
	u := Upload{Stream: "documents", ID: "u"}
	if got := u.String(); got != "the upload of documents u" {
		t.Error(got)
	}
	u.Began = time.Date(2026, 1, 2, 3, 4, 0, 0, time.Local)
	if got := u.String(); got != "the upload of documents u, begun 2026-01-02 03:04" {
		t.Error(got)
	}
}
