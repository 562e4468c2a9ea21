package operate

import (
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// History returns the uploads in a status. Uploads of memberships replace one group's
// members each and are left out.
func History(s api.DatasourceStatus) *component.UploadHistory {
	out := &component.UploadHistory{By: "Glean", Counts: api.Holdings(s).Streams}
	all := api.Histories(s)
	for _, stream := range []string{api.StreamUsers, api.StreamGroups, api.StreamDocuments} {
		for _, b := range all[stream] {
			out.Uploads = append(out.Uploads, component.ListedUpload{
				Stream: stream, ID: b.UploadID, Began: api.Moment(b.StartTime), Stage: stage(b),
				State: StateName(b.ProcessingState),
			})
		}
	}
	return out
}

// stage is how far Glean has come with an upload. One that is not listed as
// successful is open, whatever its processing state.
func stage(b api.BulkUpload) component.UploadStage {
	switch {
	case b.Status != api.UploadSuccessful:
		return component.UploadOpen
	case b.ProcessingState == api.StateDeletionPaused:
		return component.UploadDeletionPaused
	case b.ProcessingState == api.StateIndexingCompleted:
		return component.UploadProcessed
	}
	return component.UploadComplete
}

// StateName is a processing state for people.
func StateName(s string) string {
	switch s {
	case api.StateUnavailable, api.StateUploadStarted, api.StateUploadInProgress, api.StateUploadCompleted,
		api.StateDeletionPaused, api.StateIndexingCompleted:
		return strings.ToLower(s)
	}
	return "unknown state"
}
