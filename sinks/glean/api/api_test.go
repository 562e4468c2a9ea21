package api

import (
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
)

func TestJSON(t *testing.T) {
	no := false
	for name, tc := range map[string]struct {
		in   any
		want string
	}{
		"an empty page of documents": {
			BulkIndexDocumentsRequest{Page: Page{UploadID: "u", Datasource: "d"}},
			`{"uploadId":"u","datasource":"d","documents":[]}`,
		},
		"a first and last page": {
			BulkIndexUsersRequest{Page: Page{UploadID: "u", Datasource: "d", IsFirstPage: true, IsLastPage: true},
				Users: []User{{Email: "e", Name: "n"}}},
			`{"uploadId":"u","isFirstPage":true,"isLastPage":true,"datasource":"d","users":[{"email":"e","name":"n"}]}`,
		},
		"a group that is now empty": {
			BulkIndexMembershipsRequest{Page: Page{UploadID: "u", Datasource: "d"}, Group: "g"},
			`{"uploadId":"u","datasource":"d","group":"g","memberships":[]}`,
		},
		"permissions that were decided but name nobody": {
			Document{Datasource: "d", ID: "i", Permissions: &Permissions{}},
			`{"datasource":"d","id":"i","permissions":{}}`,
		},
		"an empty intersection": {
			Permissions{AllowedGroupIntersections: []GroupIntersection{{}}},
			`{"allowedGroupIntersections":[{"requiredGroups":[]}]}`,
		},
		"an explicit false": {
			DatasourceConfig{Name: "d", StripFragmentInCanonicalURL: &no},
			`{"name":"d","stripFragmentInCanonicalUrl":false}`,
		},
		"an inactive user": {
			User{Email: "e", Name: "n", IsActive: &no},
			`{"email":"e","name":"n","isActive":false}`,
		},
		"an empty list of properties in an answer": {
			DebugUserResponse{},
			`{"status":{"isActiveUser":false,"uploadStatus":""},"uploadedGroups":[]}`,
		},
	} {
		got, err := codec.Marshal(tc.in)
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, tc.want)
		}
	}
}
