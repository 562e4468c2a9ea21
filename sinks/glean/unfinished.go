package glean

import (
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// unfinished is an upload that Glean has under way.
type unfinished struct {
	stream, id string
	since      time.Time // zero when Glean does not say
}

// underWay are the unfinished uploads of a status, in the order of publishing.
func underWay(s api.DatasourceStatus) []unfinished {
	var out []unfinished
	all := histories(s)
	for _, stream := range []string{streamUsers, streamGroups, streamMemberships, streamDocuments} {
		for _, b := range all[stream] {
			if b.Status == api.UploadActive {
				since, _ := time.Parse(time.RFC3339, b.StartTime)
				out = append(out, unfinished{stream, b.UploadID, since})
			}
		}
	}
	return out
}
