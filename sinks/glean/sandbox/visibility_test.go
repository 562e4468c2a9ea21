package sandbox_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

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
			c.must(api.PathCheckDocumentAccess, api.CheckDocumentAccessRequest{Datasource: "backstage",
				ObjectType: "component", DocID: "1", UserEmail: email}, &a)
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
	c.must(api.PathBulkIndexUsers, api.BulkIndexUsersRequest{Page: of,
		Users: []api.User{{Email: "ann@x", UserID: "1", Name: "ann"}, {Email: "bob@x", UserID: "2", Name: "bob"}}}, nil)
	c.must(api.PathBulkIndexGroups, api.BulkIndexGroupsRequest{Page: of, Groups: []api.Group{{Name: "g"}}}, nil)
	c.must(api.PathBulkIndexMemberships, api.BulkIndexMembershipsRequest{Page: of, Group: "g",
		Memberships: []api.Membership{{MemberUserID: "2"}}}, nil)
	c.must(api.PathBulkIndexDocuments, c.documents(whole("a"), doc("by-user",
		api.Permissions{AllowedUsers: []api.UserReference{{Email: "ann@x"}}}),
		doc("by-group", api.Permissions{AllowedGroups: []string{"g"}})), nil)
	i := c.Index("backstage")
	if a, b := i.WhoFinds("by-user"), i.WhoFinds("by-group"); !slices.Equal(a, []string{"ann@x"}) ||
		!slices.Equal(b, []string{"bob@x"}) || len(i.Users) != 0 {
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

func TestEchoDefaults(t *testing.T) {
	c := start(t, sandbox.Options{Rules: sandbox.Rules{EchoDefaults: true}})
	var got api.DatasourceConfig
	c.must(api.PathGetDatasourceConfig, api.GetDatasourceConfigRequest{Datasource: "backstage"}, &got)
	if got.DisplayName != "Backstage" || got.StripFragmentInCanonicalURL == nil || !*got.StripFragmentInCanonicalURL ||
		got.IsOnPrem == nil || *got.IsOnPrem {
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
			body := `{"name":"x","datasourceCategory":"CRM","urlRegex":".*","objectDefinitions":[{"name":"o",` +
				`"propertyDefinitions":[` + tc.properties + `]}]}`
			if tc.want == "" {
				c.must(api.PathAddDatasource, body, nil)
			} else {
				c.refused(api.PathAddDatasource, body, http.StatusBadRequest, tc.want)
			}
		})
	}
}
