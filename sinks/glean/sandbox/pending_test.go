package sandbox_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// delayed is a server in which changes of documents take effect after 10 minutes, those
// of identities after an hour. In effect are ann in the group cards, and the documents 1,
// of cards, and 2, of all users.
func delayed(t *testing.T, r sandbox.Rules) (*client, *clock) {
	t.Helper()
	now := newClock()
	r.DocumentsTake, r.IdentitiesTake = 10*time.Minute, time.Hour
	c := start(t, sandbox.Options{Now: now.Now, Rules: r})
	c.putUsers(user("ann@x"))
	c.putGroups("cards")
	c.putMembers("cards", "ann@x")
	c.must(api.PathBulkIndexDocuments, c.documents(whole("d"), cards("1"), docs("2")[0]), nil)
	now.pass(time.Hour)
	return c, now
}

func cards(id string) api.Document { return doc(id, api.Permissions{AllowedGroups: []string{"cards"}}) }

// finds lists who finds what: "1: ann@x; 2: ann@x bob@x".
func finds(i sandbox.Index) string {
	var out []string
	for id := range i.Documents {
		out = append(out, id+": "+strings.Join(i.WhoFinds(id), " "))
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

const (
	documents  = "documents"
	identities = "identities"
)

// TestDelays: every kind of change is received immediately and takes effect after its delay,
// or when processing of its kind, not of the other, is requested.
func TestDelays(t *testing.T) {
	deleteOf := func(id string) api.DeleteDocumentRequest {
		return api.DeleteDocumentRequest{Datasource: "backstage", ObjectType: "component", ID: id}
	}
	member := api.GroupMembership{GroupName: "cards", Membership: api.Membership{MemberUserID: "ann@x"}}
	inactive := user("ann@x")
	inactive.IsActive = no()
	const before = "1: ann@x; 2: ann@x"
	for name, tc := range map[string]struct {
		kind string
		do   func(c *client)
		told string
	}{
		"bulkindexdocuments": {documents, func(c *client) {
			r := c.documents(whole("e"), docs("3")...)
			r.DisableStaleDocumentDeletionCheck = true
			c.must(api.PathBulkIndexDocuments, r, nil)
		}, "3: ann@x"},
		"indexdocument": {documents, func(c *client) {
			c.must(api.PathIndexDocument, api.IndexDocumentRequest{Document: docs("3")[0]}, nil)
		}, "1: ann@x; 2: ann@x; 3: ann@x"},
		"indexdocuments": {documents, func(c *client) {
			c.must(api.PathIndexDocuments, api.IndexDocumentsRequest{Datasource: "backstage",
				Documents: docs("3", "4")}, nil)
		}, "1: ann@x; 2: ann@x; 3: ann@x; 4: ann@x"},
		"updatepermissions": {documents, func(c *client) {
			c.must(api.PathUpdatePermissions, api.UpdatePermissionsRequest{Datasource: "backstage", ObjectType: "component",
				ID: "2"}, nil)
		}, "1: ann@x; 2: "},
		"deletedocument": {documents, func(c *client) {
			c.must(api.PathDeleteDocument, deleteOf("2"), nil)
		}, "1: ann@x"},
		"bulkindexusers":       {identities, func(c *client) { c.putUsers(user("bob@x")) }, "1: ; 2: bob@x"},
		"bulkindexgroups":      {identities, func(c *client) { c.putGroups("others") }, "1: ; 2: ann@x"},
		"bulkindexmemberships": {identities, func(c *client) { c.putMembers("cards") }, "1: ; 2: ann@x"},
		"indexuser": {identities, func(c *client) {
			c.must(api.PathIndexUser, api.IndexUserRequest{Datasource: "backstage", User: inactive}, nil)
		}, "1: ; 2: "},
		"indexgroup and indexmembership": {identities, func(c *client) {
			c.must(api.PathIndexUser, api.IndexUserRequest{Datasource: "backstage", User: user("bob@x")}, nil)
			c.must(api.PathIndexGroup, api.IndexGroupRequest{Datasource: "backstage", Group: api.Group{Name: "in"}}, nil)
			for _, m := range []api.GroupMembership{
				{GroupName: "cards", Membership: api.Membership{MemberGroupName: "in"}},
				{GroupName: "in", Membership: api.Membership{MemberUserID: "bob@x"}},
			} {
				c.must(api.PathIndexMembership, api.IndexMembershipRequest{Datasource: "backstage", Membership: m}, nil)
			}
		}, "1: ann@x bob@x; 2: ann@x bob@x"},
		"deleteuser": {identities, func(c *client) {
			c.must(api.PathDeleteUser, api.DeleteUserRequest{Datasource: "backstage", Email: "ann@x"}, nil)
			c.must(api.PathDeleteUser, api.DeleteUserRequest{Datasource: "backstage", Email: "none@x"}, nil)
		}, "1: ; 2: "},
		"deletegroup": {identities, func(c *client) {
			c.must(api.PathDeleteGroup, api.DeleteGroupRequest{Datasource: "backstage", GroupName: "cards"}, nil)
		}, "1: ; 2: ann@x"},
		"deletemembership": {identities, func(c *client) {
			c.must(api.PathDeleteMembership, api.IndexMembershipRequest{Datasource: "backstage", Membership: member}, nil)
		}, "1: ; 2: ann@x"},
	} {
		delay := map[string]time.Duration{documents: 10 * time.Minute, identities: time.Hour}[tc.kind]
		process := map[string]string{documents: api.PathProcessAllDocuments, identities: api.PathProcessAllMemberships}
		other := map[string]string{documents: process[identities], identities: process[documents]}[tc.kind]
		t.Run(name, func(t *testing.T) {
			c, now := delayed(t, sandbox.Rules{})
			effective := func(when, want string) {
				t.Helper()
				i := c.Effective("backstage")
				if got := finds(i); got != want {
					t.Errorf("%s in effect is %q, want %q", when, got, want)
				}
				if all := c.Index("backstage"); want == tc.told && !reflect.DeepEqual(i.Memberships, all.Memberships) {
					t.Errorf("%s the memberships in effect are %v, those told %v", when, i.Memberships, all.Memberships)
				}
				var a api.CheckDocumentAccessResponse
				c.must(api.PathCheckDocumentAccess, api.CheckDocumentAccessRequest{Datasource: "backstage",
					ObjectType: "component", DocID: "1", UserEmail: "ann@x"}, &a)
				if a.HasAccess != strings.HasPrefix(want, "1: ann@x") {
					t.Errorf("%s: HasAccess is %v", when, a.HasAccess)
				}
			}
			tc.do(c)
			if got := finds(c.Index("backstage")); got != tc.told {
				t.Errorf("told is %q, want %q", got, tc.told)
			}
			effective("at once", before)
			now.pass(delay - time.Second)
			effective("too early", before)
			now.pass(time.Second)
			effective("later", tc.told)

			c, _ = delayed(t, sandbox.Rules{})
			tc.do(c)
			c.must(other, nil, nil)
			effective("with the other kind processed", before)
			c.must(process[tc.kind], nil, nil)
			effective("when processed", tc.told)
			tc.do(c) // after processing there are no shadows of it
			effective("when done again", tc.told)
		})
	}
}

// TestDelayedOrder: changes of a kind take effect in their order, those of two kinds each
// after its own delay. An earlier version is in effect until the next one is.
func TestDelayedOrder(t *testing.T) {
	c, now := delayed(t, sandbox.Rules{})
	var told []string
	do := func(path string, v any) {
		c.must(path, v, nil)
		told = append(told, finds(c.Index("backstage")))
		now.pass(time.Minute)
	}
	one := func(p api.Permissions) {
		do(api.PathUpdatePermissions, api.UpdatePermissionsRequest{Datasource: "backstage", ObjectType: "component",
			ID: "1", Permissions: p})
	}
	one(api.Permissions{})
	one(api.Permissions{AllowAllDatasourceUsersAccess: true})
	do(api.PathDeleteDocument, api.DeleteDocumentRequest{Datasource: "backstage", ObjectType: "component", ID: "1"})
	do(api.PathIndexDocument, api.IndexDocumentRequest{Document: cards("1")})
	do(api.PathIndexUser, api.IndexUserRequest{Datasource: "backstage", User: user("bob@x")})
	now.pass(5 * time.Minute) // 10 minutes after the first
	for i, want := range told[:4] {
		if got := finds(c.Effective("backstage")); got != want {
			t.Errorf("after change %d in effect is %q, want %q", i+1, got, want)
		}
		now.pass(time.Minute)
	}
	now.pass(50*time.Minute - time.Second)
	if got := finds(c.Effective("backstage")); got != told[3] {
		t.Errorf("in effect is %q, want %q", got, told[3])
	}
	now.pass(time.Second)
	if got := finds(c.Effective("backstage")); got != told[4] {
		t.Errorf("in effect is %q, want %q", got, told[4])
	}
}

// TestDeletionConfirmed: debug/documents and checkdocumentaccess show a deleted document
// until its deletion takes effect, the status of a document that is new or changed as
// uploaded at once.
func TestDeletionConfirmed(t *testing.T) {
	for _, early := range []bool{false, true} {
		c, now := delayed(t, sandbox.Rules{DeletedIsNotUploaded: early})
		status := func(id string) string {
			var r api.DebugDocumentsResponse
			c.must(api.PathDebugDocuments("backstage"), api.DebugDocumentsRequest{
				DebugDocuments: []api.DebugDocumentRequest{{ObjectType: "component", DocID: id}}}, &r)
			var a api.CheckDocumentAccessResponse
			c.must(api.PathCheckDocumentAccess, api.CheckDocumentAccessRequest{Datasource: "backstage",
				ObjectType: "component", DocID: id, UserEmail: "ann@x"}, &a)
			info := r.DocumentStatuses[0].DebugInfo
			return fmt.Sprint(info.Status.UploadStatus, " ", info.Status.IndexingStatus, " ",
				info.UploadedPermissions != nil, " ", a.HasAccess)
		}
		want := func(when, id, want string) {
			t.Helper()
			if got := status(id); got != want {
				t.Errorf("%s (%v): %s is %s, want %s", when, early, id, got, want)
			}
		}
		waiting := "UPLOADED INDEXED true true"
		if early {
			waiting = "NOT_UPLOADED INDEXED false true"
		}
		want("before", "1", "UPLOADED INDEXED true true")
		c.must(api.PathDeleteDocument, api.DeleteDocumentRequest{Datasource: "backstage", ObjectType: "component", ID: "1"},
			nil)
		c.must(api.PathIndexDocument, api.IndexDocumentRequest{Document: cards("3")}, nil)
		want("deleted", "1", waiting)
		want("new", "3", "UPLOADED NOT_INDEXED true false")
		now.pass(10 * time.Minute)
		want("when that took effect", "1", "NOT_UPLOADED NOT_INDEXED false false")
		want("when that took effect", "3", "UPLOADED INDEXED true true")

		c.must(api.PathBulkIndexDocuments, api.BulkIndexDocumentsRequest{Page: whole("last"),
			DisableStaleDocumentDeletionCheck: true}, nil)
		want("stale", "3", waiting)
		c.must(api.PathProcessAllDocuments, nil, nil)
		want("processed", "3", "NOT_UPLOADED NOT_INDEXED false false")
	}
}

// TestDelayedUploads: an upload is INDEXING COMPLETED when it is in effect; the counts
// distinguish uploaded, indexed and deleted documents.
func TestDelayedUploads(t *testing.T) {
	for _, lag := range []time.Duration{0, time.Minute} {
		c, now := delayed(t, sandbox.Rules{StatusLags: lag})
		look := func() string {
			var s api.DatasourceStatus
			c.must(api.PathDebugStatus("backstage"), nil, &s)
			n := func(counts []api.TypeCount) (n int) {
				for _, c := range counts {
					n += *c.Count
				}
				return n
			}
			return fmt.Sprint(s.Documents.BulkUploadHistory[0].ProcessingState, ", ",
				s.Identity.Users.BulkUploadHistory[0].ProcessingState, ", ",
				n(s.Documents.Counts.Uploaded), " uploaded, ", n(s.Documents.Counts.Indexed), " indexed")
		}
		want := func(after time.Duration, want string) {
			t.Helper()
			now.pass(after)
			if got := look(); got != want {
				t.Errorf("lag %s: %s, want %s", lag, got, want)
			}
		}
		want(lag, "INDEXING COMPLETED, INDEXING COMPLETED, 2 uploaded, 2 indexed")
		r := c.documents(whole("e"), docs("3")...)
		r.DisableStaleDocumentDeletionCheck = true
		c.must(api.PathBulkIndexDocuments, r, nil)
		c.putUsers(user("ann@x"), user("bob@x"))
		want(lag, "UPLOAD COMPLETED, UPLOAD COMPLETED, 1 uploaded, 2 indexed")
		want(10*time.Minute-time.Second, "UPLOAD COMPLETED, UPLOAD COMPLETED, 1 uploaded, 2 indexed")
		want(time.Second, "INDEXING COMPLETED, UPLOAD COMPLETED, 1 uploaded, 1 indexed")
		want(50*time.Minute-time.Second, "INDEXING COMPLETED, UPLOAD COMPLETED, 1 uploaded, 1 indexed")
		want(time.Second, "INDEXING COMPLETED, INDEXING COMPLETED, 1 uploaded, 1 indexed")
		c.must(api.PathIndexDocument, api.IndexDocumentRequest{Document: cards("4")}, nil)
		want(lag, "INDEXING COMPLETED, INDEXING COMPLETED, 2 uploaded, 1 indexed")
		c.must(api.PathProcessAllDocuments, nil, nil)
		want(lag, "INDEXING COMPLETED, INDEXING COMPLETED, 2 uploaded, 2 indexed")
	}
}

// TestDelayedElsewhere: identities that another datasource lends take effect after its
// delay, and pages that are found at once after that of documents.
func TestDelayedElsewhere(t *testing.T) {
	now := newClock()
	lender, borrower := catalog(), catalog()
	lender.Name, borrower.IdentityDatasourceName = "people", "people"
	c := start(t, sandbox.Options{Now: now.Now, Datasources: []api.DatasourceConfig{lender, borrower},
		Rules: sandbox.Rules{VisibleBeforeLastPage: true, DocumentsTake: time.Minute, IdentitiesTake: time.Hour}})
	c.must(api.PathIndexUser, api.IndexUserRequest{Datasource: "people", User: user("ann@x")}, nil)
	c.must(api.PathBulkIndexDocuments, c.documents(first("d"), docs("1")...), nil)
	for _, want := range []string{"", "1: ", "1: ann@x"} {
		if got := finds(c.Effective("backstage")); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		now.pass(time.Minute)
		if want == "1: " {
			now.pass(time.Hour)
		}
	}
}
