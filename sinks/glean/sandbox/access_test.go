package sandbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// company fills the index: payments contains cards and checkout, checkout and
// cards contain each other, and ghosts was never uploaded as a group.
func company(c *client, byEmail bool) {
	name := func(n string) string {
		if byEmail {
			return n + "@X"
		}
		return strings.ToUpper(n)
	}
	var users []api.User
	for _, n := range []string{"ann", "bob", "cid", "dan", "old"} {
		u := api.User{Email: n + "@x", Name: n, UserID: strings.ToUpper(n)}
		if n == "old" {
			u.IsActive = no()
		}
		users = append(users, u)
	}
	c.putUsers(users...)
	c.putGroups("payments", "cards", "checkout", "empty")
	for group, members := range map[string][]api.Membership{
		"payments": {{MemberUserID: name("ann")}, {MemberGroupName: "cards"}},
		"cards":    {{MemberUserID: name("bob")}, {MemberGroupName: "checkout"}},
		"checkout": {{MemberUserID: name("cid")}, {MemberUserID: name("old")}, {MemberGroupName: "cards"}},
		"ghosts":   {{MemberUserID: name("dan")}},
		"empty":    nil,
	} {
		c.must(api.PathBulkIndexMemberships, api.BulkIndexMembershipsRequest{Page: whole("m"), Group: group,
			Memberships: members}, nil)
	}
}

func TestAccess(t *testing.T) {
	for _, byEmail := range []bool{true, false} {
		t.Run(fmt.Sprintf("by email %v", byEmail), func(t *testing.T) {
			config := catalog()
			config.IsUserReferencedByEmail = &byEmail
			c := start(t, sandbox.Options{Datasources: []api.DatasourceConfig{config}})
			company(c, byEmail)
			ref := func(n string) []api.UserReference {
				if byEmail {
					return []api.UserReference{{Email: strings.ToUpper(n) + "@x"}}
				}
				return []api.UserReference{{DatasourceUserID: strings.ToUpper(n)}}
			}
			cases := map[string]struct {
				p    api.Permissions
				want string
			}{
				"nobody":    {api.Permissions{}, ""},
				"anonymous": {api.Permissions{AllowAnonymousAccess: true}, "ann bob cid dan"},
				"all-users": {api.Permissions{AllowAllDatasourceUsersAccess: true}, "ann bob cid dan"},
				"a-user":    {api.Permissions{AllowedUsers: ref("dan")}, "dan"},
				"inactive":  {api.Permissions{AllowedUsers: ref("old")}, ""},
				"nested":    {api.Permissions{AllowedGroups: []string{"payments"}}, "ann bob cid"},
				"cycle":     {api.Permissions{AllowedGroups: []string{"cards"}}, "bob cid"},
				"ghosts":    {api.Permissions{AllowedGroups: []string{"ghosts"}}, ""},
				"empty":     {api.Permissions{AllowedGroups: []string{"empty"}}, ""},
				"union":     {api.Permissions{AllowedUsers: ref("ann"), AllowedGroups: []string{"checkout"}}, "ann bob cid"},
				"intersection": {api.Permissions{AllowedGroupIntersections: []api.GroupIntersection{
					{RequiredGroups: []string{"payments", "cards"}},
				}}, "bob cid"},
				"intersections": {api.Permissions{AllowedGroupIntersections: []api.GroupIntersection{
					{RequiredGroups: []string{"empty", "cards"}}, {RequiredGroups: []string{"cards", "checkout"}},
				}}, "bob cid"},
				"of-nothing": {api.Permissions{AllowedGroupIntersections: []api.GroupIntersection{{}}}, ""},
			}
			var ds []api.Document
			for id, tc := range cases {
				ds = append(ds, doc(id, tc.p))
			}
			c.must(api.PathBulkIndexDocuments, c.documents(whole("d"), ds...), nil)
			index := c.Index("backstage")
			for id, tc := range cases {
				got := strings.ReplaceAll(strings.Join(index.WhoFinds(strings.ToUpper(id)), " "), "@x", "")
				if got != tc.want {
					t.Errorf("%s: found by %q, want %q", id, got, tc.want)
				}
				for _, n := range []string{"ann", "bob", "cid", "dan", "old"} {
					may := slices.Contains(strings.Fields(tc.want), n)
					if finds := slices.Contains(index.Finds(n+"@X"), id); finds != may {
						t.Errorf("%s: Finds(%s) says %v", id, n, finds)
					}
					var a api.CheckDocumentAccessResponse
					c.must(api.PathCheckDocumentAccess, api.CheckDocumentAccessRequest{Datasource: "backstage",
						ObjectType: "component", DocID: id, UserEmail: n + "@x"}, &a)
					if a.HasAccess != may {
						t.Errorf("%s: checkdocumentaccess for %s says %v", id, n, a.HasAccess)
					}
				}
			}
			if got := index.Finds("guest@y"); !slices.Equal(got, []string{"anonymous"}) {
				t.Errorf("a Glean user who was not uploaded finds %q", got)
			}
			if got := index.CountByType(); len(got) != 1 || got["component"] != len(cases) {
				t.Errorf("counts: %v", got)
			}
		})
	}
}

func TestDebug(t *testing.T) {
	c := start(t, sandbox.Options{})
	company(c, true)
	c.must(api.PathBulkIndexDocuments, c.documents(whole("d"),
		doc("Known", api.Permissions{AllowedGroups: []string{"cards"}}),
		doc("stray", api.Permissions{AllowedGroups: []string{"ghosts"}})), nil)

	ask := []api.DebugDocumentRequest{{ObjectType: "component", DocID: "known"},
		{ObjectType: "component", DocID: "stray"}, {ObjectType: "system", DocID: "known"},
		{ObjectType: "component", DocID: "none"}}
	var many api.DebugDocumentsResponse
	c.must(api.PathDebugDocuments("backstage"), api.DebugDocumentsRequest{DebugDocuments: ask}, &many)
	for i, want := range []string{"UPLOADED INDEXED UPLOADED", "UPLOADED INDEXED NOT_UPLOADED",
		"NOT_UPLOADED NOT_INDEXED STATUS_UNKNOWN", "NOT_UPLOADED NOT_INDEXED STATUS_UNKNOWN"} {
		var one api.DebugDocumentResponse
		c.must(api.PathDebugDocument("backstage"), ask[i], &one)
		for _, s := range []api.DocumentStatus{one.Status, many.DocumentStatuses[i].DebugInfo.Status} {
			if got := s.UploadStatus + " " + s.IndexingStatus + " " + s.PermissionIdentityStatus; got != want {
				t.Errorf("%v: %s, want %s", ask[i], got, want)
			}
		}
	}
	if p := many.DocumentStatuses[0].DebugInfo.UploadedPermissions; p == nil || p.AllowedGroups[0] != "cards" {
		t.Errorf("uploaded permissions: %+v", p)
	}
	for email, want := range map[string]string{
		"BOB@x": "true UPLOADED [{cards}]", "old@x": "false UPLOADED [{checkout}]", "dan@x": "true UPLOADED []",
		"who@x": "false NOT_UPLOADED []",
	} {
		var u api.DebugUserResponse
		c.must(api.PathDebugUser("backstage"), api.DebugUserRequest{Email: email}, &u)
		if got := fmt.Sprint(u.Status.IsActiveUser, u.Status.UploadStatus, u.UploadedGroups); strings.ReplaceAll(got, " ",
			"") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s: %s, want %s", email, got, want)
		}
	}
}
