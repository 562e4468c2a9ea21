package sandbox

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// recentUploads is how many closed uploads of a stream a status lists.
const recentUploads = 50

func debugStatus(s *Server, datasource string, _ []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.source(datasource)
	if err != nil {
		return nil, err
	}
	now := s.options.Now()
	x.expire(s.options.Rules, now)
	seen := now.Add(-s.options.Rules.StatusLags)
	n := x.countedAt(seen.Add(-s.options.Rules.CountsLag))
	stream := func(name string, n int) api.StreamStatus {
		return api.StreamStatus{BulkUploadHistory: s.history(x, name, seen), Counts: api.StreamCounts{Uploaded: &n}}
	}
	return api.DatasourceStatus{
		Documents: api.DocumentsStatus{
			BulkUploadHistory: s.history(x, "documents", seen),
			Counts: api.DocumentCounts{
				Uploaded: n.documents,
				Indexed:  x.countTypes(func(e entry[document]) bool { return s.isIndexed(x, e, seen) }),
			},
			ProcessingHistory: processing(x.processed),
		},
		Identity: api.IdentityStatus{
			ProcessingHistory: processing(x.identities),
			Users:             stream("users", n.users),
			Groups:            stream("groups", n.groups),
			Memberships:       stream("memberships", n.memberships),
		},
		DatasourceVisibility: s.visibility(x),
	}, nil
}

// counted is how many of each there were at a moment.
type counted struct {
	at                         time.Time
	users, groups, memberships int
	documents                  []api.TypeCount
}

func (x *source) counts(now time.Time) counted {
	n := counted{at: now, users: len(x.users.live), groups: len(x.groups.live),
		documents: x.countTypes(func(entry[document]) bool { return true })}
	for _, c := range x.members {
		n.memberships += len(c.live)
	}
	return n
}

// count remembers the counts where a status lags.
func (x *source) count(r Rules, now time.Time) {
	if r.StatusLags+r.CountsLag > 0 {
		x.counted = append(x.counted, x.counts(now))
	}
}

// countedAt are the counts of a moment: those of now, when none were kept.
func (x *source) countedAt(seen time.Time) counted {
	for _, n := range slices.Backward(x.counted) {
		if !n.at.After(seen) {
			return n
		}
	}
	if len(x.counted) > 0 {
		return counted{documents: []api.TypeCount{}}
	}
	return x.counts(seen)
}

// history is the active and the recent uploads of a stream as they were seen,
// newest first.
func (s *Server) history(x *source, stream string, seen time.Time) []api.BulkUpload {
	var out []api.BulkUpload
	closed := 0
	for _, u := range slices.Backward(x.uploads) {
		ended := !u.Ended.IsZero() && !u.Ended.After(seen)
		if u.Stream != stream || u.Started.After(seen) || u.Discarded && !u.discarded.After(seen) || ended &&
			closed == recentUploads {
			continue
		}
		b := api.BulkUpload{UploadID: u.ID, StartTime: stamp(u.Started), EndTime: "NA", Status: api.UploadActive}
		switch {
		case !ended && u.Pages == 1:
			b.ProcessingState = api.StateUploadStarted
		case !ended:
			b.ProcessingState = api.StateUploadInProgress
		default:
			closed++
			b.EndTime, b.Status = stamp(u.Ended), api.UploadSuccessful
			b.ProcessingState = s.processing(x, u, seen)
		}
		out = append(out, b)
	}
	return out
}

func (s *Server) processing(x *source, u *Upload, seen time.Time) string {
	switch {
	case u.Paused > 0:
		return api.StateDeletionPaused
	case seen.Before(s.indexed(x, u.Ended)):
		return api.StateUploadCompleted
	}
	return api.StateIndexingCompleted
}

// isIndexed tells whether some version of a document was found at a moment.
func (s *Server) isIndexed(x *source, e entry[document], at time.Time) bool {
	return !s.indexed(x, time.Unix(e.since, 0)).After(at)
}

// countTypes counts the documents that some are of, by type.
func (x *source) countTypes(some func(entry[document]) bool) []api.TypeCount {
	n := map[string]int{}
	for _, e := range x.documents.live {
		if some(e) {
			n[e.value.objectType]++
		}
	}
	out := []api.TypeCount{}
	for _, t := range slices.Sorted(maps.Keys(n)) {
		out = append(out, api.TypeCount{ObjectType: t, Count: new(n[t])})
	}
	return out
}

