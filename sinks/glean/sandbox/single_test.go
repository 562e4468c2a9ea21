package sandbox_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// clock is a time that a test moves on.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time       { return c.now }
func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }
func newClock() *clock                { return &clock{time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC)} }
func component(id string) map[string]any {
	return map[string]any{"objectType": "component", "docId": id}
}

// TestSingleDocuments: what concerns one document changes that alone.
func TestSingleDocuments(t *testing.T) {
	c := start(t, sandbox.Options{})
	c.must(api.PathBulkIndexDocuments, c.documents(whole("a"), docs("1", "2")...), nil)
	c.must(api.PathIndexDocument, api.IndexDocumentRequest{Document: docs("3")[0], Version: 5}, nil)
	c.refused(api.PathIndexDocument, api.IndexDocumentRequest{Document: docs("3")[0], Version: 4}, http.StatusConflict, "older than version 5")
	c.must(api.PathIndexDocument, api.IndexDocumentRequest{Document: docs("3")[0], Version: 5}, nil)
	c.must(api.PathIndexDocuments, api.IndexDocumentsRequest{Datasource: "backstage", UploadID: "x", Documents: docs("4", "5")}, nil)
	c.must(api.PathDeleteDocument, api.DeleteDocumentRequest{Datasource: "backstage", ObjectType: "component", ID: "2"}, nil)
	c.must(api.PathDeleteDocument, api.DeleteDocumentRequest{Datasource: "backstage", ObjectType: "component", ID: "2"}, nil)
	c.must(api.PathDeleteDocument, api.DeleteDocumentRequest{Datasource: "backstage", ObjectType: "system", ID: "1"}, nil)
	c.refused(api.PathDeleteDocument, api.DeleteDocumentRequest{Datasource: "backstage", ObjectType: "component", ID: "3", Version: 4}, http.StatusConflict, "older")
	if got := c.ids(); got != "1 3 4 5" {
		t.Errorf("the index holds %q", got)
	}

	c.putUsers(user("ann@x"))
	restricted := api.Permissions{AllowedUsers: []api.UserReference{{Email: "ann@x"}}}
	c.must(api.PathUpdatePermissions, api.UpdatePermissionsRequest{Datasource: "backstage", ObjectType: "component", ID: "4", Permissions: restricted}, nil)
	d, _ := c.Index("backstage").Document("4")
	if d.Title != "4" || d.Permissions.AllowAllDatasourceUsersAccess || len(d.Permissions.AllowedUsers) != 1 {
		t.Errorf("%+v", d)
	}
	c.must(api.PathUpdatePermissions, api.UpdatePermissionsRequest{Datasource: "backstage", ObjectType: "component", ID: "4"}, nil)
	if who := c.Index("backstage").WhoFinds("4"); len(who) != 0 {
		t.Errorf("permissions of nobody let in %v", who)
	}
	for name, tc := range map[string]struct {
		path string
		body string
		want string
	}{
		"permissions of nothing":      {api.PathUpdatePermissions, `{"datasource":"backstage","objectType":"component","id":"none","permissions":{}}`, "is not in datasource"},
		"permissions left out":        {api.PathUpdatePermissions, `{"datasource":"backstage","objectType":"component","id":"4"}`, "permissions: is required"},
		"permissions by user id":      {api.PathUpdatePermissions, `{"datasource":"backstage","objectType":"component","id":"4","permissions":{"allowedUsers":[{"datasourceUserId":"a"}]}}`, "email is required"},
		"document left out":           {api.PathIndexDocument, `{"version":1}`, "document: is required"},
		"datasource beside document":  {api.PathIndexDocument, `{"datasource":"backstage","document":{}}`, "datasource: unknown field"},
		"a bad document":              {api.PathIndexDocument, `{"document":{"datasource":"backstage","id":"x","updatedAt":"2026"}}`, "document.updatedAt: must be an integer"},
		"documents of another source": {api.PathIndexDocuments, `{"datasource":"none","documents":[]}`, "Invalid datasource"},
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
		return api.IndexMembershipRequest{Datasource: "backstage", Membership: api.GroupMembership{GroupName: group, Membership: m}}
	}
	c.must(api.PathIndexMembership, member("cards", api.Membership{MemberUserID: "Ann@x"}), nil)
	c.must(api.PathIndexMembership, member("cards", api.Membership{MemberUserID: "bob@x"}), nil)
	c.must(api.PathIndexMembership, member("payments", api.Membership{MemberGroupName: "cards"}), nil)
	c.must(api.PathIndexDocument, api.IndexDocumentRequest{Document: doc("1", api.Permissions{AllowedGroups: []string{"payments"}})}, nil)
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
	for name, tc := range map[string]struct{ path, body, want string }{
		"no datasource":    {api.PathIndexUser, `{"user":{"email":"a@x","name":"a"}}`, "datasource: is required"},
		"no user":          {api.PathIndexUser, `{"datasource":"backstage"}`, "user: is required"},
		"user of no name":  {api.PathIndexUser, `{"datasource":"backstage","user":{"email":"a@x"}}`, "name: is required"},
		"unknown in user":  {api.PathIndexUser, `{"datasource":"backstage","user":{"mail":"a@x"}}`, "user.mail: unknown field"},
		"group with space": {api.PathIndexGroup, `{"datasource":"backstage","group":{"name":"a b"}}`, "cannot have spaces"},
		"member of none":   {api.PathIndexMembership, `{"datasource":"backstage","membership":{"memberUserId":"ann@x"}}`, "groupName: is required"},
		"member of both":   {api.PathIndexMembership, `{"datasource":"backstage","membership":{"groupName":"payments","memberUserId":"ann@x","memberGroupName":"payments"}}`, "exactly one"},
		"unknown group":    {api.PathIndexMembership, `{"datasource":"backstage","membership":{"groupName":"none","memberUserId":"ann@x"}}`, `"none" is not known`},
		"unknown member":   {api.PathIndexMembership, `{"datasource":"backstage","membership":{"groupName":"payments","memberUserId":"none@x"}}`, `"none@x" is not known`},
		"delete no user":   {api.PathDeleteUser, `{"datasource":"backstage"}`, "email: is required"},
		"delete no group":  {api.PathDeleteGroup, `{"datasource":"backstage"}`, "groupName: is required"},
	} {
		t.Run(name, func(t *testing.T) { c.t = t; c.refused(tc.path, tc.body, http.StatusBadRequest, tc.want) })
	}
}

