package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// step is one page of a document upload: flags f(irst), l(ast), r(estart),
// d(isable the check).
type step struct {
	id, flags string
	docs      []string
	status    int
	text      string
}

func (s step) request() api.BulkIndexDocumentsRequest {
	r := api.BulkIndexDocumentsRequest{Page: api.Page{UploadID: s.id, Datasource: "backstage"}, Documents: docs(s.docs...)}
	for _, f := range s.flags {
		switch f {
		case 'f':
			r.IsFirstPage = true
		case 'l':
			r.IsLastPage = true
		case 'r':
			r.ForceRestartUpload = true
		case 'd':
			r.DisableStaleDocumentDeletionCheck = true
		}
	}
	return r
}

func many(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("d%02d", i)
	}
	return out
}

func TestUpload(t *testing.T) {
	for name, tc := range map[string]struct {
		rules sandbox.Rules
		steps []step
		want  string
	}{
		"three pages, found after the last": {
			steps: []step{{"a", "f", []string{"1"}, 200, ""}, {"a", "", []string{"2"}, 200, ""},
				{"a", "l", []string{"3"}, 200, ""}},
			want: "1 2 3",
		},
		"nothing is found before the last page": {
			steps: []step{{"a", "f", []string{"1"}, 200, ""}, {"a", "", []string{"2"}, 200, ""}},
		},
		"pages found at once": {
			rules: sandbox.Rules{VisibleBeforeLastPage: true},
			steps: []step{{"a", "f", []string{"1"}, 200, ""}, {"a", "", []string{"2"}, 200, ""}},
			want:  "1 2",
		},
		"pages found at once, old ones deleted at the end": {
			rules: sandbox.Rules{VisibleBeforeLastPage: true},
			steps: []step{{"a", "fl", []string{"1"}, 200, ""}, {"b", "f", []string{"2"}, 200, ""}, {"b", "ld", nil, 200, ""}},
			want:  "2",
		},
		"an unfinished upload is in the way": {
			steps: []step{{"a", "f", []string{"1"}, 200, ""}, {"b", "f", []string{"2"}, 409, `"a" is already in progress`},
				{"a", "l", nil, 200, ""}},
			want: "1",
		},
		"a repeated first page is refused, too": {
			steps: []step{{"a", "f", []string{"1"}, 200, ""}, {"a", "f", []string{"1"}, 409, "already in progress"}},
		},
		"a conflict can be a bad request": {
			rules: sandbox.Rules{ConflictIsBadRequest: true},
			steps: []step{{"a", "f", nil, 200, ""}, {"b", "f", nil, 400, "already in progress"}},
		},
		"forceRestartUpload discards earlier pages": {
			steps: []step{{"a", "f", []string{"1"}, 200, ""}, {"b", "fr", []string{"2"}, 200, ""},
				{"a", "", nil, 400, `"a" is not in progress`}, {"b", "l", nil, 200, ""}},
			want: "2",
		},
		"forceRestartUpload belongs on the first page": {
			steps: []step{{"a", "f", nil, 200, ""}, {"a", "r", nil, 400, "forceRestartUpload"}},
		},
		"the deletion flag belongs on the last page": {
			steps: []step{{"a", "fd", nil, 400, "disableStaleDocumentDeletionCheck"}},
		},
		"a middle page of an unknown upload": {
			steps: []step{{"a", "", nil, 400, "not in progress"}, {"a", "l", nil, 400, "not in progress"}},
		},
		"a last page again, after it closed the upload": {
			steps: []step{{"a", "f", []string{"1"}, 200, ""}, {"a", "l", []string{"2"}, 200, ""},
				{"a", "l", []string{"2"}, 400, "not in progress"}},
			want: "1 2",
		},
		"a middle page again is an upsert": {
			steps: []step{{"a", "f", []string{"1"}, 200, ""}, {"a", "", []string{"2"}, 200, ""},
				{"a", "", []string{"2"}, 200, ""}, {"a", "l", nil, 200, ""}},
			want: "1 2",
		},
		"an id used again": {
			steps: []step{{"a", "fl", []string{"1"}, 200, ""}, {"a", "fl", []string{"1"}, 200, ""}},
			want:  "1",
		},
		"an id used again can be refused": {
			rules: sandbox.Rules{RefuseReusedUploadIDs: true},
			steps: []step{{"a", "fl", []string{"1"}, 200, ""}, {"a", "fl", []string{"2"}, 400, "already used"}},
			want:  "1",
		},
		"ids are compared without regard to case, the last wins": {
			steps: []step{{"a", "f", []string{"Abc"}, 200, ""}, {"a", "l", []string{"aBC"}, 200, ""}},
			want:  "aBC",
		},
		"strict ids: other case": {
			rules: sandbox.Rules{StrictIDs: true},
			steps: []step{{"a", "f", []string{"Abc"}, 200, ""}, {"a", "l", []string{"aBC"}, 400, `Duplicate id "aBC"`},
				{"a", "l", []string{"Abc"}, 200, ""}},
			want: "Abc",
		},
		"strict ids: twice in a page, the upload is not begun": {
			rules: sandbox.Rules{StrictIDs: true},
			steps: []step{{"a", "f", []string{"x", "X"}, 400, "Duplicate id"}, {"a", "l", nil, 400, "not in progress"}},
		},
		"a bad document refuses its page whole and keeps the upload open": {
			steps: []step{{"a", "f", []string{"1"}, 200, ""}, {"a", "", []string{"2", ""}, 400, "id: is required"},
				{"a", "l", []string{"3"}, 200, ""}},
			want: "1 3",
		},
		"20 % may go": {
			steps: []step{{"a", "fl", many(10), 200, ""}, {"b", "fl", many(8), 200, ""}},
			want:  "d00 d01 d02 d03 d04 d05 d06 d07",
		},
		"more than 20 % is paused": {
			steps: []step{{"a", "fl", many(5), 200, ""}, {"b", "fl", append(many(3), "new"), 200, ""}},
			want:  "d00 d01 d02 d03 d04 new",
		},
		"more than 20 % goes with the flag": {
			steps: []step{{"a", "fl", many(5), 200, ""}, {"b", "fld", []string{"new"}, 200, ""}},
			want:  "new",
		},
		"an empty upload with the flag empties the datasource": {
			steps: []step{{"a", "fl", many(5), 200, ""}, {"b", "frld", nil, 200, ""}},
		},
		"no share is lost by pages that were found at once": {
			rules: sandbox.Rules{VisibleBeforeLastPage: true},
			steps: []step{{"a", "fl", many(4), 200, ""}, {"b", "f", append([]string{"n1", "n2"}, many(3)...), 200, ""},
				{"b", "l", nil, 200, ""}},
			want: "d00 d01 d02 d03 n1 n2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, sandbox.Options{Rules: tc.rules})
			for i, s := range tc.steps {
				status, body, err := c.post(api.PathBulkIndexDocuments, s.request())
				if err != nil || status != s.status {
					t.Fatalf("step %d: %d %q %v, want %d", i, status, body, err, s.status)
				}
				if !strings.Contains(body, s.text) {
					t.Errorf("step %d: %q, want %q", i, body, s.text)
				}
			}
			if got := c.ids(); got != tc.want {
				t.Errorf("the index holds %q, want %q", got, tc.want)
			}
		})
	}
}

