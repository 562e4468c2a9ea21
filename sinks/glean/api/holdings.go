package api

import (
	"github.com/pipe-engine/pipe/engine/component"
)

// Holdings returns the counts of a status. A stream is known when its count is present and
// plausible. If documents are counted, absent counts of users and groups are zero.
// Memberships are counted in rows.
func Holdings(s DatasourceStatus) component.Holdings {
	h := component.Holdings{Streams: map[string]int{}, Types: map[string]map[string]int{}}
	for stream, n := range map[string]*int{StreamUsers: s.Identity.Users.Counts.Uploaded,
		StreamGroups: s.Identity.Groups.Counts.Uploaded, StreamMemberships: s.Identity.Memberships.Counts.Uploaded} {
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
	h.Streams[StreamDocuments], h.Types[StreamDocuments] = total, types
	return h
}

// Histories are the uploads that a status lists, by stream.
func Histories(s DatasourceStatus) map[string][]BulkUpload {
	return map[string][]BulkUpload{
		StreamUsers: s.Identity.Users.BulkUploadHistory, StreamGroups: s.Identity.Groups.BulkUploadHistory,
		StreamMemberships: s.Identity.Memberships.BulkUploadHistory, StreamDocuments: s.Documents.BulkUploadHistory,
	}
}

// Unused reports whether a datasource is new: no count of any stream, or zero, and
// no upload in any history.
func Unused(s DatasourceStatus) bool {
	for _, n := range Holdings(s).Streams {
		if n > 0 {
			return false
		}
	}
	for _, uploads := range Histories(s) {
		if len(uploads) > 0 {
			return false
		}
	}
	return true
}
