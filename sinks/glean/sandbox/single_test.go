package sandbox_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestSingleDocuments: what concerns one document changes that alone.
func TestSingleDocuments(t *testing.T) {
	c := start(t, sandbox.Options{})
	c.must(api.PathBulkIndexDocuments, c.documents(whole("a"), docs("1", "2")...), nil)
	c.must(api.PathIndexDocument, api.IndexDocumentRequest{Document: docs("3")[0], Version: 5}, nil)
	c.refused(api.PathIndexDocument, api.IndexDocumentRequest{Document: docs("3")[0], Version: 4}, http.StatusConflict,
		"older than version 5")
	c.must(api.PathIndexDocument, api.IndexDocumentRequest{Document: docs("3")[0], Version: 5}, nil)
	c.must(api.PathIndexDocuments, api.IndexDocumentsRequest{Datasource: "backstage", UploadID: "x",
		Documents: docs("4", "5")}, nil)
	c.must(api.PathDeleteDocument, api.DeleteDocumentRequest{Datasource: "backstage", ObjectType: "component", ID: "2"},
		nil)
	c.must(api.PathDeleteDocument, api.DeleteDocumentRequest{Datasource: "backstage", ObjectType: "component", ID: "2"},
		nil)
	c.must(api.PathDeleteDocument, api.DeleteDocumentRequest{Datasource: "backstage", ObjectType: "system", ID: "1"}, nil)
	c.refused(api.PathDeleteDocument, api.DeleteDocumentRequest{Datasource: "backstage", ObjectType: "component",
		ID: "3", Version: 4}, http.StatusConflict, "older")
	if got := c.ids(); got != "1 3 4 5" {
		t.Errorf("the index holds %q", got)
	}

	c.putUsers(user("ann@x"))
	restricted := api.Permissions{AllowedUsers: []api.UserReference{{Email: "ann@x"}}}
	c.must(api.PathUpdatePermissions, api.UpdatePermissionsRequest{Datasource: "backstage", ObjectType: "component",
		ID: "4", Permissions: restricted}, nil)
	d, _ := c.Index("backstage").Document("4")
	if d.Title != "4" || d.Permissions.AllowAllDatasourceUsersAccess || len(d.Permissions.AllowedUsers) != 1 {
		t.Errorf("%+v", d)
	}
	c.must(api.PathUpdatePermissions, api.UpdatePermissionsRequest{Datasource: "backstage", ObjectType: "component",
		ID: "4"}, nil)
	if who := c.Index("backstage").WhoFinds("4"); len(who) != 0 {
		t.Errorf("permissions of nobody let in %v", who)
	}
	for name, tc := range map[string]struct {
		path string
		body string
		want string
	}{
		"permissions of nothing": {api.PathUpdatePermissions, `{"datasource":"backstage","objectType":"component",` +
			`"id":"none","permissions":{}}`, "is not in datasource"},
		"permissions left out": {api.PathUpdatePermissions, `{"datasource":"backstage","objectType":"component",` +
			`"id":"4"}`, "permissions: is required"},
		"permissions by user id": {api.PathUpdatePermissions, `{"datasource":"backstage","objectType":"component",` +
			`"id":"4","permissions":{"allowedUsers":[{"datasourceUserId":"a"}]}}`, "email is required"},
		"document left out": {api.PathIndexDocument, `{"version":1}`, "document: is required"},
		"datasource next to document": {api.PathIndexDocument, `{"datasource":"backstage","document":{}}`, "datasource: " +
			"unknown field"},
		"a bad document": {api.PathIndexDocument, `{"document":{"datasource":"backstage","id":"x",` +
			`"updatedAt":"2026"}}`, "document.updatedAt: must be an integer"},
		"documents of another datasource": {api.PathIndexDocuments, `{"datasource":"none","documents":[]}`, "Invalid datasource"},
	} {
		t.Run(name, func(t *testing.T) { c.t = t; c.refused(tc.path, tc.body, http.StatusBadRequest, tc.want) })
	}
}

func TestIndexDocumentsLimit(t *testing.T) {
	now := newClock()
	c := start(t, sandbox.Options{Now: now.Now})
	page := func(from, n int) api.IndexDocumentsRequest {
		r := api.IndexDocumentsRequest{Datasource: "backstage"}
		for i := range n {
			r.Documents = append(r.Documents, docs(fmt.Sprint(from+i))...)
		}
		return r
	}
	c.must(api.PathIndexDocuments, page(0, 600), nil)
	c.refused(api.PathIndexDocuments, page(600, 1), http.StatusTooManyRequests, "600 documents a minute")
	now.pass(time.Minute)
	c.must(api.PathIndexDocuments, page(600, 1), nil)
}

