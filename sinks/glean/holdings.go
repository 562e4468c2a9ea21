package glean

import (
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// holdings is what a status says. A stream is known when its own count is there
// and can be one; where documents are counted, people and groups that are not
// are none. Memberships are counted in rows.
func holdings(s api.DatasourceStatus) component.Holdings {
	h := component.Holdings{Streams: map[string]int{}, Types: map[string]map[string]int{}}
	for stream, n := range map[string]*int{streamUsers: s.Identity.Users.Counts.Uploaded, streamGroups: s.Identity.Groups.Counts.Uploaded, streamMemberships: s.Identity.Memberships.Counts.Uploaded} {
		switch {
		case n != nil && *n < 0: // nonsense, as good as unknown
		case n != nil:
			h.Streams[stream] = *n
		case s.Documents.Counts.Uploaded != nil:
			h.Streams[stream] = 0
		}
	}
	if s.Documents.Counts.Uploaded == nil {
		return h
	}
	types, total := map[string]int{}, 0
	for _, c := range s.Documents.Counts.Uploaded {
		if c.Count == nil || *c.Count < 0 || total+*c.Count < total {
			return h
		}
		types[c.ObjectType] += *c.Count
		total += *c.Count
	}
	h.Streams[streamDocuments], h.Types[streamDocuments] = total, types
	return h
}

// histories are the uploads that a status lists, by stream.
func histories(s api.DatasourceStatus) map[string][]api.BulkUpload {
	return map[string][]api.BulkUpload{
		streamUsers: s.Identity.Users.BulkUploadHistory, streamGroups: s.Identity.Groups.BulkUploadHistory,
		streamMemberships: s.Identity.Memberships.BulkUploadHistory, streamDocuments: s.Documents.BulkUploadHistory,
	}
}

// unused reports whether a datasource is new: no count of any stream, or zero, and
// no upload in any history.
func unused(s api.DatasourceStatus) bool {
	for _, n := range holdings(s).Streams {
		if n > 0 {
			return false
		}
	}
	for _, uploads := range histories(s) {
		if len(uploads) > 0 {
			return false
		}
	}
	return true
}