// TestUploadsAreSeparate: one upload may be open for each stream, and for each
// group's memberships.
func TestUploadsAreSeparate(t *testing.T) {
	c := start(t, sandbox.Options{})
	first := api.Page{UploadID: "a", Datasource: "backstage", IsFirstPage: true}
	c.must(api.PathBulkIndexDocuments, c.documents(first), nil)
	c.must(api.PathBulkIndexUsers, api.BulkIndexUsersRequest{Page: first}, nil)
	c.must(api.PathBulkIndexGroups, api.BulkIndexGroupsRequest{Page: first}, nil)
	c.must(api.PathBulkIndexMemberships, api.BulkIndexMembershipsRequest{Page: first, Group: "g"}, nil)
	c.must(api.PathBulkIndexMemberships, api.BulkIndexMembershipsRequest{Page: first, Group: "h"}, nil)
	c.refused(api.PathBulkIndexUsers, api.BulkIndexUsersRequest{Page: first}, http.StatusConflict, "already in progress")
	c.refused(api.PathBulkIndexMemberships, api.BulkIndexMembershipsRequest{Page: first, Group: "g"},
		http.StatusConflict, "already in progress")
}

// TestIdentityDeletion: users and groups have the 20 % guard, the memberships of one group
// have none, and deleted users and groups lose their memberships.
func TestIdentityDeletion(t *testing.T) {
	c := start(t, sandbox.Options{})
	c.putUsers(user("a@x"), user("B@x"), user("c@x"))
	c.putGroups("g", "h", "i")
	c.putMembers("g", "a@x", "b@x", "h")
	c.putMembers("h", "c@x")
	c.putMembers("i", "a@x")

	c.must(api.PathBulkIndexUsers, api.BulkIndexUsersRequest{Page: whole("u2"), Users: []api.User{user("a@x")}}, nil)
	c.must(api.PathBulkIndexGroups, api.BulkIndexGroupsRequest{Page: whole("g2"), Groups: []api.Group{{Name: "g"}}}, nil)
	i := c.Index("backstage")
	if len(i.Users) != 3 || len(i.Groups) != 3 || len(i.Memberships["g"]) != 3 {
		t.Fatalf("deletion was not paused: %v %v %v", i.Users, i.Groups, i.Memberships)
	}
	var s api.DatasourceStatus
	c.must(api.PathDebugStatus("backstage"), nil, &s)
	if got := s.Identity.Users.BulkUploadHistory[0]; got.UploadID != "u2" ||
		got.ProcessingState != api.StateDeletionPaused {
		t.Errorf("users: %+v", got)
	}

	c.putUsers(user("a@x"), user("c@x"))
	c.putGroups("g", "i")
	c.putMembers("i")
	i = c.Index("backstage")
	if got := fmt.Sprint(i.Memberships); got != "map[g:[{a@x }] i:[]]" {
		t.Errorf("memberships after the cascade: %s", got)
	}
}

