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
	n, indexed := x.countedAt(seen.Add(-s.options.Rules.CountsLag)), x.countedAt(seen).indexed
	stream := func(name string, n int) api.StreamStatus {
		return api.StreamStatus{BulkUploadHistory: x.history(name, seen), Counts: api.StreamCounts{Uploaded: &n}}
	}
	return api.DatasourceStatus{
		Documents: api.DocumentsStatus{
			BulkUploadHistory: x.history("documents", seen),
			Counts: api.DocumentCounts{
				Uploaded: n.documents,
				Indexed:  indexed,
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
	documents, indexed         []api.TypeCount
}

func (x *source) counts(now time.Time) counted {
	n := counted{at: now, users: len(x.users.live), groups: len(x.groups.live),
		documents: countTypes(x.documents.live), indexed: countTypes(x.documents.effective)}
	for _, c := range x.members {
		n.memberships += len(c.live)
	}
	return n
}

// count keeps the counts for a lagging status.
func (x *source) count(r Rules, now time.Time) {
	if r.StatusLags+r.CountsLag > 0 {
		x.counted = append(x.counted, x.counts(now))
	}
}

// countedAt returns the counts of a moment, or the current ones if none were kept.
func (x *source) countedAt(seen time.Time) counted {
	for _, n := range slices.Backward(x.counted) {
		if !n.at.After(seen) {
			return n
		}
	}
	if len(x.counted) > 0 {
		return counted{documents: []api.TypeCount{}, indexed: []api.TypeCount{}}
	}
	return x.counts(seen)
}

// history is the active and the recent uploads of a stream as they were seen,
// newest first.
func (x *source) history(stream string, seen time.Time) []api.BulkUpload {
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
			b.ProcessingState = u.processing(seen)
		}
		out = append(out, b)
	}
	return out
}

func (u *Upload) processing(seen time.Time) string {
	switch {
	case u.Paused > 0:
		return api.StateDeletionPaused
	case u.processed.IsZero() || seen.Before(u.processed):
		return api.StateUploadCompleted
	}
	return api.StateIndexingCompleted
}

// countTypes counts documents by type.
func countTypes(documents map[string]entry[document]) []api.TypeCount {
	n := map[string]int{}
	for _, e := range documents {
		n[e.value.objectType]++
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

// find returns a received document by id and type.
func (x *source) find(objectType, id string) (entry[document], bool) {
	return x.findIn(told, objectType, id)
}

func (x *source) findIn(s state, objectType, id string) (entry[document], bool) {
	e, ok := x.documents.in(s)[strings.ToLower(id)]
	return e, ok && e.value.objectType == objectType
}

// describe reports a document as received and as indexed. A deleted document is present
// until its deletion takes effect.
func (s *Server) describe(x *source, r api.DebugDocumentRequest) api.DebugDocumentResponse {
	d := api.DebugDocumentResponse{Status: api.DocumentStatus{
		UploadStatus: api.NotUploaded, IndexingStatus: api.NotIndexed, PermissionIdentityStatus: api.StatusUnknown,
	}}
	indexed, found := x.findIn(inEffect, r.ObjectType, r.DocID)
	if found {
		d.Status.IndexingStatus, d.Status.LastIndexedAt = api.Indexed, stamp(indexed.indexed)
	}
	e, ok := x.find(r.ObjectType, r.DocID)
	if !ok {
		if !found || s.options.Rules.DeletedIsNotUploaded {
			return d
		}
		e = indexed
	}
	d.UploadedPermissions = &e.value.permissions
	d.Status.UploadStatus, d.Status.LastUploadedAt = api.Uploaded, stamp(e.at)
	d.Status.PermissionIdentityStatus = api.Uploaded
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
		LastUploadedAt: stamp(e.at),
	}}
	a := x.access(told)
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
	e, ok := x.findIn(inEffect, r.ObjectType, r.DocID)
	visible := s.visibility(x) == api.VisibilityAll || x.testers[strings.ToLower(r.UserEmail)]
	return api.CheckDocumentAccessResponse{HasAccess: ok && visible &&
		x.access(inEffect).finder(r.UserEmail)(e.value.permissions)}, nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
