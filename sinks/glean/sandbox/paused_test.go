package sandbox_test

import (
	"fmt"
	"testing"

	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestFinishDeletions: a paused deletion happens when it is finished, except for what came again.
func TestFinishDeletions(t *testing.T) {
	c := start(t, sandbox.Options{})
	c.putUsers(user("a@x"), user("b@x"), user("c@x"))
	c.putGroups("g", "h", "i")
	c.putMembers("h", "b@x")
	c.must(api.PathBulkIndexDocuments, step{"a", "fl", many(5), 0, ""}.request(), nil)
	c.must(api.PathBulkIndexDocuments, step{"b", "fl", many(1), 0, ""}.request(), nil)
	c.must(api.PathBulkIndexUsers, api.BulkIndexUsersRequest{Page: whole("u2"), Users: []api.User{user("a@x")}}, nil)
	c.must(api.PathBulkIndexGroups, api.BulkIndexGroupsRequest{Page: whole("g2"), Groups: []api.Group{{Name: "h"}}}, nil)
	again := doc("d03", api.Permissions{AllowAnonymousAccess: true})
	c.must(api.PathIndexDocument, api.IndexDocumentRequest{Document: again}, nil)
	if i := c.Index("backstage"); len(i.Documents) != 5 || len(i.Users) != 3 || len(i.Groups) != 3 {
		t.Fatalf("deletion was not paused: %d documents, %d users, %d groups", len(i.Documents), len(i.Users), len(i.Groups))
	}
	for range 2 { // the second time does nothing
		if err := c.FinishDeletions("backstage"); err != nil {
			t.Fatal(err)
		}
		i := c.Effective("backstage")
		if len(i.Documents) != 2 || len(i.Users) != 1 || len(i.Groups) != 1 {
			t.Errorf("%d documents, %d users, %d groups are left", len(i.Documents), len(i.Users), len(i.Groups))
		}
		if got := fmt.Sprint(i.Memberships); got != "map[h:[]]" {
			t.Errorf("memberships: %s", got)
		}
	}
	var s api.DatasourceStatus
	c.must(api.PathDebugStatus("backstage"), nil, &s)
	if got := s.Documents.BulkUploadHistory[0]; got.UploadID != "b" || got.ProcessingState != api.StateIndexingCompleted {
		t.Errorf("%+v", got)
	}
	c.must(api.PathBulkIndexDocuments, step{"c", "fl", many(2), 0, ""}.request(), nil)
	if err := c.FinishDeletions("backstage"); err != nil || len(c.Index("backstage").Documents) != 2 {
		t.Errorf("%v: %v", err, c.Index("backstage").Documents)
	}
	if c.FinishDeletions("another") == nil {
		t.Error("a datasource that is not there")
	}
}
