package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

const goodDocument = `{"datasource":"backstage","id":"component:default/a","objectType":"component","title":"A","viewURL":"https://portal.example/a",
"summary":{"mimeType":"text/plain","textContent":"s"},"body":{"mimeType":"text/markdown","textContent":"b"},"tags":["x"],"createdAt":1700000000,
"owner":{"email":"a@x"},"container":"S","containerObjectType":"system","containerDatasourceId":"system:default/s",
"customProperties":[{"name":"type","value":"service"},{"name":"stars","value":5},{"name":"langs","value":["go"]},{"name":"since","value":1700000000}],
"permissions":{"allowedUsers":[{"email":"a@x"}],"allowedGroups":["g"],"allowedGroupIntersections":[{"requiredGroups":["g","h"]}]}}`

// TestDocumentRefusals changes one thing in a good document at a time.
func TestDocumentRefusals(t *testing.T) {
	c := start(t, sandbox.Options{})
	page := func(document string) string {
		return `{"uploadId":"a","datasource":"backstage","isFirstPage":true,"isLastPage":true,"documents":[` + document + `]}`
	}
	c.must(api.PathBulkIndexDocuments, page(goodDocument), nil)
	for name, tc := range map[string]struct{ old, new, want string }{
		"no id":    {`"id":"component:default/a",`, ``, "id: is required"},
		"empty id": {`component:default/a`, ``, "documents[0].id: must not be empty"},
		"id of 201": {`component:default/a`, strings.Repeat("é", 201), "documents[0].id: must not be more " +
			"than 200"},
		"other datasource": {`{"datasource":"backstage"`, `{"datasource":"jira"`, `"component:default/a": datasource`},
		"undeclared type": {`"objectType":"component"`, `"objectType":"api"`,
			`objectType: "api" is not in the objectDefinitions`},
		"type with underscore": {`"objectType":"component"`, `"objectType":"a_b"`, "objectType: cannot have spaces or _"},
		"no type":              {`"objectType":"component",`, ``, "objectType"},
		"undeclared container": {`"containerObjectType":"system"`, `"containerObjectType":"group"`,
			`containerObjectType: "group"`},
		"no viewURL":        {`"viewURL":"https://portal.example/a",`, ``, "viewURL: is required"},
		"viewURL elsewhere": {`https://portal.example/a`, `https://other.example/a`, "viewURL: does not match urlRegex"},
		"viewURL only contains": {`https://portal.example/a`, `https://other.example/?https://portal.example/a`,
			"viewURL: does not match"},
		"viewUrl": {`"viewURL"`, `"viewUrl"`, "documents[0].viewUrl: unknown field"},
		"no permissions": {`"permissions"`, `"status":"","interactions":{},"comments":[],"permissionz"`,
			"permissionz: unknown field"},
		"user without e-mail": {`"allowedUsers":[{"email":"a@x"}]`, `"allowedUsers":[{"name":"a"}]`, "email is required"},
		"group is no list": {`"allowedGroups":["g"]`, `"allowedGroups":"g"`,
			"documents[0].permissions.allowedGroups: must be a list"},
		"null list":            {`"tags":["x"]`, `"tags":null`, "documents[0].tags: must be a list"},
		"null in a list":       {`"tags":["x"]`, `"tags":[null]`, "must be a string"},
		"ISO time":             {`1700000000`, `"2026-08-01T00:00:00Z"`, "createdAt: must be an integer"},
		"fraction of a second": {`1700000000`, `1700000000.5`, "createdAt: must be an integer"},
		"JSON content": {`text/markdown`, `application/json`,
			`documents[0].body.mimeType: "application/json" is not supported`},
		"YAML content":       {`text/markdown`, `application/yaml`, "is not supported"},
		"no mime type":       {`"mimeType":"text/markdown",`, ``, "mimeType"},
		"text and bytes":     {`"textContent":"b"`, `"textContent":"b","binaryContent":"Yg=="`, "only one of"},
		"unknown in content": {`"textContent":"b"`, `"content":"b"`, "documents[0].body.content: unknown field"},
		"content is text": {`{"mimeType":"text/markdown","textContent":"b"}`, `"b"`, "documents[0].body: must be an " +
			"object"},
		"undefined property":    {`"name":"type"`, `"name":"tier"`, `customProperties: "tier" is not defined for component`},
		"boolean property":      {`"value":"service"`, `"value":true`, "not of type PICKLIST"},
		"null property":         {`"value":"service"`, `"value":null`, "must not be null"},
		"text for a number":     {`"value":5`, `"value":"5"`, "not of type INT"},
		"fraction for a number": {`"value":5`, `"value":5.5`, "not of type INT"},
		"text for a list":       {`"value":["go"]`, `"value":"go"`, "not of type TEXTLIST"},
		"number in a list":      {`"value":["go"]`, `"value":[1]`, "not of type TEXTLIST"},
		"object for a property": {`"value":"service"`, `"value":{}`, "not of type PICKLIST"},
		"cut":                   {`"go"]}`, `"go"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(goodDocument, tc.old, tc.new, 1)
			if bad == goodDocument {
				t.Fatal("nothing was changed")
			}
			c.t = t
			c.refused(api.PathBulkIndexDocuments, page(bad), http.StatusBadRequest, tc.want)
		})
	}
	c.t = t
	without := goodDocument[:strings.Index(goodDocument, `,
"permissions"`)] + "}"
	c.refused(api.PathBulkIndexDocuments, page(without), http.StatusBadRequest, "permissions: are required")
	if got := c.ids(); got != "component:default/a" {
		t.Errorf("the index holds %q", got)
	}
}

func TestRequestRefusals(t *testing.T) {
	c := start(t, sandbox.Options{Token: "secret", MaxPage: 2000})
	for name, tc := range map[string]struct {
		path, body string
		status     int
		want       string
	}{
		"no such datasource": {api.PathBulkIndexUsers, `{"uploadId":"a","datasource":"x","users":[]}`, 400,
			"Invalid datasource"},
		"no such datasource, read": {api.PathGetDatasourceConfig, `{"datasource":"x"}`, 400, "Invalid datasource"},
		"no such datasource, path": {api.PathDebugStatus("x"), ``, 400, "Invalid datasource"},
		"no upload id": {api.PathBulkIndexUsers, `{"datasource":"backstage","users":[]}`, 400, "uploadId: is " +
			"required"},
		"no datasource": {api.PathBulkIndexUsers, `{"uploadId":"a","users":[]}`, 400, "datasource: is required"},
		"no users": {api.PathBulkIndexUsers, `{"uploadId":"a","datasource":"backstage"}`, 400,
			"users: is required"},
		"users are null": {api.PathBulkIndexUsers, `{"uploadId":"a","datasource":"backstage","users":null}`, 400,
			"users: must be a list"},
		"unknown member": {api.PathBulkIndexUsers, `{"uploadId":"a","datasource":"backstage","users":[],` +
			`"group":"g"}`, 400, "group: unknown field"},
		"a boolean as text": {api.PathBulkIndexUsers, `{"uploadId":"a","datasource":"backstage","users":[],` +
			`"isFirstPage":"true"}`, 400, "isFirstPage: must be a boolean"},
		"other stream's flag": {api.PathBulkIndexUsers, `{"uploadId":"a","datasource":"backstage","users":[],` +
			`"disableStaleDocumentDeletionCheck":true}`, 400, "unknown field"},
		"user without name": {api.PathBulkIndexUsers, `{"uploadId":"a","datasource":"backstage","isFirstPage":true,` +
			`"users":[{"email":"a@x"}]}`, 400, `user "a@x": name: is required`},
		"user without e-mail": {api.PathBulkIndexUsers, `{"uploadId":"a","datasource":"backstage","isFirstPage":true,` +
			`"users":[{"name":"a"}]}`, 400, "is not an e-mail address"},
		"group with a space": {api.PathBulkIndexGroups, `{"uploadId":"a","datasource":"backstage",` +
			`"isFirstPage":true,"groups":[{"name":"a b"}]}`, 400, "cannot have spaces"},
		"Glean's own group": {api.PathBulkIndexGroups, `{"uploadId":"a","datasource":"backstage",` +
			`"isFirstPage":true,"groups":[{"name":"scio-a"}]}`, 400, "cannot start with scio"},
		"group without name": {api.PathBulkIndexGroups, `{"uploadId":"a","datasource":"backstage",` +
			`"isFirstPage":true,"groups":[{}]}`, 400, "name: must not be empty"},
		"group is text": {api.PathBulkIndexGroups, `{"uploadId":"a","datasource":"backstage",` +
			`"isFirstPage":true,"groups":["a"]}`, 400, "must be an object"},
		"members of no group": {api.PathBulkIndexMemberships, `{"uploadId":"a","datasource":"backstage",` +
			`"isFirstPage":true,"memberships":[]}`, 400, "group: is required"},
		"member of both kinds": {api.PathBulkIndexMemberships, `{"uploadId":"a","datasource":"backstage",` +
			`"isFirstPage":true,"group":"g","memberships":[{"memberUserId":"a@x","memberGroupName":"h"}]}`, 400,
			"exactly one of"},
		"member of no kind": {api.PathBulkIndexMemberships, `{"uploadId":"a","datasource":"backstage",` +
			`"isFirstPage":true,"group":"g","memberships":[{}]}`, 400, "exactly one of"},
		"memberships have no flag": {api.PathBulkIndexMemberships, `{"uploadId":"a","datasource":"backstage","group":"g",` +
			`"memberships":[],"isLastPage":true,"disableStaleDataDeletionCheck":true}`, 400, "unknown field"},
		"not JSON": {api.PathBulkIndexUsers, `uploadId=a`, 400, ""},
		"too large": {api.PathBulkIndexUsers, `{"uploadId":"` + strings.Repeat("a", 2000) + `"}`, 413,
			"larger than 2000 bytes"},
		"no such path":             {api.Prefix + "bulkindexdocs", `{}`, 404, ""},
		"path without debug's end": {api.Prefix + "debug/backstage", ``, 404, ""},
		"an operation under debug": {api.Prefix + "debug/backstage/bulkindexusers", `{}`, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.t = t
			c.refused(tc.path, tc.body, tc.status, tc.want)
		})
	}
	c.t = t
	for _, token := range []string{"", "other"} {
		c.token = token
		c.refused(api.PathDebugStatus("backstage"), nil, http.StatusUnauthorized, "token")
	}
	if u := c.Index("backstage").Uploads; len(u) != 0 {
		t.Errorf("a refused page began an upload: %+v", u)
	}
}

func TestMethodAndContentType(t *testing.T) {
	c := start(t, sandbox.Options{})
	for name, tc := range map[string]struct {
		method, contentType string
		want                int
	}{
		"get":      {http.MethodGet, "application/json", http.StatusMethodNotAllowed},
		"no type":  {http.MethodPost, "", http.StatusBadRequest},
		"a form":   {http.MethodPost, "application/x-www-form-urlencoded", http.StatusBadRequest},
		"charset":  {http.MethodPost, "application/json; charset=UTF-8", http.StatusOK},
		"as it is": {http.MethodPost, "application/json", http.StatusOK},
	} {
		r, err := http.NewRequest(tc.method, c.URL()+api.PathGetDatasourceConfig,
			strings.NewReader(`{"datasource":"backstage"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer any")
		if tc.contentType != "" {
			r.Header.Set("Content-Type", tc.contentType)
		}
		res, err := c.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != tc.want {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, tc.want)
		}
	}
}

func TestUnknownPrincipals(t *testing.T) {
	c := start(t, sandbox.Options{Rules: sandbox.Rules{RefuseUnknownPrincipals: true}})
	c.putUsers(user("A@x"))
	c.putGroups("g")
	c.putMembers("g", "a@X")
	for _, m := range []api.Membership{{MemberUserID: "b@x"}, {MemberGroupName: "h"}} {
		c.refused(api.PathBulkIndexMemberships, api.BulkIndexMembershipsRequest{Page: whole("m"), Group: "g",
			Memberships: []api.Membership{m}}, 400, "is not known")
	}
	c.refused(api.PathBulkIndexMemberships, api.BulkIndexMembershipsRequest{Page: whole("m"), Group: "h"}, 400,
		`group: "h" is not known`)
	c.must(api.PathBulkIndexDocuments, c.documents(whole("d"), doc("1",
		api.Permissions{AllowedUsers: []api.UserReference{{Email: "a@X"}}, AllowedGroups: []string{"g"}})), nil)
	for _, p := range []api.Permissions{
		{AllowedUsers: []api.UserReference{{Email: "b@x"}}},
		{AllowedGroups: []string{"g", "h"}},
		{AllowedGroupIntersections: []api.GroupIntersection{{RequiredGroups: []string{"g", "h"}}}},
	} {
		c.refused(api.PathBulkIndexDocuments, c.documents(whole("d"), doc("1", p)), 400, `document "1": permissions: `)
	}
}
