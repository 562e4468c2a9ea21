package glean

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// What a probe makes.
const (
	probeDocuments = 3
	probeNobody    = probeName + "nobody" // is never uploaded
)

var probeGroups = [2]string{probeName + "a", probeName + "b"}

func probeID(n int) string { return fmt.Sprintf("%s%d", probeName, n) }

func (p *probe) url(n int) string {
	return strings.TrimRight(p.cfg.Datasource.HomeURL, "/") + "/" + probeID(n)
}

// doc is the document of a number with an id and permissions.
func (p *probe) doc(n int, id string, permissions api.Permissions) api.Document {
	return api.Document{Datasource: p.schema.name, ID: id, ObjectType: p.typ, Title: "A document of pipe doctor --probe", ViewURL: p.url(n),
		Body: &api.Content{MimeType: plainText, TextContent: "It is taken away again."}, Permissions: &permissions}
}

func groups(names ...string) api.Permissions { return api.Permissions{AllowedGroups: names} }

// people are permissions for the two users.
func (p *probe) people() api.Permissions {
	var out api.Permissions
	for _, email := range p.users {
		out.AllowedUsers = append(out.AllowedUsers, p.reference(email))
	}
	return out
}

func (p *probe) reference(email string) api.UserReference {
	if p.schema.byEmail {
		return api.UserReference{Email: email}
	}
	return api.UserReference{DatasourceUserID: email}
}

func (p *probe) member(email string) []api.Membership { return []api.Membership{{MemberUserID: email}} }

// page is the envelope of a page of an upload.
func (p *probe) page(id string, first, last, force bool) api.Page {
	return api.Page{UploadID: id, Datasource: p.schema.name, IsFirstPage: first, IsLastPage: last, ForceRestartUpload: force}
}

// newUpload is the id of another upload.
func (p *probe) newUpload() string {
	p.named++
	return fmt.Sprintf("%s%s-%d", probeName, p.o.RunID, p.named)
}

func documentsPage(page api.Page, docs ...api.Document) api.BulkIndexDocumentsRequest {
	return api.BulkIndexDocumentsRequest{Page: page, Documents: docs}
}

func (p *probe) document(ctx context.Context, id string) (d api.DebugDocumentResponse, err error) {
	return d, p.get(ctx, api.PathDebugDocument(p.schema.name), api.DebugDocumentRequest{ObjectType: p.typ, DocID: id}, &d)
}

// finds tells whether a user finds a document.
func (p *probe) finds(ctx context.Context, email string, n int) (bool, error) {
	var a api.CheckDocumentAccessResponse
	err := p.get(ctx, api.PathCheckDocumentAccess, api.CheckDocumentAccessRequest{Datasource: p.schema.name, ObjectType: p.typ, DocID: probeID(n), UserEmail: email}, &a)
	return a.HasAccess, err
}

// leastWait is how long is waited at least for what may not come at all.
const leastWait = 2 * time.Second

// until looks again and again until something is so, for at most a time, and
// never beyond the probe's own; took is how long that was, when it came.
func (p *probe) until(ctx context.Context, most time.Duration, so func() (bool, error)) (took seconds, err error) {
	began := p.now()
	ends := began.Add(most)
	if ends.After(p.ends) {
		ends = p.ends
	}
	for delay := time.Second; ; delay = min(2*delay, 15*time.Second) {
		is, err := so()
		if err != nil || is {
			return seconds{p.now().Sub(began), is}, err
		}
		left := ends.Sub(p.now())
		if left <= 0 {
			return seconds{}, nil
		}
		if err := p.sleep(ctx, min(delay, left)); err != nil {
			return seconds{}, err
		}
	}
}

// indexed tells whether a document is indexed.
func (p *probe) indexed(ctx context.Context, id string) func() (bool, error) {
	return func() (bool, error) {
		d, err := p.document(ctx, id)
		return d.Status.IndexingStatus == api.Indexed, err
	}
}

// cleaning is how long taking away may take.
const cleaning = time.Minute

// clean takes away all that a probe makes: members, documents with whatever
// upload is unfinished, groups, users.
func (p *probe) clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cleaning)
	defer cancel()
	var left []error
	send := func(path string, in any) {
		if status, reason, err := p.post(ctx, path, in); err != nil {
			left = append(left, err)
		} else if status != http.StatusOK {
			left = append(left, fmt.Errorf("POST %s: %d: %s", p.conn.Path(path), status, reason))
		}
	}
	for _, g := range probeGroups { // they must be there for their uploads to be ended
		send(api.PathIndexGroup, api.IndexGroupRequest{Datasource: p.schema.name, Group: api.Group{Name: g}})
		send(api.PathBulkIndexMemberships, api.BulkIndexMembershipsRequest{Page: p.page(p.newUpload(), true, true, true), Group: g})
	}
	send(api.PathBulkIndexDocuments, api.BulkIndexDocumentsRequest{Page: p.page(p.newUpload(), true, true, true), Documents: []api.Document{}, DisableStaleDocumentDeletionCheck: true})
	for _, g := range probeGroups {
		send(api.PathDeleteGroup, api.DeleteGroupRequest{Datasource: p.schema.name, GroupName: g})
	}
	for _, email := range p.users {
		send(api.PathDeleteUser, api.DeleteUserRequest{Datasource: p.schema.name, Email: email})
	}
	if len(left) == 0 {
		return nil
	}
	return engine.Errorf(engine.Permanent, "run the probe again, which begins with taking away what another one left; everything of it begins with "+probeName,
		"the probe could not take away all that it made: %w", errors.Join(left...))
}
