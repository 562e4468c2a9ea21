package glean

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// session is one run's use of the sink.
type session struct {
	sink   *Sink
	schema *schema
	o      component.Opening
	tally  *tally

	mu      sync.Mutex // what stands below
	users   []heldUser // until Seal
	groups  []heldGroup
	named   map[string]int     // uploads that have an id, by stream
	uploads map[string]*upload // by their ids

	// Set by Seal and only read afterwards.
	people map[string]string // ref of a user → how Glean names it
	teams  map[string]string // ref of a group → its name
	gone   map[string]bool   // refs of users who are not active
	reach  map[string]bool   // names of groups that an active user is in

	// Set by Holds.
	discards map[string]bool // streams whose first page discards an unfinished upload
	notes    []string        // for the report, when something is sent
}

var (
	_ component.Session    = (*session)(nil)
	_ component.Identifier = (*session)(nil)
	_ component.Noter      = (*session)(nil)

	_ component.Preflighter = (*session)(nil)
	_ component.Preflighter = (*provisioning)(nil)
)

// ID is the id that a document would have.
func (s *session) ID(item *component.Item) string {
	for _, f := range item.Fields {
		if id, ok := f.Value.(string); ok && f.Name == "id" {
			return strings.ToLower(id)
		}
	}
	return ""
}

// Encode holds users and groups and makes documents.
func (s *session) Encode(item *component.Item) (e component.Encoded, kept bool, err error) {
	switch item.Stream {
	case streamUsers:
		return e, false, s.holdUser(item)
	case streamGroups:
		return e, false, s.holdGroup(item)
	case streamDocuments:
		e, err = s.document(item)
		return e, err == nil, err
	}
	return e, false, reject(item.Stream, "Glean has no such stream")
}

func reject(field, format string, args ...any) error {
	return fault.Reject("encode", field, format, args...)
}

// Holds checks that Glean's datasource is what the file says and that nobody
// else is uploading to it, and counts what it holds.
func (s *session) Holds(ctx context.Context) (component.Holdings, error) {
	if err := s.sink.agree(ctx); err != nil {
		return component.Holdings{}, err
	}
	status, err := s.sink.status(ctx)
	if code := statusOf(err); code == http.StatusNotFound || code == http.StatusGone || errors.Is(err, errShape) {
		return component.Holdings{Unsaid: err}, nil // the status is beta
	}
	if err != nil {
		return component.Holdings{}, &component.UnsaidError{Err: err}
	}
	if err := s.claim(underWay(status)); err != nil {
		return component.Holdings{}, err
	}
	h := holdings(status)
	h.History = history(status)
	h.Uploads = s.sink.uploadsOf(status, streamDocuments)
	return h, nil
}

// Preflight makes the checks of Holds and keeps nothing of them: by the time of
// publishing the answers may be others.
func (s *session) Preflight(ctx context.Context) error {
	_, err := s.Holds(ctx)
	s.discards, s.notes = map[string]bool{}, nil
	return err
}

// writes tells whether the run uploads a stream; memberships go with groups.
func (s *session) writes(stream string) bool {
	if stream == streamMemberships {
		stream = streamGroups
	}
	return s.o.Written(stream)
}

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

// Notes are the sentences about the whole run.
func (s *session) Notes() []string {
	notes := s.tally.notes(len(s.people) - len(s.gone))
	if s.schema.lender != "" {
		notes = append(notes, fmt.Sprintf("users and groups are those of the datasource %s: none are sent, and whom documents name is not looked up there", s.schema.lender))
	}
	return notes
}