func TestStatus(t *testing.T) {
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	c := start(t, sandbox.Options{Now: func() time.Time { return now }, Rules: sandbox.Rules{DocumentsTake: time.Minute}})
	status := func() api.DatasourceStatus {
		var s api.DatasourceStatus
		c.must(api.PathDebugStatus("backstage"), nil, &s)
		return s
	}
	newest := func() string {
		u := status().Documents.BulkUploadHistory[0]
		return fmt.Sprintf("%s %s %s %s", u.UploadID, u.Status, u.EndTime, u.ProcessingState)
	}
	want := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	c.must(api.PathBulkIndexDocuments, step{"a", "f", many(2), 0, ""}.request(), nil)
	want("after the first page", newest(), "a ACTIVE NA UPLOAD STARTED")
	c.must(api.PathBulkIndexDocuments, step{"a", "", many(3), 0, ""}.request(), nil)
	want("after the second page", newest(), "a ACTIVE NA UPLOAD IN PROGRESS")
	c.must(api.PathBulkIndexDocuments, step{"a", "l", many(5), 0, ""}.request(), nil)
	want("after the last page", newest(), "a SUCCESSFUL 2026-08-01T12:00:00.000Z UPLOAD COMPLETED")
	now = now.Add(time.Minute)
	want("later", newest(), "a SUCCESSFUL 2026-08-01T12:00:00.000Z INDEXING COMPLETED")
	c.must(api.PathBulkIndexDocuments, step{"b", "fl", many(1), 0, ""}.request(), nil)
	want("after a loss", newest(), "b SUCCESSFUL 2026-08-01T12:01:00.000Z DELETION PAUSED")
	c.must(api.PathBulkIndexDocuments, step{"c", "f", nil, 0, ""}.request(), nil)
	c.must(api.PathBulkIndexDocuments, step{"d", "fr", nil, 0, ""}.request(), nil)
	want("after a restart", newest(), "d ACTIVE NA UPLOAD STARTED")
	s := status()
	want("the discarded upload is not listed", fmt.Sprint(len(s.Documents.BulkUploadHistory)), "3")
	counted := s.Documents.Counts.Uploaded
	want("counts", fmt.Sprintf("%d %s %d", len(counted), counted[0].ObjectType, *counted[0].Count), "1 component 5")
	want("visibility", s.DatasourceVisibility, api.VisibilityAll)

	u := c.Index("backstage").Uploads
	want("the record", fmt.Sprintf("%s pages %d items %d", u[0].ID, u[0].Pages, u[0].Items), "a pages 3 items 5")
	want("the record of the loss", fmt.Sprintf("%s paused %d deleted %d", u[1].ID, u[1].Paused, u[1].Deleted),
		"b paused 4 deleted 0")
	if !u[2].Discarded || u[3].Discarded {
		t.Errorf("discarded: %+v", u)
	}
}
