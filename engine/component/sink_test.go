package component

import (
	"testing"
	"time"
)

// TestUploadText: the text of an upload contains its start when that is known.
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
