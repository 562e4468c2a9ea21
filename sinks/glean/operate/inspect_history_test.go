package operate_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestHistory: the uploads of a run by how far Glean has come with them.
func TestHistory(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{DocumentsTake: time.Hour, IdentitiesTake: time.Hour, StatusLags: time.Minute})
	if err := f.Run(gleantest.User("ann"), gleantest.Group("team", "user:default/ann"), gleantest.Doc("a")); err != nil {
		t.Fatal(err)
	}
	if len(f.Uploaded) != 3 || f.Uploaded["users"] == "" || f.Uploaded["groups"] == "" || f.Uploaded["documents"] == "" {
		t.Errorf("uploaded %v", f.Uploaded)
	}
	for _, at := range []struct {
		later time.Duration
		want  component.UploadStage
	}{{0, 99}, {2 * time.Minute, component.UploadComplete}, {time.Hour, component.UploadProcessed}} {
		f.Time = f.Time.Add(at.later)
		for stream := range f.Uploaded {
			if got := f.Stage(stream); got != at.want {
				t.Errorf("%v later %s is at stage %d, want %d", at.later, stream, got, at.want)
			}
		}
	}
	h, err := f.Read().History(t.Context())
	if err != nil || h.Counts["documents"] != 1 || h.Counts["users"] != 1 || len(h.Uploads) != 3 ||
		h.Uploads[0].Began.IsZero() || h.Uploads[0].State != "indexing completed" {
		t.Errorf("%+v, %v", h, err)
	}
	f.Server.Fail(faults.Fault{Path: "/status", Status: http.StatusNotFound})
	if h, err := f.Read().History(t.Context()); err == nil || h != nil {
		t.Errorf("without a status: %+v, %v", h, err)
	}
}
