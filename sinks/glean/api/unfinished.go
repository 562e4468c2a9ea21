package api

import (
	"time"
)

// Unfinished is an upload in progress in Glean.
type Unfinished struct {
	Stream, ID string
	Since      time.Time // zero when Glean does not say
}

// UnderWay are the unfinished uploads of a status, in the order of publishing.
func UnderWay(s DatasourceStatus) []Unfinished {
	var out []Unfinished
	all := Histories(s)
	for _, stream := range []string{StreamUsers, StreamGroups, StreamMemberships, StreamDocuments} {
		for _, b := range all[stream] {
			if b.Status == UploadActive {
				since, _ := time.Parse(time.RFC3339, b.StartTime)
				out = append(out, Unfinished{stream, b.UploadID, since})
			}
		}
	}
	return out
}