// TestVisibility: a test datasource is seen by those that betausers named last.
func TestVisibility(t *testing.T) {
	config := catalog()
	config.IsTestDatasource = yes()
	c := start(t, sandbox.Options{Datasources: []api.DatasourceConfig{config}})
	c.putUsers(user("ann@x"), user("bob@x"))
	c.must(api.PathBulkIndexDocuments, c.documents(whole("a"), docs("1")...), nil)
	expect := func(visibility string, who ...string) {
		t.Helper()
		var s api.DatasourceStatus
		c.must(api.PathDebugStatus("backstage"), nil, &s)
		var got []string
		for _, email := range []string{"ann@x", "bob@x"} {
			var a api.CheckDocumentAccessResponse
			c.must(api.PathCheckDocumentAccess, api.CheckDocumentAccessRequest{Datasource: "backstage", ObjectType: "component", DocID: "1", UserEmail: email}, &a)
			if a.HasAccess {
				got = append(got, email)
			}
		}
		if s.DatasourceVisibility != visibility || !slices.Equal(got, who) {
			t.Errorf("%s for %v, want %s for %v", s.DatasourceVisibility, got, visibility, who)
		}
	}
	expect(api.VisibilityNone)
	c.must(api.PathBetaUsers, api.GreenlistUsersRequest{Datasource: "backstage", Emails: []string{"Ann@x"}}, nil)
	expect(api.VisibilityTestGroup, "ann@x")
	c.must(api.PathBetaUsers, api.GreenlistUsersRequest{Datasource: "backstage", Emails: []string{"bob@x"}}, nil)
	expect(api.VisibilityTestGroup, "bob@x")
	c.refused(api.PathBetaUsers, `{"datasource":"backstage","emails":["ann"]}`, http.StatusBadRequest, "e-mail")
	c.refused(api.PathBetaUsers, `{"datasource":"backstage"}`, http.StatusBadRequest, "emails: is required")
	if got := c.Index("backstage").Testers; !slices.Equal(got, []string{"bob@x"}) {
		t.Errorf("testers %v", got)
	}
	c.must(api.PathAddDatasource, catalog(), nil)
	expect(api.VisibilityAll, "ann@x", "bob@x")
}

