package upload

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// Publisher makes the uploads of one run.
type Publisher struct {
	client *api.Client
	cfg    *settings.Config
	clock  *Clock
	o      component.Opening

	mu      sync.Mutex         // of named and uploads
	named   map[string]int     // uploads that have an id, by stream
	uploads map[string]*upload // uploads in progress, by id

	// Set by claim.
	discards map[string]bool // streams whose first page discards an unfinished upload
	notes    []string        // for the report, when something is sent
}

// Requests are the requests of Publish: the uploads, the status to recover from a lost
// response, and the changes of single users, groups and documents.
func Requests(datasource string) []string {
	return []string{
		api.PathBulkIndexUsers, api.PathBulkIndexGroups, api.PathBulkIndexMemberships, api.PathBulkIndexDocuments,
		api.PathDebugStatus(datasource), api.PathUpdatePermissions, api.PathDeleteDocument, api.PathIndexDocuments,
		api.PathIndexUser, api.PathDeleteUser, api.PathIndexGroup, api.PathDeleteGroup, api.PathDebugDocuments(datasource),
	}
}

// New makes the publisher of a run.
func New(c *api.Client, cfg *settings.Config, clock *Clock, o component.Opening) *Publisher {
	return &Publisher{client: c, cfg: cfg, clock: clock, o: o,
		named: map[string]int{}, uploads: map[string]*upload{}, discards: map[string]bool{}}
}

// writes reports whether the run uploads a stream; memberships go with groups.
func (p *Publisher) writes(stream string) bool {
	if stream == api.StreamMemberships {
		stream = api.StreamGroups
	}
	return p.o.Written(stream)
}

// Forget drops what claim has found.
func (p *Publisher) Forget() { p.discards, p.notes = map[string]bool{}, nil }

// naming is how the datasource names users and groups.
func (p *Publisher) naming() encode.Naming {
	by := p.cfg.Datasource.IsUserReferencedByEmail
	return encode.Naming{ByEmail: by != nil && *by}
}

// newID gives an upload a new name: PIPELINE-STREAM-OWNER-RUN, with -2, -3 and so on
// appended for further uploads of the stream in the run.
func (p *Publisher) newID(u *upload) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.named[u.stream]++
	id := fmt.Sprintf("%s-%s-%s-%s", p.o.Pipeline, u.stream, p.o.Owner, p.o.RunID)
	if n := p.named[u.stream]; n > 1 {
		id += "-" + strconv.Itoa(n)
	}
	p.uploads[id] = u
	u.tried = append(u.tried, id)
	return id
}

// forgetIDs removes the ids of an upload that ended.
func (p *Publisher) forgetIDs(u *upload) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range u.tried {
		delete(p.uploads, id)
	}
}

// uploadOf returns the upload in progress with an id, or nil.
func (p *Publisher) uploadOf(id string) *upload {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.uploads[id]
}