var (
	debugDocumentShape  = shape{"objectType": text, "docId": text}
	debugDocumentsShape = shape{"debugDocuments": listOf(debugDocumentShape.check)}
	debugUserShape      = shape{"email": text}
	checkAccessShape    = shape{"datasource": text, "objectType": text, "docId": text, "userEmail": text}
)

func debugDocument(s *Server, datasource string, body []byte) (any, error) {
	var r api.DebugDocumentRequest
	if err := read(debugDocumentShape, body, &r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.source(datasource)
	if err != nil {
		return nil, err
	}
	return s.describe(x, r), nil
}

func debugDocuments(s *Server, datasource string, body []byte) (any, error) {
	var r api.DebugDocumentsRequest
	if err := read(debugDocumentsShape, body, &r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.source(datasource)
	if err != nil {
		return nil, err
	}
	var out api.DebugDocumentsResponse
	for _, d := range r.DebugDocuments {
		out.DocumentStatuses = append(out.DocumentStatuses, api.DebugDocumentsItem{DocID: d.DocID, ObjectType: d.ObjectType,
			DebugInfo: s.describe(x, d)})
	}
	return out, nil
}

// find looks a document up by id and type.
func (x *source) find(objectType, id string) (entry[document], bool) {
	e, ok := x.documents.live[strings.ToLower(id)]
	return e, ok && e.value.objectType == objectType
}

func (s *Server) describe(x *source, r api.DebugDocumentRequest) api.DebugDocumentResponse {
	e, ok := x.find(r.ObjectType, r.DocID)
	if !ok {
		return api.DebugDocumentResponse{Status: api.DocumentStatus{
			UploadStatus: api.NotUploaded, IndexingStatus: api.NotIndexed, PermissionIdentityStatus: api.StatusUnknown,
		}}
	}
	d := api.DebugDocumentResponse{UploadedPermissions: &e.value.permissions, Status: api.DocumentStatus{
		UploadStatus: api.Uploaded, LastUploadedAt: stamp(time.Unix(e.at, 0)), IndexingStatus: api.NotIndexed,
		PermissionIdentityStatus: api.Uploaded,
	}}
	if s.isIndexed(x, e, s.options.Now()) {
		d.Status.IndexingStatus = api.Indexed
		last := s.indexed(x, time.Unix(e.at, 0))
		if last.After(s.options.Now()) {
			last = s.indexed(x, time.Unix(e.since, 0)) // of the version before
		}
		d.Status.LastIndexedAt = stamp(last)
	}
	switch {
	case x.schema.config.IdentityDatasourceName != "":
		d.Status.PermissionIdentityStatus = api.StatusUnknown
	case x.unknown(e.value.permissions) != "":
		d.Status.PermissionIdentityStatus = api.NotUploaded
	}
	return d
}

func debugUser(s *Server, datasource string, body []byte) (any, error) {
	var r api.DebugUserRequest
	if err := read(debugUserShape, body, &r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.source(datasource)
	if err != nil {
		return nil, err
	}
	e, ok := x.identity().users.live[strings.ToLower(r.Email)]
	if !ok {
		return api.DebugUserResponse{Status: api.UserStatus{UploadStatus: api.NotUploaded}}, nil
	}
	out := api.DebugUserResponse{Status: api.UserStatus{
		IsActiveUser: e.value.IsActive == nil || *e.value.IsActive, UploadStatus: api.Uploaded,
		LastUploadedAt: stamp(time.Unix(e.at, 0)),
	}}
	a := x.access()
	groups := a.parents[api.Membership{MemberUserID: a.member(e.value)}]
	for _, g := range slices.Sorted(slices.Values(groups)) {
		out.UploadedGroups = append(out.UploadedGroups, api.Group{Name: g})
	}
	return out, nil
}

func checkDocumentAccess(s *Server, _ string, body []byte) (any, error) {
	var r api.CheckDocumentAccessRequest
	if err := read(checkAccessShape, body, &r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.source(r.Datasource)
	if err != nil {
		return nil, err
	}
	e, ok := x.find(r.ObjectType, r.DocID)
	visible := s.visibility(x) == api.VisibilityAll || x.testers[strings.ToLower(r.UserEmail)]
	return api.CheckDocumentAccessResponse{HasAccess: ok && visible && s.isIndexed(x, e, s.options.Now()) &&
		x.access().finder(r.UserEmail)(e.value.permissions)}, nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