// TestLenderOfIdentities: the users and groups of another datasource count.
func TestLenderOfIdentities(t *testing.T) {
	people, borrowing := catalog(), catalog()
	people.Name, people.IsUserReferencedByEmail = "people", no()
	borrowing.IdentityDatasourceName = "people"
	c := start(t, sandbox.Options{Datasources: []api.DatasourceConfig{people, borrowing}})
	of := api.Page{UploadID: "u", Datasource: "people", IsFirstPage: true, IsLastPage: true}
	c.must(api.PathBulkIndexUsers, api.BulkIndexUsersRequest{Page: of, Users: []api.User{{Email: "ann@x", UserID: "1", Name: "ann"}, {Email: "bob@x", UserID: "2", Name: "bob"}}}, nil)
	c.must(api.PathBulkIndexGroups, api.BulkIndexGroupsRequest{Page: of, Groups: []api.Group{{Name: "g"}}}, nil)
	c.must(api.PathBulkIndexMemberships, api.BulkIndexMembershipsRequest{Page: of, Group: "g", Memberships: []api.Membership{{MemberUserID: "2"}}}, nil)
	c.must(api.PathBulkIndexDocuments, c.documents(whole("a"), doc("by-user", api.Permissions{AllowedUsers: []api.UserReference{{Email: "ann@x"}}}), doc("by-group", api.Permissions{AllowedGroups: []string{"g"}})), nil)
	i := c.Index("backstage")
	if a, b := i.WhoFinds("by-user"), i.WhoFinds("by-group"); !slices.Equal(a, []string{"ann@x"}) || !slices.Equal(b, []string{"bob@x"}) || len(i.Users) != 0 {
		t.Errorf("%v, %v, %v", a, b, i.Users)
	}
	var d api.DebugDocumentResponse
	c.must(api.PathDebugDocument("backstage"), component("by-user"), &d)
	if d.Status.PermissionIdentityStatus != api.StatusUnknown {
		t.Errorf("%+v", d.Status)
	}
	borrowing.IdentityDatasourceName = "none"
	c.refused(api.PathAddDatasource, borrowing, http.StatusBadRequest, `there is no datasource "none"`)
}

// TestProcessing: what is uploaded is indexed after a while, or when processing
// is asked for, which Glean allows once in three hours.
func TestProcessing(t *testing.T) {
	now := newClock()
	other := catalog()
	other.Name = "other"
	c := start(t, sandbox.Options{Now: now.Now, Datasources: []api.DatasourceConfig{catalog(), other}, Rules: sandbox.Rules{IndexingTakes: time.Hour}})
	c.must(api.PathBulkIndexDocuments, c.documents(whole("a"), docs("1")...), nil)
	indexed := func(want string, n int) {
		t.Helper()
		var s api.DatasourceStatus
		c.must(api.PathDebugStatus("backstage"), nil, &s)
		got := 0
		for _, count := range s.Documents.Counts.Indexed {
			got += *count.Count
		}
		var d api.DebugDocumentResponse
		c.must(api.PathDebugDocument("backstage"), component("1"), &d)
		if d.Status.IndexingStatus != want || got != n || *s.Documents.Counts.Uploaded[0].Count != 1 {
			t.Errorf("%+v with %d indexed, want %s with %d", d.Status, got, want, n)
		}
	}
	indexed(api.NotIndexed, 0)
	now.pass(time.Minute)
	c.must(api.PathProcessAllDocuments, api.ProcessAllDocumentsRequest{Datasource: "backstage"}, nil)
	indexed(api.Indexed, 1)
	c.refused(api.PathProcessAllDocuments, api.ProcessAllDocumentsRequest{Datasource: "backstage"}, http.StatusTooManyRequests, "3 hours")
	c.must(api.PathProcessAllDocuments, api.ProcessAllDocumentsRequest{Datasource: "other"}, nil)
	c.must(api.PathProcessAllDocuments, nil, nil)
	now.pass(3*time.Hour - time.Second)
	c.refused(api.PathProcessAllDocuments, `{"datasource":"other"}`, http.StatusTooManyRequests, "3 hours")
	c.refused(api.PathProcessAllDocuments, nil, http.StatusTooManyRequests, "3 hours")
	now.pass(time.Second)
	c.must(api.PathProcessAllDocuments, `{"datasource":"other"}`, nil)
	c.must(api.PathProcessAllMemberships, nil, nil)
	c.must(api.PathProcessAllMemberships, api.ProcessAllMembershipsRequest{Datasource: "backstage"}, nil)
	c.refused(api.PathProcessAllMemberships, `{"datasource":"none"}`, http.StatusBadRequest, "Invalid datasource")
	var s api.DatasourceStatus
	c.must(api.PathDebugStatus("backstage"), nil, &s)
	if len(s.Documents.ProcessingHistory) != 2 || len(s.Identity.ProcessingHistory) != 2 {
		t.Errorf("%+v", s)
	}
}

