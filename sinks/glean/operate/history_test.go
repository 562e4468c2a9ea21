package operate

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// TestStage: only an upload that is listed as successful is complete.
func TestStage(t *testing.T) {
	for _, tc := range []struct {
		status, state string
		want          component.UploadStage
	}{
		{api.UploadActive, api.StateUploadInProgress, component.UploadOpen},
		{api.UploadActive, api.StateIndexingCompleted, component.UploadOpen},
		{"", api.StateIndexingCompleted, component.UploadOpen},
		{api.UploadSuccessful, api.StateUnavailable, component.UploadComplete},
		{api.UploadSuccessful, "SOMETHING NEW", component.UploadComplete},
		{api.UploadSuccessful, api.StateUploadCompleted, component.UploadComplete},
		{api.UploadSuccessful, api.StateIndexingCompleted, component.UploadProcessed},
		{api.UploadSuccessful, api.StateDeletionPaused, component.UploadDeletionPaused},
	} {
		if got := stage(api.BulkUpload{Status: tc.status, ProcessingState: tc.state}); got != tc.want {
			t.Errorf("%s, %s: %d, want %d", tc.status, tc.state, got, tc.want)
		}
	}
}

// TestOtherWriters: who else writes to the datasource, by the ids of its uploads.
func TestOtherWriters(t *testing.T) {
	k := &Operator{Client: &api.Client{Redactor: &redact.Redactor{}}}
	const run, mine, other = "01ARZ3NDEKTSV4RRFFQ69G5FAV", "0123456789abcdef", "fedcba9876543210"
	for id, want := range map[string]string{
		"pipe-documents-" + run:                           "",
		"pipe-documents-" + mine + "-" + run + "-2":       "",
		"pipe-documents-" + other + "-" + run:             "pipeline pipe with the state folder of owner " + other,
		"pipe-documents-copy-documents-" + run:            "pipeline pipe-documents-copy",
		"pipe-copy-documents-" + other + "-" + run + "-3": "pipeline pipe-copy with the state folder of owner " + other,
		"theirs": "another program, upload theirs",
	} {
		var s api.DatasourceStatus
		s.Documents.BulkUploadHistory = []api.BulkUpload{{UploadID: id}, {UploadID: id}}
		got := k.otherWriters(s, component.Opening{Pipeline: "pipe", Owner: mine})
		if strings.Join(got, "; ") != want {
			t.Errorf("%s: %q", id, got)
		}
	}
}
