package glean

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/oklog/ulid/v2"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// session is one run's use of the sink.
type session struct {
	sink   *Sink
	schema *schema
	o      engine.Opening
	tally  *tally

	mu     sync.Mutex // held identities, until Seal
	users  []heldUser
	groups []heldGroup

	// Set by Seal and only read afterwards.
	people map[string]string // ref of a user → how Glean names it
	teams  map[string]string // ref of a group → its name

	held       engine.Holdings     // set by Holds
	unfinished map[string][]string // ids of uploads that Glean had under way, by stream
}

var (
	_ engine.Session = (*session)(nil)
	_ engine.Noter   = (*session)(nil)
)

// Encode holds users and groups and makes documents.
func (s *session) Encode(item *engine.Item) (e engine.Encoded, kept bool, err error) {
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
	return engine.Reject("encode", field, format, args...)
}

// Holds checks that Glean's datasource is what the file says and that nobody
// else is uploading to it, and counts what it holds.
func (s *session) Holds(ctx context.Context) (engine.Holdings, error) {
	if err := s.sink.agree(ctx); err != nil {
		return engine.Holdings{}, err
	}
	status, err := s.sink.status(ctx)
	if code := statusOf(err); code == http.StatusNotFound || code == http.StatusGone || errors.Is(err, errShape) {
		return engine.Holdings{}, nil // the status is beta; what it would say is unknown
	}
	if err != nil {
		return engine.Holdings{}, err
	}
	s.unfinished = activeUploads(status)
	for _, stream := range []string{streamUsers, streamGroups, streamMemberships, streamDocuments} {
		if !s.writes(stream) {
			continue
		}
		if _, err := s.restarts(stream, s.unfinished[stream]); err != nil {
			return engine.Holdings{}, err
		}
	}
	s.held = holdings(status)
	return s.held, nil
}

// writes tells whether the run uploads a stream; memberships go with groups.
func (s *session) writes(stream string) bool {
	if stream == streamMemberships {
		stream = streamGroups
	}
	return s.o.Written(stream)
}

// holdings is what a status says. A stream is known when its own count is there;
// where documents are counted, people and groups that are not are none.
// Memberships are counted in rows.
func holdings(s api.DatasourceStatus) engine.Holdings {
	h := engine.Holdings{Streams: map[string]int{}, Types: map[string]map[string]int{}}
	for stream, n := range map[string]*int{streamUsers: s.Identity.Users.Counts.Uploaded, streamGroups: s.Identity.Groups.Counts.Uploaded, streamMemberships: s.Identity.Memberships.Counts.Uploaded} {
		switch {
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
		if c.Count == nil {
			return h
		}
		types[c.ObjectType] += *c.Count
		total += *c.Count
	}
	h.Streams[streamDocuments], h.Types[streamDocuments] = total, types
	return h
}

// activeUploads are the ids of unfinished uploads by stream.
func activeUploads(s api.DatasourceStatus) map[string][]string {
	out := map[string][]string{}
	for stream, uploads := range histories(s) {
		for _, u := range uploads {
			if u.Status == api.UploadActive {
				out[stream] = append(out[stream], u.UploadID)
			}
		}
	}
	return out
}

func histories(s api.DatasourceStatus) map[string][]api.BulkUpload {
	return map[string][]api.BulkUpload{
		streamUsers: s.Identity.Users.BulkUploadHistory, streamGroups: s.Identity.Groups.BulkUploadHistory,
		streamMemberships: s.Identity.Memberships.BulkUploadHistory, streamDocuments: s.Documents.BulkUploadHistory,
	}
}

// uploadID is a new name for an upload: PIPELINE-STREAM-ULID.
func (s *session) uploadID(stream string) string {
	return fmt.Sprintf("%s-%s-%s", s.o.Pipeline, stream, ulid.Make())
}

// ours tells whether an upload of a stream is one of this pipeline's.
func (s *session) ours(stream, id string) bool {
	rest, ok := strings.CutPrefix(id, s.o.Pipeline+"-"+stream+"-")
	_, err := ulid.ParseStrict(rest)
	return ok && err == nil
}

// restarts tells whether unfinished uploads of a stream have to be discarded,
// which it refuses when one is somebody else's.
func (s *session) restarts(stream string, active []string) (bool, error) {
	for _, id := range active {
		if !s.ours(stream, id) {
			return false, engine.Errorf(engine.Fatal, "wait until it has ended, or end what has begun it: Glean takes one upload at a time, and discarding it would lose what it sent",
				"an upload of %s to datasource %q that is not of this pipeline is not finished: %s", stream, s.schema.name, s.sink.foreign(id))
		}
	}
	return len(active) > 0, nil
}

// Notes are the sentences about the whole run.
func (s *session) Notes() []string { return s.tally.notes(len(s.people)) }
