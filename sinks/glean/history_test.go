package glean

import (
	"net/http"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// stage is how far Glean has come with the last run's upload of a stream, and 99
// when it does not list it.
func (f *fixture) stage(stream string) component.UploadStage {
	f.t.Helper()
	h, err := (&session{sink: f.Sink}).History(f.t.Context())
	if err != nil || h.By != "Glean" {
		f.t.Fatal(h, err)
	}
	for _, u := range h.Uploads {
		if u.Stream == stream && u.ID == f.uploaded[stream] {
			return u.Stage
		}
	}
	return 99
}

// TestHistory: the uploads of a run by how far Glean has come with them.
func TestHistory(t *testing.T) {
	f := start(t, sandbox.Rules{IndexingTakes: time.Hour, StatusLags: time.Minute})
	if err := f.run(user("ann"), group("team", "user:default/ann"), doc("a")); err != nil {
		t.Fatal(err)
	}
	if len(f.uploaded) != 3 || f.uploaded["users"] == "" || f.uploaded["groups"] == "" || f.uploaded["documents"] == "" {
		t.Errorf("uploaded %v", f.uploaded)
	}
	for _, at := range []struct {
		later time.Duration
		want  component.UploadStage
	}{{0, 99}, {2 * time.Minute, component.UploadComplete}, {time.Hour, component.UploadProcessed}} {
		f.now = f.now.Add(at.later)
		for stream := range f.uploaded {
			if got := f.stage(stream); got != at.want {
				t.Errorf("%v later %s is at stage %d, want %d", at.later, stream, got, at.want)
			}
		}
	}
	h, err := f.read().History(t.Context())
	if err != nil || h.Counts["documents"] != 1 || h.Counts["users"] != 1 || len(h.Uploads) != 3 ||
		h.Uploads[0].Began.IsZero() || h.Uploads[0].State != "indexing completed" {
		t.Errorf("%+v, %v", h, err)
	}
	f.server.Fail(faults.Fault{Path: "/status", Status: http.StatusNotFound})
	if h, err := f.read().History(t.Context()); err == nil || h != nil {
		t.Errorf("without a status: %+v, %v", h, err)
	}
}