// TestEvents: the life of a document, one question a minute.
func TestEvents(t *testing.T) {
	now := newClock()
	c := start(t, sandbox.Options{Now: now.Now, Rules: sandbox.Rules{IndexingTakes: 10 * time.Minute}})
	ask := func(extra string, want string) {
		t.Helper()
		now.pass(time.Minute)
		var r api.DebugDocumentLifecycleResponse
		c.must(api.PathDebugEvents("backstage"), `{"objectType":"component","docId":"1"`+extra+`}`, &r)
		var got []string
		for _, e := range r.LifeCycleEvents {
			got = append(got, e.Event+" "+e.Timestamp[11:16])
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%s\nwant %s", s, want)
		}
	}
	ask("", "")
	c.must(api.PathBulkIndexDocuments, c.documents(whole("a"), docs("1", "2", "3", "4", "5", "6")...), nil) // 12:01
	ask("", "UPLOADED 12:01")
	now.pass(9 * time.Minute)
	ask("", "INDEXED 12:11, UPLOADED 12:01")
	c.refused(api.PathDebugEvents("backstage"), `{"objectType":"component","docId":"1"}`, http.StatusTooManyRequests, "1 request per minute")
	c.must(api.PathBulkIndexDocuments, c.documents(whole("b"), docs("2", "3", "4", "5", "6")...), nil) // 12:12
	ask(`,"maxEvents":3`, "DELETED 12:12, DELETION_REQUESTED 12:12, INDEXED 12:11")
	c.refused(api.PathDebugEvents("backstage"), `{"objectType":"component","docId":"1","maxEvents":101}`, http.StatusBadRequest, "maxEvents")
	c.refused(api.PathDebugEvents("backstage"), `{"objectType":"component","docId":"1","startDate":"2026-07-01"}`, http.StatusBadRequest, "startDate")
	now.pass(8 * 24 * time.Hour)
	ask("", "")
	ask(`,"startDate":"2026-08-20","maxEvents":1`, "DELETED 12:12")
}

// TestToken: a rotated secret works at once, the one before for ten minutes,
// and one that is not rotated in time no more.
func TestToken(t *testing.T) {
	now := newClock()
	c := start(t, sandbox.Options{Token: "first", TokenPeriod: 24 * time.Hour, Now: now.Now})
	works := func(token string, want bool) {
		t.Helper()
		c.token = token
		status, _, err := c.post(api.PathDebugStatus("backstage"), nil)
		if err != nil || (status == http.StatusOK) != want {
			t.Errorf("%d %v", status, err)
		}
	}
	c.token = "first"
	var r api.RotateTokenResponse
	c.must(api.PathRotateToken, nil, &r)
	if r.CreatedAt != now.now.Unix() || r.RotationPeriodMinutes != 1440 || r.RawSecret == "" || r.RawSecret == "first" {
		t.Errorf("%+v", r)
	}
	works(r.RawSecret, true)
	now.pass(10*time.Minute - time.Second)
	works("first", true)
	now.pass(time.Second)
	works("first", false)
	works("other", false)
	now.pass(24 * time.Hour)
	works(r.RawSecret, false)

	c = start(t, sandbox.Options{Token: "fixed"})
	c.token = "fixed"
	c.refused(api.PathRotateToken, nil, http.StatusBadRequest, "not enabled")
}

func TestEchoDefaults(t *testing.T) {
	c := start(t, sandbox.Options{Rules: sandbox.Rules{EchoDefaults: true}})
	var got api.DatasourceConfig
	c.must(api.PathGetDatasourceConfig, api.GetDatasourceConfigRequest{Datasource: "backstage"}, &got)
	if got.DisplayName != "Backstage" || got.StripFragmentInCanonicalURL == nil || !*got.StripFragmentInCanonicalURL || got.IsOnPrem == nil || *got.IsOnPrem {
		t.Errorf("%+v", got)
	}
}

func TestFacetOrder(t *testing.T) {
	c := start(t, sandbox.Options{})
	for name, tc := range map[string]struct{ properties, want string }{
		"good":          {`{"name":"a","uiFacetOrder":2},{"name":"b","uiFacetOrder":1},{"name":"c","hideUiFacet":true}`, ""},
		"none":          {`{"name":"a"},{"name":"b"}`, ""},
		"one lacks it":  {`{"name":"a","uiFacetOrder":1},{"name":"b"}`, "uiFacetOrder: must be 1 to 2"},
		"one twice":     {`{"name":"a","uiFacetOrder":1},{"name":"b","uiFacetOrder":1}`, "uiFacetOrder"},
		"a gap":         {`{"name":"a","uiFacetOrder":1},{"name":"b","uiFacetOrder":3}`, "uiFacetOrder"},
		"unknown group": {`{"name":"a","group":"g"}`, `group: "g" is not in the propertyGroups`},
	} {
		t.Run(name, func(t *testing.T) {
			c.t = t
			body := `{"name":"x","datasourceCategory":"CRM","urlRegex":".*","objectDefinitions":[{"name":"o","propertyDefinitions":[` + tc.properties + `]}]}`
			if tc.want == "" {
				c.must(api.PathAddDatasource, body, nil)
			} else {
				c.refused(api.PathAddDatasource, body, http.StatusBadRequest, tc.want)
			}
		})
	}
}