// TestSinglePeople: deletions of users and groups take their memberships along.
func TestSinglePeople(t *testing.T) {
	c := start(t, sandbox.Options{Rules: sandbox.Rules{RefuseUnknownPrincipals: true}})
	for _, email := range []string{"ann@x", "bob@x"} {
		c.must(api.PathIndexUser, api.IndexUserRequest{Datasource: "backstage", User: user(email)}, nil)
	}
	for _, g := range []string{"cards", "payments"} {
		c.must(api.PathIndexGroup, api.IndexGroupRequest{Datasource: "backstage", Group: api.Group{Name: g}}, nil)
	}
	member := func(group string, m api.Membership) api.IndexMembershipRequest {
		return api.IndexMembershipRequest{Datasource: "backstage",
			Membership: api.GroupMembership{GroupName: group, Membership: m}}
	}
	c.must(api.PathIndexMembership, member("cards", api.Membership{MemberUserID: "Ann@x"}), nil)
	c.must(api.PathIndexMembership, member("cards", api.Membership{MemberUserID: "bob@x"}), nil)
	c.must(api.PathIndexMembership, member("payments", api.Membership{MemberGroupName: "cards"}), nil)
	c.must(api.PathIndexDocument, api.IndexDocumentRequest{Document: doc("1",
		api.Permissions{AllowedGroups: []string{"payments"}})}, nil)
	finds := func(want ...string) {
		t.Helper()
		if got := c.Index("backstage").WhoFinds("1"); !slices.Equal(got, want) {
			t.Errorf("%v find it, want %v", got, want)
		}
	}
	finds("ann@x", "bob@x")
	c.must(api.PathDeleteMembership, member("cards", api.Membership{MemberUserID: "ANN@x"}), nil)
	finds("bob@x")
	c.must(api.PathIndexMembership, member("cards", api.Membership{MemberUserID: "ann@x"}), nil)
	c.must(api.PathDeleteUser, api.DeleteUserRequest{Datasource: "backstage", Email: "Bob@x"}, nil)
	c.must(api.PathIndexUser, api.IndexUserRequest{Datasource: "backstage", User: user("bob@x")}, nil)
	finds("ann@x")
	c.must(api.PathDeleteGroup, api.DeleteGroupRequest{Datasource: "backstage", GroupName: "cards"}, nil)
	c.must(api.PathDeleteGroup, api.DeleteGroupRequest{Datasource: "backstage", GroupName: "cards"}, nil)
	finds()
	c.must(api.PathIndexGroup, api.IndexGroupRequest{Datasource: "backstage", Group: api.Group{Name: "cards"}}, nil)
	c.must(api.PathIndexMembership, member("payments", api.Membership{MemberGroupName: "cards"}), nil)
	finds() // the members of cards went with it
	c.must(api.PathIndexMembership, member("cards", api.Membership{MemberUserID: "bob@x"}), nil)
	finds("bob@x")
	for name, tc := range map[string]struct{ path, body, want string }{
		"no datasource":   {api.PathIndexUser, `{"user":{"email":"a@x","name":"a"}}`, "datasource: is required"},
		"no user":         {api.PathIndexUser, `{"datasource":"backstage"}`, "user: is required"},
		"user of no name": {api.PathIndexUser, `{"datasource":"backstage","user":{"email":"a@x"}}`, "name: is required"},
		"unknown in user": {api.PathIndexUser, `{"datasource":"backstage","user":{"mail":"a@x"}}`, "user.mail: unknown " +
			"field"},
		"group with space": {api.PathIndexGroup, `{"datasource":"backstage","group":{"name":"a b"}}`, "cannot have spaces"},
		"member of none": {api.PathIndexMembership, `{"datasource":"backstage","membership":{"memberUserId":"ann@x"}}`,
			"groupName: is required"},
		"member of both": {api.PathIndexMembership, `{"datasource":"backstage","membership":{"groupName":"payments",` +
			`"memberUserId":"ann@x","memberGroupName":"payments"}}`, "exactly one"},
		"unknown group": {api.PathIndexMembership, `{"datasource":"backstage","membership":{"groupName":"none",` +
			`"memberUserId":"ann@x"}}`, `"none" is not known`},
		"unknown member": {api.PathIndexMembership, `{"datasource":"backstage","membership":{"groupName":"payments",` +
			`"memberUserId":"none@x"}}`, `"none@x" is not known`},
		"delete no user":  {api.PathDeleteUser, `{"datasource":"backstage"}`, "email: is required"},
		"delete no group": {api.PathDeleteGroup, `{"datasource":"backstage"}`, "groupName: is required"},
	} {
		t.Run(name, func(t *testing.T) { c.t = t; c.refused(tc.path, tc.body, http.StatusBadRequest, tc.want) })
	}
}
